//! The thousand todos of one user: enough for pages, searches, and a list that is too long to be rendered at once.

use std::time::Duration;

use todo_domain::Priority;

use super::random::Random;
use super::todos::{Ahead, SeedTodo, id};

/// The number of todos.
const COUNT: u32 = 1_000;

/// The period in which they were created.
const PERIOD: Duration = Duration::from_secs(8 * 7 * 24 * 60 * 60);

/// The share that is completed.
const COMPLETED: f64 = 0.6;

/// The share that has a description.
const DESCRIBED: f64 = 0.3;

/// Most are of medium priority.
const PRIORITIES: [Priority; 5] =
    [Priority::Low, Priority::Medium, Priority::Medium, Priority::Medium, Priority::High];

const DUE: [Option<Ahead>; 8] = [
    None,
    None,
    None,
    Some(Ahead::Days(-9)),
    Some(Ahead::Hours(-30)),
    Some(Ahead::Days(0)),
    Some(Ahead::Hours(50)),
    Some(Ahead::Days(12)),
];

const TAGS: [&[&str]; 6] =
    [&[], &["home"], &["work"], &["errands"], &["work", "calls"], &["home", "someday"]];

/// Title templates. `{1}` and `{2}` are replaced by words of the two lists that follow.
const TITLES: [(&str, &[&str], &[&str]); 10] = [
    ("Buy {1} for {2}", THINGS, OCCASIONS),
    ("Call {1} about {2}", PEOPLE, TOPICS),
    ("Write to {1} about {2}", PEOPLE, TOPICS),
    ("Review {1}'s notes on {2}", PEOPLE, TOPICS),
    ("Prepare {2} with {1}", PEOPLE, OCCASIONS),
    ("Ask {1} for an offer: {2}", COMPANIES, REPAIRS),
    ("Pay {1} for {2}", COMPANIES, MONTHS),
    ("Book a table for {2} at {1}", RESTAURANTS, OCCASIONS),
    ("Fix {2} before {1} comes to visit", PEOPLE, REPAIRS),
    ("Send {1} the photos of {2} 📷", PEOPLE, OCCASIONS),
];

const PEOPLE: &[&str] = &[
    "Alan",
    "Barbara",
    "Chloë",
    "Dennis",
    "Edsger",
    "Fei-Fei",
    "Günther",
    "Hedy",
    "Işıl",
    "Jean",
    "Katherine",
    "Lê",
    "Margaret",
    "Niklaus",
    "Ólafur",
    "Radia",
    "Søren",
    "Tim",
    "Uğur",
    "Yukihiro",
];

const TOPICS: &[&str] = &[
    "the budget",
    "the compiler",
    "the contract",
    "the garden",
    "the holidays",
    "the interview",
    "the lease",
    "the new logo",
    "the release",
    "the school play",
    "the survey",
    "the taxes",
];

const OCCASIONS: &[&str] = &[
    "the birthday 🎂",
    "the conference",
    "the farewell",
    "Friday",
    "the house-warming",
    "Mum's visit",
    "the picnic",
    "the wedding",
    "the weekend",
];

const THINGS: &[&str] = &[
    "apples",
    "batteries",
    "candles",
    "coffee",
    "crème fraîche",
    "flowers",
    "glue",
    "jalapeños",
    "lemons",
    "napkins",
    "oat milk",
    "paper",
    "string",
    "tea",
    "wine",
];

const COMPANIES: &[&str] =
    &["the carpenter", "the electrician", "the internet provider", "the plumber", "Müller & Söhne"];

const REPAIRS: &[&str] = &[
    "the bathroom door",
    "the bicycle",
    "the dishwasher",
    "the kitchen tap",
    "the light on the stairs",
    "the printer",
    "the window in the attic",
];

const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const RESTAURANTS: &[&str] =
    &["Café Größenwahn", "Chez Zoé", "El Niño", "the Lighthouse", "the Old Mill"];

const DESCRIPTIONS: &[&str] = &[
    "Before noon, if possible.",
    "Not urgent.",
    "See the mail of last Tuesday; the attachment is the second version, not the first.",
    "First:\n- find the receipt\n- check the date\n\nThen decide.",
    "https://example.com/wiki/how-we-do-this",
    "Ask twice: the first answer is always \"yes\".",
    "👍 from everybody",
    "",
];

/// A thousand todos, newest first.
pub(super) fn a_thousand() -> Vec<SeedTodo> {
    // Apart from each other, so that ids and titles stay as they are when there are more fields.
    let (random, fields) = (Random::new(1_000), Random::new(1_001));
    (0..COUNT).map(|index| todo(index, &random, &fields)).collect()
}

fn todo(index: u32, random: &Random, fields: &Random) -> SeedTodo {
    // The period is divided into intervals, each with one todo.
    let created = (PERIOD / COUNT).mul_f64(f64::from(index) + random.fraction());
    SeedTodo {
        id: id(random),
        title: title(random),
        description: (random.fraction() < DESCRIBED).then(|| word(DESCRIPTIONS, random).to_owned()),
        created,
        completed: (random.fraction() < COMPLETED).then(|| created.mul_f64(random.fraction())),
        priority: fields.one_of(&PRIORITIES).copied().unwrap_or_default(),
        due: fields.one_of(&DUE).copied().flatten(),
        tags: fields.one_of(&TAGS).copied().unwrap_or_default(),
    }
}

fn title(random: &Random) -> String {
    let (title, first, second) = random.one_of(&TITLES).unwrap_or(&TITLES[0]);
    let word = |words| word(words, random);
    title.replace("{1}", word(first)).replace("{2}", word(second))
}

fn word<'a>(words: &[&'a str], random: &Random) -> &'a str {
    random.one_of(words).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_todos_are_reproducible_and_all_different() {
        let todos = a_thousand();
        assert_eq!(todos, a_thousand());
        let ids: HashSet<_> = todos.iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), 1_000);
        let titles: HashSet<_> = todos.iter().map(|it| &it.title).collect();
        assert!(titles.len() > 500, "{}", titles.len());
    }

    #[test]
    fn all_kinds_of_todos_occur() {
        let todos = a_thousand();
        let count = |is: fn(&SeedTodo) -> bool| todos.iter().filter(|it| is(it)).count();
        assert!((500..700).contains(&count(|it| it.completed.is_some())));
        assert!((200..400).contains(&count(|it| it.description.is_some())));
        assert!(count(|it| it.description.as_deref().is_some_and(str::is_empty)) > 0);
        assert!(count(|it| it.title.contains('ö')) > 10);
        assert!(count(|it| it.title.contains('🎂')) > 10);
        assert!(todos.iter().all(|it| !it.title.contains(['{', '}'])));
    }

    #[test]
    fn the_todos_are_spread_over_the_period_and_completed_after_they_were_created() {
        let todos = a_thousand();
        assert!(todos.is_sorted_by_key(|it| it.created));
        assert!(todos[999].created > PERIOD.mul_f64(0.99));
        assert!(todos.iter().all(|it| it.completed.is_none_or(|ago| ago <= it.created)));
    }
}
