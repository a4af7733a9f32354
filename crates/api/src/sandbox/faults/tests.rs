use super::*;

fn faults(fail_rate: f64, lose_answers: f64, seed: u64) -> Faults {
    let latency = "1s..2s".parse().ok();
    Faults::new(&SandboxOptions { latency, fail_rate, lose_answers, seed: Some(seed) })
}

#[test]
fn a_rate_is_the_share_of_requests_with_the_fault() {
    let faults = faults(0.25, 0.05, 1);
    let drawn: Vec<_> = (0..10_000).map(|_| faults.draw()).collect();
    let failed = drawn.iter().filter(|it| it.status == Some(503)).count();
    assert!((2_200..2_800).contains(&failed), "{failed}");
    let lost = drawn.iter().filter(|it| it.loses_response).count();
    assert!((350..650).contains(&lost), "{lost}");
}

#[test]
fn a_rate_of_0_means_never_and_1_means_always() {
    let (never, always) = (faults(0.0, 0.0, 1), faults(1.0, 1.0, 1));
    for _ in 0..1_000 {
        let fault = never.draw();
        assert_eq!((fault.status, fault.loses_response), (None, false));
        let fault = always.draw();
        assert_eq!((fault.status, fault.loses_response), (Some(503), true));
    }
}

#[test]
fn the_same_seed_produces_the_same_faults() {
    let draw = |seed| {
        let faults = faults(0.5, 0.5, seed);
        (0..100).map(|_| faults.draw()).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn faults_are_shown_as_the_flags_that_reproduce_them() {
    let flags = faults(0.05, 0.0, 9).flags();
    assert_eq!(flags, ["--latency 1s..2s", "--fail-rate 0.05", "--seed 9"]);
    assert!(Faults::new(&SandboxOptions::default()).flags().is_empty());
}
