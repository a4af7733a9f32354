//! Many at the same moment.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Api, at, path_of};

const RACERS: usize = 16;
const ROUNDS: usize = 50;

/// What each racer gets; all start at once, each on a connection that it keeps.
fn race(rounds: usize, run: impl Fn(usize, usize) -> Answer + Sync) -> Vec<Vec<Answer>> {
    let start = Barrier::new(RACERS);
    let (start, run) = (&start, &run);
    let by_racer: Vec<Vec<Answer>> = thread::scope(|scope| {
        let racers: Vec<_> = (0..RACERS)
            .map(|racer| {
                scope.spawn(move || {
                    let lap = |round| {
                        start.wait();
                        // A racer that fails must not keep the others waiting at the start.
                        panic::catch_unwind(AssertUnwindSafe(|| run(round, racer)))
                    };
                    let laps: Vec<_> = (0..rounds).map(lap).collect();
                    laps.into_iter()
                        .map(|it| it.unwrap_or_else(|it| panic::resume_unwind(it)))
                        .collect()
                })
            })
            .collect();
        racers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    (0..rounds).map(|round| by_racer.iter().map(|it| it[round].clone()).collect()).collect()
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<_> = answers.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    statuses
}

fn one_of(winner: u16, others: u16) -> Vec<u16> {
    let mut statuses = vec![others; RACERS - 1];
    statuses.push(winner);
    statuses.sort_unstable();
    statuses
}

pub(crate) fn of_writers_with_the_same_version_exactly_one_wins(api: Api) {
    let ann = api.user();
    let path = path_of(&ann.create("Contended"));
    let rounds = race(ROUNDS, |round, racer| {
        let change = json!({"title": format!("Round {round}, racer {racer}")});
        let tag = format!("\"{}\"", round + 1);
        ann.call("PATCH", &path).header("If-Match", &tag).json(&change).send()
    });
    for (round, answers) in rounds.iter().enumerate() {
        assert_eq!(statuses(answers), one_of(200, 412), "round {round}");
        let winner = answers.iter().find(|it| it.status == 200).unwrap().json();
        assert_eq!(winner["version"], round + 2);
        for loser in answers.iter().filter(|it| it.status == 412) {
            assert_eq!(loser.json()["current"], winner, "round {round}");
        }
    }
    assert_eq!(ann.get(path).expect(200)["version"], ROUNDS + 1);
}

pub(crate) fn of_writers_and_removers_with_the_same_version_exactly_one_wins(api: Api) {
    let ann = api.user();
    let paths: Vec<_> = (0..20).map(|_| path_of(&ann.create("Doomed"))).collect();
    let rounds = race(paths.len(), |round, racer| {
        let call = |method| ann.call(method, &paths[round]).header("If-Match", "\"1\"");
        match racer % 2 {
            0 => call("DELETE").send(),
            _ => call("PATCH").json(&json!({"is_completed": true})).send(),
        }
    });
    for (path, answers) in paths.iter().zip(&rounds) {
        let won: Vec<_> = answers.iter().map(|it| it.status).filter(|it| *it < 300).collect();
        // Behind a removal nothing is found; behind a change each finds another version.
        let (loss, left) = if won == [204] { (404, 404) } else { (412, 200) };
        assert_eq!(statuses(answers), one_of(won[0], loss));
        assert_eq!(ann.get(path).status, left);
    }
}

pub(crate) fn no_change_is_lost_when_each_writer_tries_again(api: Api) {
    let ann = api.user();
    let path = path_of(&ann.post(&json!({"title": "Tally", "description": ""})).expect(201));
    let add = |todo: &Value| {
        let tally = format!("{}|", todo["description"].as_str().unwrap());
        let call = ann.call("PATCH", &path).header("If-Match", &format!("\"{}\"", todo["version"]));
        call.json(&json!({"description": tally})).send()
    };
    race(5, |_, _| {
        let mut todo = ann.get(&path).expect(200);
        loop {
            // The 412 has all that it takes to try again.
            let answer = add(&todo);
            if answer.status == 200 {
                return answer;
            }
            todo = answer.expect(412)["current"].clone();
        }
    });
    let todo = ann.get(&path).expect(200);
    assert_eq!(todo["description"], "|".repeat(5 * RACERS));
    assert_eq!(todo["version"], 1 + 5 * RACERS);
}

pub(crate) fn of_creators_of_the_same_id_exactly_one_creates(api: Api) {
    let ann = api.user();
    let ids: Vec<_> = (0..20).map(|_| Uuid::now_v7().to_string()).collect();
    let body = json!({"title": "Same", "description": null, "is_completed": false});
    let rounds = race(ids.len(), |round, _| {
        let call = ann.call("PUT", at(&ids[round])).json(&body);
        // Half of the rounds are of clients that repeat themselves, half of clients that insist.
        let insists = round % 2 == 0;
        if insists { call.header("If-None-Match", "*").send() } else { call.send() }
    });
    for (round, answers) in rounds.iter().enumerate() {
        let others = if round % 2 == 0 { 412 } else { 200 };
        assert_eq!(statuses(answers), one_of(201, others), "round {round}");
        assert_eq!(ann.get(at(&ids[round])).expect(200)["version"], 1);
    }
}
