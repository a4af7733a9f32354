//! Any texts: folding is idempotent, and a term is found in a text whose characters do not combine with it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use todo_domain::SearchTerm;
use todo_domain::search::fold;

fuzz_target!(|given: (&str, &str, &str)| {
    let (before, term, after) = given;
    let folded = fold(term);
    assert_eq!(fold(&folded), folded);
    if let Ok(Some(wanted)) = SearchTerm::new(term) {
        // Directly after the term, an accent would combine with its last letter.
        assert!(wanted.is_in(&format!("{before}\n{term}\n{after}")));
        let lower = term.to_lowercase();
        assert!(wanted.is_in(&format!("{before}\n{lower}\n{after}")) || !term.is_ascii());
    }
});
