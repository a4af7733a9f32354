//! The figures, as a table and a chart.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::calls::Call;
use crate::events::Latency;

/// The database of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// The result of one call in one round. Latencies in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) cpu_micros: f64,
    pub(crate) rss_mib: f64,
    pub(crate) adapter_per_second: Option<f64>,
    pub(crate) pgbench_per_second: Option<f64>,
    /// With a statement that also sets the clock of the owner.
    pub(crate) clock_pgbench_per_second: Option<f64>,
}

/// All results.
pub(crate) struct Report {
    rows: Vec<(Database, Call, Figures)>,
    events: Vec<(Database, String, Latency)>,
    rounds: usize,
    time: Duration,
    connections: usize,
}

impl Database {
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
        }
    }
}

impl Report {
    pub(crate) fn new(rounds: usize, time: Duration, connections: usize) -> Self {
        Self { rows: Vec::new(), events: Vec::new(), rounds, time, connections }
    }

    /// Adds a round, and prints it.
    #[expect(clippy::print_stderr, reason = "progress")]
    pub(crate) fn add(&mut self, database: Database, call: Call, round: usize, figures: Figures) {
        eprintln!(
            "{} {round}/{} {:<26} {:>8.0}/s  p50 {:>6.0} us  p99 {:>6.0} us  {:>5.1} us CPU",
            database.name(),
            self.rounds,
            call.name(),
            figures.per_second,
            figures.p50,
            figures.p99,
            figures.cpu_micros,
        );
        self.rows.push((database, call, figures));
    }

    /// Adds the time from a change to its event, where the client listens to this server.
    #[expect(clippy::print_stderr, reason = "progress")]
    pub(crate) fn add_events(&mut self, database: Database, listened: String, latency: Latency) {
        eprintln!("{} events, {listened}: {latency:?} ms", database.name());
        self.events.push((database, listened, latency));
    }

    /// Writes `docs/performance.md` and `docs/performance.svg`.
    #[expect(clippy::print_stdout, reason = "the result")]
    pub(crate) fn write(&self) {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let text = self.markdown();
        fs::write(docs.join("performance.svg"), self.chart()).expect("docs/performance.svg");
        let file = docs.join("performance.md");
        // The hand-written text below the mark is kept.
        let old = fs::read_to_string(&file).unwrap_or_default();
        let kept = old.split_once(MARK).map_or("", |(_, kept)| kept);
        fs::write(&file, format!("{text}{MARK}{kept}")).expect("docs/performance.md");
        println!("{text}");
    }

    fn of(&self, database: Database, call: Call) -> impl Iterator<Item = &Figures> {
        self.rows
            .iter()
            .filter(move |(d, c, _)| *d == database && *c == call)
            .map(|(_, _, figures)| figures)
    }

    fn median(
        &self,
        database: Database,
        call: Call,
        of: impl Fn(&Figures) -> Option<f64>,
    ) -> Option<Spread> {
        Spread::of(self.of(database, call).filter_map(of).collect())
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "# Performance\n\nWritten by `cargo bench --bench http`: {} rounds of {} s per call with {} connections, on {} processors \
             that also run the database and the load. Medians of the rounds; in brackets the lowest and the \
             highest. Ratios are taken within each round. The server runs with its defaults. *CPU* is the \
             server's own, user and system, in microseconds per request.\n\n![Requests per second](performance.svg)\n",
            self.rounds,
            self.time.as_secs(),
            self.connections,
            std::thread::available_parallelism().map_or(0, usize::from),
        );
        for database in [Database::Sqlite, Database::Postgres] {
            if self.rows.iter().any(|(d, ..)| *d == database) {
                self.table(database, &mut text);
            }
        }
        text.push_str(
            "\n## From a change to its event\n\n100 changes; the client listens to the server that carries them out, or \
             to another on the same database, which polls or is notified. Milliseconds.\n\n\
             | database | listens to | p50 | p99 | maximum |\n|---|---|---|---|---|\n",
        );
        for (database, listened, Latency { p50, p99, max }) in &self.events {
            let name = database.name();
            let _ = writeln!(text, "| {name} | {listened} | {p50:.1} | {p99:.1} | {max:.1} |");
        }
        text
    }

    fn table(&self, database: Database, text: &mut String) {
        let name = database.name();
        let _ = write!(
            text,
            "\n## {name}\n\n| call | requests/s | p50 ms | p99 ms | p99.9 ms | CPU us | RSS MiB | of the adapter \
             alone | of pgbench | of pgbench, setting clocks | of /health |\n\
             |---|---|---|---|---|---|---|---|---|---|---|\n"
        );
        let health: Vec<f64> = self.of(database, Call::Health).map(|it| it.per_second).collect();
        for call in Call::ALL {
            let figure = |of: fn(&Figures) -> f64, scale: f64, digits: usize| {
                self.median(database, call, |it| Some(of(it) / scale))
                    .map_or_else(String::new, |it| format!("{:.digits$}", it.median))
            };
            let ratio = |of: fn(&Figures) -> Option<f64>| {
                self.median(database, call, |it| Some(it.per_second / of(it)?))
                    .map_or_else(|| "-".to_owned(), |it| format!("{:.2}", it.median))
            };
            let of_health = Spread::of(
                self.of(database, call)
                    .zip(&health)
                    .map(|(it, health)| it.per_second / health)
                    .collect(),
            );
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                call.name(),
                self.median(database, call, |it| Some(it.per_second))
                    .map_or_else(String::new, |it| it.to_string()),
                figure(|it| it.p50, 1e3, 2),
                figure(|it| it.p99, 1e3, 2),
                figure(|it| it.p999, 1e3, 2),
                figure(|it| it.cpu_micros, 1.0, 1),
                figure(|it| it.rss_mib, 1.0, 0),
                ratio(|it| it.adapter_per_second),
                ratio(|it| it.pgbench_per_second),
                ratio(|it| it.clock_pgbench_per_second),
                of_health.map_or_else(String::new, |it| format!("{:.2}", it.median)),
            );
        }
    }

    fn chart(&self) -> String {
        const BAR: f64 = 16.0;
        const WIDTH: f64 = 480.0;
        let medians: Vec<_> = [Database::Sqlite, Database::Postgres]
            .into_iter()
            .flat_map(|database| Call::ALL.map(|call| (database, call)))
            .filter_map(|(database, call)| {
                let spread = self.median(database, call, |it| Some(it.per_second))?;
                Some((database, call, spread.median))
            })
            .collect();
        let most = medians.iter().map(|(_, _, it)| *it).fold(1.0, f64::max);
        let height = medians.len() as f64 * (BAR + 6.0) + 30.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 {height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"10\" y=\"18\">Requests per second</text>\n"
        );
        for (index, (database, call, per_second)) in medians.into_iter().enumerate() {
            let y = 30.0 + index as f64 * (BAR + 6.0);
            let (width, text_y) = (per_second / most * WIDTH, y + 12.0);
            let color = if database == Database::Sqlite { "#0f766e" } else { "#3b5bdb" };
            let _ = writeln!(
                svg,
                "<text x=\"10\" y=\"{text_y}\">{} {}</text><rect x=\"240\" y=\"{y}\" width=\"{width:.1}\" \
                 height=\"{BAR}\" fill=\"{color}\"/><text x=\"{:.1}\" y=\"{text_y}\">{per_second:.0}</text>",
                database.name(),
                call.name(),
                246.0 + width,
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

const MARK: &str = "\n<!-- Below this line nothing is generated. -->\n";

/// The median and range of some figures.
struct Spread {
    median: f64,
    low: f64,
    high: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        let (low, high) = (*figures.first()?, *figures.last()?);
        Some(Self { median: figures[figures.len() / 2], low, high })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} ({:.0}-{:.0})", self.median, self.low, self.high)
    }
}
