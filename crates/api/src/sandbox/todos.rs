//! The dozen todos of one user: one of each kind that a frontend must display correctly.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use todo_domain::{Due, Priority};
use uuid::{Builder, Uuid};

use super::random::Random;

/// A todo of the sample data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeedTodo {
    pub(super) id: Uuid,
    pub(super) title: String,
    pub(super) description: Option<String>,
    /// How long ago it was created.
    pub(super) created: Duration,
    /// How long ago it was completed; `None` if it is active.
    pub(super) completed: Option<Duration>,
    pub(super) priority: Priority,
    pub(super) due: Option<Ahead>,
    pub(super) tags: &'static [&'static str],
}

/// When a todo is due, counted from the start of the sandbox; negative if that was before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    /// On the date this many days ahead.
    Days(i64),
    /// At the instant this many hours ahead.
    Hours(i64),
}

impl Ahead {
    /// The due time in a sandbox that starts at `now`.
    pub(super) fn due(self, now: DateTime<Utc>) -> Due {
        match self {
            Self::Days(days) => Due::from_parts(now + TimeDelta::days(days), true),
            Self::Hours(hours) => {
                Due::from_parts(now.trunc_subsecs(0) + TimeDelta::hours(hours), false)
            }
        }
    }
}

/// A reproducible id that looks as if a client generated it (UUID version 4).
pub(super) fn id(random: &Random) -> Uuid {
    let bytes = u128::from(random.next()) << 64 | u128::from(random.next());
    Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Title, description, and how many seconds ago the todo was created and completed.
type Row = (&'static str, Option<&'static str>, u64, Option<u64>);

const ROWS: [Row; 12] = [
    ("Buy groceries", Some("Milk, eggs, bread"), 12 * MINUTE, None),
    ("Water the plants 🪴", None, 3 * HOUR, None),
    ("Call Jürgen about the Größe of the new desk", None, 20 * HOUR, None),
    (
        "Pack for Lisbon ✈️",
        Some("Passport\nCharger\nThe good headphones\n\nLeave the key with Zoë in 4b."),
        2 * DAY,
        None,
    ),
    (
        "Reply to <press@example.com> & cc \"Legal\"",
        Some("<b>No</b> figures before Friday."),
        3 * DAY,
        None,
    ),
    ("Renew the library card", Some(""), 5 * DAY, Some(4 * DAY)),
    (
        "Write down, before the retrospective on Thursday, what went well with the release, what did not, what we want \
         to try next time, and who has already agreed to take which part of the work on, so that we talk about what to \
         do and not about what happened",
        None,
        8 * DAY,
        None,
    ),
    ("Pay the electricity bill", Some("84.20, by bank transfer"), 11 * DAY, Some(9 * DAY)),
    ("牛乳を買う", Some("低脂肪"), 16 * DAY, Some(16 * DAY - HOUR)),
    (
        "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenhersteller anrufen",
        None,
        23 * DAY,
        None,
    ),
    ("לקבוע תור לרופא שיניים", None, 31 * DAY, Some(6 * DAY)),
    (
        "Read chapter 3: Notes by the Translator",
        Some("https://example.com/notes#note-g"),
        45 * DAY,
        Some(13 * DAY),
    ),
];

/// Priority, due time and tags of each of them.
type Fields = (Priority, Option<Ahead>, &'static [&'static str]);

const FIELDS: [Fields; 12] = [
    (Priority::Medium, Some(Ahead::Hours(5)), &["errands"]),
    (Priority::Low, Some(Ahead::Days(0)), &["home"]),
    (Priority::Medium, Some(Ahead::Days(1)), &["work", "calls"]),
    (Priority::High, Some(Ahead::Days(2)), &["travel"]),
    (Priority::High, Some(Ahead::Hours(-20)), &["work"]),
    (Priority::Low, Some(Ahead::Days(-3)), &["errands"]),
    (Priority::Medium, Some(Ahead::Days(4)), &["work"]),
    (Priority::High, Some(Ahead::Days(-8)), &["home"]),
    (Priority::Medium, None, &["買い物"]),
    (Priority::Medium, Some(Ahead::Days(-2)), &["calls"]),
    (Priority::Medium, None, &["בריאות"]),
    (Priority::Low, None, &[]),
];

/// A dozen todos, newest first.
pub(super) fn a_dozen() -> Vec<SeedTodo> {
    let random = Random::new(12);
    let rows = ROWS.into_iter().zip(FIELDS);
    rows.map(|((title, description, created, completed), (priority, due, tags))| SeedTodo {
        id: id(&random),
        title: title.to_owned(),
        description: description.map(str::to_owned),
        created: Duration::from_secs(created),
        completed: completed.map(Duration::from_secs),
        priority,
        due,
        tags,
    })
    .collect()
}
