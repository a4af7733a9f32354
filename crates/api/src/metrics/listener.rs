//! Serves `GET /metrics`, and nothing else, with a thread of its own: a scrape takes no HTTP thread's time, and succeeds
//! when the API's connections are exhausted.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server as Listening, ServerHandle};
use actix_web::http::header::ContentType;
use actix_web::rt::task::JoinHandle;
use actix_web::{App, HttpResponse, web};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::Metrics;
use crate::http::connection::CLIENT_TIMEOUT;
use crate::server::{ConnectionOptions, serve_connections};
use crate::shutdown::Connections;

/// More than Prometheus servers and curious people need.
const MAX_CONNECTIONS: usize = 64;

/// Longer than scrapes are usually apart.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The media type of the text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The running listener.
pub(crate) struct MetricsListener {
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Metrics {
    /// Starts serving.
    ///
    /// # Errors
    /// If the operating system refuses a socket.
    pub(crate) fn serve(self) -> std::io::Result<MetricsListener> {
        let registry = Arc::new(self.registry);
        let server = Listening::build()
            .disable_signals()
            .workers(1)
            .max_concurrent_connections(MAX_CONNECTIONS)
            .shutdown_timeout(1);
        let stopping = server.graceful_shutdown_signal();
        let stopping = move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        };
        let options = ConnectionOptions {
            timeout: CLIENT_TIMEOUT,
            keep_alive: KEEP_ALIVE,
            open: Connections::default(),
        };
        let server = server.listen("todo-api-metrics", self.listener, move || {
            let app = App::new()
                .app_data(web::Data::from(Arc::clone(&registry)))
                .route("/metrics", web::get().to(metrics));
            serve_connections(app, options.clone(), stopping.clone())
        })?;
        let server = server.run();
        let handle = server.handle();
        Ok(MetricsListener { handle, task: actix_web::rt::spawn(server) })
    }
}

impl MetricsListener {
    /// Stops serving.
    pub(crate) async fn stop(self) {
        self.handle.stop(true).await;
        // It has no result, and if it panicked there is nothing to stop.
        drop(self.task.await);
    }
}

async fn metrics(registry: web::Data<Registry>) -> HttpResponse {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => HttpResponse::Ok().content_type(TEXT).body(text),
        Err(_) => {
            HttpResponse::InternalServerError().content_type(ContentType::plaintext()).finish()
        }
    }
}
