use std::io::Write;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use super::*;

/// A log in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines that `work` logs.
fn logged(work: impl FnOnce(&Dedup)) -> Vec<String> {
    let (lines, dedup) = (Lines::default(), Dedup::default());
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let log = tracing_subscriber::registry()
        .with(layer)
        .with(Targets::new().with_default(Level::INFO))
        .with(dedup.clone());
    tracing::subscriber::with_default(log, || work(&dedup));
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(|line| line.trim().to_owned()).collect()
}

fn refuse(request_id: u32, causes: &str) {
    let request_id = request_id.to_string();
    tracing::warn!(request_id, causes, "unavailable");
}

#[test]
fn repeated_events_are_counted_and_reported() {
    let lines = logged(|dedup| {
        (1..=500).for_each(|id| refuse(id, "full"));
        dedup.report();
    });
    assert_eq!(
        lines,
        [
            r#"WARN unavailable request_id="1" causes="full""#,
            r#"WARN unavailable repeated=499 request_id="500" causes="full""#,
        ]
    );
}

#[test]
fn events_with_different_causes_are_different_kinds() {
    let lines = logged(|dedup| {
        refuse(1, "full");
        refuse(2, "late");
        dedup.report();
    });
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[1].contains("late") && !lines[1].contains("repeated"), "{lines:#?}");
}

#[test]
fn after_a_pause_an_event_is_written_in_full_again() {
    let lines = logged(|dedup| {
        refuse(1, "full");
        dedup.report();
        refuse(2, "full");
        refuse(3, "full");
        // There was an event to report, so the kind is still tracked.
        dedup.report();
        refuse(4, "full");
        dedup.report();
        dedup.report();
        refuse(5, "full");
    });
    let ids = lines.iter().map(|line| line.split('"').nth(1).unwrap());
    assert_eq!(ids.collect::<Vec<_>>(), ["1", "2", "3", "4", "5"], "{lines:#?}");
    let counts = lines.iter().filter(|line| line.contains("repeated=1")).count();
    assert_eq!(counts, 2, "{lines:#?}");
}

#[test]
fn events_below_warn_are_not_deduplicated() {
    let lines = logged(|_| (0..10).for_each(|number| tracing::info!(number, "done")));
    assert_eq!(lines.len(), 10, "{lines:#?}");
}

#[test]
fn the_number_of_kinds_is_bounded_and_every_event_is_counted() {
    let lines = logged(|dedup| {
        (0..1_000).for_each(|id| refuse(id, &id.to_string()));
        dedup.report();
    });
    // One line per tracked kind, the first of the others in full, and the count of the rest.
    assert_eq!(lines.len(), MAX_KINDS + 2, "{lines:#?}");
    let rest = lines.last().unwrap();
    assert!(rest.contains("various others repeated=899"), "{rest}");
}
