//! Model-based tests: random sequences of calls run on both databases and on a simple in-memory model. All three must
//! return the same results.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod fields;
mod memory;
mod owned;
mod system;
mod texts;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use todo_infrastructure::{DatabaseOptions, open};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::calls::{Call, calls};
use crate::memory::MemoryTodoRepository;
use crate::system::System;

const CASES: u32 = 256;
const CALLS_PER_CASE: usize = 40;

/// A thread is enough: the calls of a case are sequential.
const OPTIONS: DatabaseOptions = DatabaseOptions { pool_size: 1, ..common::OPTIONS };

/// The same cases on every run, so that failures are reproducible.
fn runner() -> TestRunner {
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Runs a case on each system and compares the results, call by call.
async fn compare(systems: &[System], calls: &[Call]) -> Result<(), TestCaseError> {
    // All cases share the databases, but each has its own users.
    let users = [(); 3].map(|()| Uuid::new_v4());
    for system in systems {
        system.reset();
    }
    for (step, call) in calls.iter().enumerate() {
        let mut results = Vec::new();
        for system in systems {
            results.push((system.name, system.run(users, call).await));
        }
        let (_, expected) = &results[0];
        for (name, result) in &results[1..] {
            prop_assert_eq!(result, expected, "{}, step {}: {:?}", name, step, call);
        }
    }
    Ok(())
}

#[test]
fn both_databases_return_the_results_of_the_model() {
    let postgres = TestDatabase::postgres();
    let mut systems = vec![
        System::new("model", Arc::new(MemoryTodoRepository::default())),
        System::new("SQLite", open(&"sqlite::memory:".parse().unwrap(), &OPTIONS).unwrap()),
    ];
    if let Some(database) = &postgres {
        let repository = open(&database.url().parse().unwrap(), &OPTIONS).unwrap();
        systems.push(System::new("Postgres", repository));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let cases = proptest::collection::vec(calls(), 1..=CALLS_PER_CASE);
    let result = runner().run(&cases, |calls| runtime.block_on(compare(&systems, &calls)));
    if let Err(error) = result {
        panic!("{error}");
    }
}
