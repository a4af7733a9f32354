//! Failures of the database and of the server, and the health checks.

use super::*;

#[actix_web::test]
async fn readiness_checks_the_database_and_health_does_not() {
    let health = TestRequest::with_uri("/health");
    assert_eq!(call(unused(), health).await.body, json!({"status": "healthy"}));
    let ready = || TestRequest::with_uri("/health/ready");
    let mut repository = MockTodoRepository::new();
    repository.expect_ping().return_once(|| Ok(()));
    assert_eq!(call(repository, ready()).await.status, 200);
    for error in [RepositoryError::unavailable, RepositoryError::internal] {
        let mut repository = MockTodoRepository::new();
        repository.expect_ping().return_once(move || Err(error("secret table")));
        let response = call(repository, ready()).await;
        assert_eq!((response.error().0, response.error().1), (503, "SERVICE_UNAVAILABLE"));
        assert!(!response.body.to_string().contains("secret"));
    }
}

#[actix_web::test]
async fn database_errors_are_not_revealed() {
    let failing = |error: fn(&'static str) -> RepositoryError| {
        let mut repository = MockTodoRepository::new();
        repository.expect_find().return_once(move |_, _| Err(error("secret table")));
        repository
    };
    let away = call(failing(RepositoryError::unavailable), one(Method::GET)).await;
    assert_eq!((away.error().0, away.header("retry-after")), (503, "1"));
    let broken = call(failing(RepositoryError::internal), one(Method::GET)).await;
    assert_eq!(broken.error(), (500, "SERVER_ERROR", "An unexpected error occurred"));
    assert!(!format!("{}{}", away.body, broken.body).contains("secret"));
}

#[actix_web::test]
async fn a_panic_is_a_500_in_the_common_error_format() {
    let mut repository = MockTodoRepository::new();
    repository.expect_find().return_once(|_, _| panic!("secret"));
    let request = one(Method::GET).insert_header(("Origin", "http://localhost:3000"));
    let response = call(repository, request).await;
    assert_eq!(response.error(), (500, "SERVER_ERROR", "An unexpected error occurred"));
    assert_eq!(response.header("access-control-allow-origin"), "http://localhost:3000");
}
