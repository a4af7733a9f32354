use super::*;

#[test]
fn a_duration_or_a_range_is_accepted() {
    for (text, from, to, shown) in [
        ("3s", 3_000, 3_000, "3s"),
        ("200ms..2s", 200, 2_000, "200ms..2s"),
        ("0..1", 0, 1_000, "0s..1s"),
        ("1m", 60_000, 60_000, "1m"),
        ("0", 0, 0, "0s"),
        ("5s .. 5s", 5_000, 5_000, "5s"),
    ] {
        let latency: Latency = text.parse().unwrap();
        let expected = Latency { from: Duration::from_millis(from), to: Duration::from_millis(to) };
        assert_eq!((latency, latency.to_string()), (expected, shown.to_owned()), "{text}");
    }
}

#[test]
fn anything_else_is_rejected() {
    for text in
        ["", "..", "soon", "2s..200ms", "200ms..", "..2s", "61s", "1s..2m", "-1s", "1s...2s"]
    {
        assert!(text.parse::<Latency>().is_err(), "{text}");
    }
}

#[test]
fn latencies_are_spread_over_the_range() {
    let latency: Latency = "200ms..2s".parse().unwrap();
    let random = Random::new(1);
    let drawn: Vec<_> = (0..1_000).map(|_| latency.draw(&random)).collect();
    assert!(drawn.iter().all(|it| (latency.from..=latency.to).contains(it)));
    let middle = Duration::from_millis(1_100);
    assert!((300..700).contains(&drawn.iter().filter(|it| **it < middle).count()));
    let fixed: Latency = "3s".parse().unwrap();
    assert_eq!(fixed.draw(&random), Duration::from_secs(3));
}
