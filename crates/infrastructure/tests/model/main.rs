//! Random sequences of calls, on both databases and on a model of a few lines: all three must give the same
//! answer to every call.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod memory;
mod texts;
mod world;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use todo_infrastructure::open;
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::calls::{Call, calls};
use crate::memory::MemoryTodoRepository;
use crate::world::World;

const CASES: u32 = 192;
const CALLS_PER_CASE: usize = 40;

/// The same cases on every run, so that a failure is never a matter of luck.
fn runner() -> TestRunner {
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Runs a case in each world and compares the answers, call by call.
async fn compare(worlds: &[World], calls: &[Call]) -> Result<(), TestCaseError> {
    // The databases are the same for all cases; the users are new.
    let users = [(); 3].map(|()| Uuid::new_v4());
    for world in worlds {
        world.reset();
    }
    for (step, call) in calls.iter().enumerate() {
        let mut answers = Vec::new();
        for world in worlds {
            answers.push((world.name, world.answer(users, call).await));
        }
        let (_, expected) = &answers[0];
        for (name, answer) in &answers[1..] {
            prop_assert_eq!(answer, expected, "{}, step {}: {:?}", name, step, call);
        }
    }
    Ok(())
}

#[test]
fn both_databases_answer_every_call_as_the_model_does() {
    let postgres = TestDatabase::postgres();
    let mut worlds = vec![
        World::new("model", Arc::new(MemoryTodoRepository::default())),
        World::new("SQLite", open(&"sqlite::memory:".parse().unwrap(), &OPTIONS).unwrap()),
    ];
    if let Some(database) = &postgres {
        let repository = open(&database.url().parse().unwrap(), &OPTIONS).unwrap();
        worlds.push(World::new("Postgres", repository));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let cases = proptest::collection::vec(calls(), 1..=CALLS_PER_CASE);
    let result = runner().run(&cases, |calls| runtime.block_on(compare(&worlds, &calls)));
    if let Err(error) = result {
        panic!("{error}");
    }
}
