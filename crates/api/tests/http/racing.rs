//! Concurrent writes.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, Response, path_of, todo_path};

const RACERS: usize = 16;
const ROUNDS: usize = 50;

/// The responses per round. In each round all racers start at once, each on a persistent connection.
fn race(rounds: usize, run: impl Fn(usize, usize) -> Response + Sync) -> Vec<Vec<Response>> {
    let start = Barrier::new(RACERS);
    let (start, run) = (&start, &run);
    let by_racer: Vec<Vec<Response>> = thread::scope(|scope| {
        let racers: Vec<_> = (0..RACERS)
            .map(|racer| {
                scope.spawn(move || {
                    let lap = |round| {
                        start.wait();
                        // A racer that fails must not keep the others waiting at the barrier.
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

fn statuses(responses: &[Response]) -> Vec<u16> {
    let mut statuses: Vec<_> = responses.iter().map(|it| it.status).collect();
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
    for (round, responses) in rounds.iter().enumerate() {
        assert_eq!(statuses(responses), one_of(200, 412), "round {round}");
        let winner = responses.iter().find(|it| it.status == 200).unwrap().json();
        assert_eq!(winner["version"], round + 2);
        for loser in responses.iter().filter(|it| it.status == 412) {
            assert_eq!(loser.json()["current"], winner, "round {round}");
        }
    }
    assert_eq!(ann.get(path).expect(200)["version"], ROUNDS + 1);
}

pub(crate) fn of_writers_and_deleters_with_the_same_version_exactly_one_wins(api: Api) {
    let ann = api.user();
    let paths: Vec<_> = (0..20).map(|_| path_of(&ann.create("Doomed"))).collect();
    let rounds = race(paths.len(), |round, racer| {
        let call = |method| ann.call(method, &paths[round]).header("If-Match", "\"1\"");
        match racer % 2 {
            0 => call("DELETE").send(),
            _ => call("PATCH").json(&json!({"is_completed": true})).send(),
        }
    });
    for (path, responses) in paths.iter().zip(&rounds) {
        let won: Vec<_> = responses.iter().map(|it| it.status).filter(|it| *it < 300).collect();
        // After a delete, the todo is not found; after a change, it has another version.
        let (loss, left) = if won == [204] { (404, 404) } else { (412, 200) };
        assert_eq!(statuses(responses), one_of(won[0], loss));
        assert_eq!(ann.get(path).status, left);
    }
}

pub(crate) fn no_change_is_lost_when_each_writer_retries(api: Api) {
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
            // The 412 contains everything that is needed to retry.
            let response = add(&todo);
            if response.status == 200 {
                return response;
            }
            todo = response.expect(412)["current"].clone();
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
        let call = ann.call("PUT", todo_path(&ids[round])).json(&body);
        // In half of the rounds clients repeat a put, in the other half they require the todo to be absent.
        let insists = round % 2 == 0;
        if insists { call.header("If-None-Match", "*").send() } else { call.send() }
    });
    for (round, responses) in rounds.iter().enumerate() {
        let others = if round % 2 == 0 { 412 } else { 200 };
        assert_eq!(statuses(responses), one_of(201, others), "round {round}");
        assert_eq!(ann.get(todo_path(&ids[round])).expect(200)["version"], 1);
    }
}
