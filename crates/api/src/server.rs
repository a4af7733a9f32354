//! The server as a value: bound first, so that its address is known, then run until it is told to stop.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use todo_domain::TodoService;

use crate::docs::Docs;
use crate::http::cors::cors;
use crate::http::envelope::envelope;
use crate::http::routing::route_not_found;
use crate::shutdown::Shutdown;
use crate::{docs, health, todos};

/// How the server serves.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Threads; `None` for one a processor.
    pub workers: Option<usize>,
    /// Origins whose pages may call; `*` for all.
    pub cors_allowed_origins: Vec<String>,
    /// How long requests are still accepted after the stop, while readiness is denied.
    pub shutdown_delay: Duration,
    /// How long accepted requests may take after that.
    pub shutdown_timeout: Duration,
}

/// Mounts every route on an application, with the state that the handlers share.
pub fn configure(
    config: &mut web::ServiceConfig,
    service: TodoService,
    shutdown: Shutdown,
    docs: Docs,
) {
    config
        .app_data(web::Data::new(service))
        .app_data(web::Data::new(shutdown))
        .app_data(web::Data::new(docs))
        .configure(todos::routes)
        .configure(health::routes)
        .configure(docs::routes)
        .default_service(web::to(route_not_found));
}

/// A server that is bound to its address, and not yet running.
pub struct Server {
    listener: TcpListener,
    service: TodoService,
    options: ServerOptions,
}

impl Server {
    /// A server for these use cases on this listener.
    #[must_use]
    pub fn new(listener: TcpListener, service: TodoService, options: ServerOptions) -> Self {
        Self { listener, service, options }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready, and then until every request that was accepted is answered, but no longer
    /// than the shutdown timeout.
    ///
    /// # Errors
    /// When the operating system refuses a thread or a socket.
    pub async fn run(self, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        let Self { listener, service, options } = self;
        let ServerOptions { workers, cors_allowed_origins, shutdown_delay, shutdown_timeout } =
            options;
        let shutdown = Shutdown::default();
        let state = shutdown.clone();
        let docs = Docs::new();
        let mut server = HttpServer::new(move || {
            App::new()
                .configure(|config| configure(config, service.clone(), state.clone(), docs.clone()))
                .wrap(cors(&cors_allowed_origins))
                .wrap(from_fn(envelope))
        })
        .disable_signals()
        .shutdown_timeout(shutdown_timeout.as_secs().max(1));
        if let Some(workers) = workers {
            server = server.workers(workers);
        }
        let server = server.listen(listener)?.run();
        let handle = server.handle();
        let stopping = async move {
            stop.await;
            tracing::info!("going down");
            shutdown.begin();
            tokio::time::sleep(shutdown_delay).await;
            handle.stop(true).await;
        };
        let (result, ()) = futures_util::future::join(server, stopping).await;
        result
    }
}

#[cfg(test)]
mod tests;
