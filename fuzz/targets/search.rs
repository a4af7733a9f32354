//! Any texts: folding is stable, and what a text holds is found in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use todo_domain::SearchTerm;
use todo_domain::search::fold;

fuzz_target!(|given: (&str, &str, &str)| {
    let (before, term, after) = given;
    let folded = fold(term);
    assert_eq!(fold(&folded), folded);
    if let Ok(Some(wanted)) = SearchTerm::new(term) {
        assert!(wanted.is_in(&format!("{before}{term}{after}")));
        assert!(
            wanted.is_in(&format!("{before}{}{after}", term.to_lowercase())) || !term.is_ascii()
        );
    }
});
