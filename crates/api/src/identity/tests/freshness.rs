//! How fresh the keys are, for metrics.

use todo_test_support::issuer::{Answer, Kind};

use super::super::store::Freshness;
use super::*;

const MAX_AGE: Duration = Duration::from_secs(24 * 3_600);

#[test]
fn the_age_of_the_keys_grows_until_they_are_fetched_again() {
    let bench = Bench::new(Issuer::start(&[Kind::Es256]));
    let freshness = || bench.verifier.freshness().unwrap();
    assert_eq!(freshness(), Freshness { age: None, max_age: MAX_AGE, failures: 0 });
    bench.refresh();
    bench.pass(3_600);
    let age = Some(Duration::from_secs(3_600));
    assert_eq!(freshness(), Freshness { age, max_age: MAX_AGE, failures: 0 });
    bench.issuer.answer(Answer::Status(500));
    bench.refresh();
    bench.pass(60);
    bench.refresh();
    let age = Some(Duration::from_secs(3_660));
    assert_eq!(freshness(), Freshness { age, max_age: MAX_AGE, failures: 2 });
    bench.issuer.answer(Answer::Keys);
    bench.pass(60);
    bench.refresh();
    assert_eq!(freshness(), Freshness { age: Some(Duration::ZERO), max_age: MAX_AGE, failures: 0 });
}

#[test]
fn keys_that_never_change_have_no_age() {
    let store = Arc::new(KeyStore::fixed(KeySet::secret(&[7; 32])));
    let verifier = Verifier::new(store, policy("any"), Arc::new(|| *START));
    assert_eq!(verifier.freshness(), None);
}
