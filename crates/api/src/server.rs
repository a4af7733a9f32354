//! The server as a value: bound first, so that its address is known, then run until it is told to stop.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server as Listening, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, Error, web};
use todo_domain::TodoService;

use crate::docs::Docs;
use crate::http::connection::{CLIENT_TIMEOUT, Connection};
use crate::http::cors::{Origins, cors};
use crate::http::envelope::envelope;
use crate::http::routing::route_not_found;
use crate::sandbox::X_SANDBOX;
use crate::sandbox::faults::Faults;
use crate::sandbox::latency::MAX_LATENCY;
use crate::shutdown::{Connections, Shutdown};
use crate::todos::open_lists::OpenLists;
use crate::{docs, health, sandbox, todos};

/// For how long after the stop clients that are connected are asked to leave, by `Connection: close` on their next
/// answer, before connections on which nothing is under way are closed. Closing at once would cross the next
/// request of a client that has only just been answered.
const PARTING: Duration = Duration::from_millis(500);

/// More threads the server below does not take.
const MAX_WORKERS: usize = 512;

/// While so many bytes of an answer wait to be sent, no more of it are asked for. Enough for a head and a short body
/// to be sent together.
const WRITE_BUFFER: usize = 8 * 1024;

/// How the server serves.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Threads; `None` for one a processor.
    pub workers: Option<usize>,
    /// How many clients may be connected at a time. Others wait to be accepted.
    pub max_connections: usize,
    /// How long a connection is kept on which no request is under way; zero for not at all.
    pub keep_alive: Duration,
    /// How long a request may wait for the database at most.
    pub database_timeout: Duration,
    /// Origins whose pages may call; `*` as a port for any, and alone for all.
    pub cors_allowed_origins: Vec<String>,
    /// How long requests are still accepted after the stop, while readiness is denied.
    pub shutdown_delay: Duration,
    /// How long accepted requests may take after that.
    pub shutdown_timeout: Duration,
    /// The faults to inject, if this is a sandbox.
    pub sandbox: Option<Arc<Faults>>,
}

/// Mounts every route on an application, with the state that the handlers share.
pub fn configure(
    config: &mut web::ServiceConfig,
    service: TodoService,
    shutdown: Shutdown,
    docs: Docs,
    open_lists: OpenLists,
) {
    config
        .app_data(web::Data::new(service))
        .app_data(web::Data::new(shutdown))
        .app_data(web::Data::new(docs))
        .app_data(web::Data::new(open_lists))
        .configure(todos::routes)
        .configure(health::routes)
        .configure(docs::routes)
        .default_service(web::to(route_not_found));
}

/// The name of the listening socket in the log of the server below.
const NAME: &str = "todo-api";

/// What every connection is made with.
#[derive(Clone)]
struct ConnectionOptions {
    timeout: Duration,
    keep_alive: Duration,
    open: Connections,
}

/// What `actix_web::HttpServer` does, but for the connections, which are our own.
fn serve_connections<T, F>(
    app: App<T>,
    options: ConnectionOptions,
    stopping: impl Fn() -> F + 'static,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        > + 'static,
    F: Future<Output = ()> + 'static,
{
    let ConnectionOptions { timeout, keep_alive, open } = options;
    fn_service(move |stream: TcpStream| {
        let open = open.open();
        async move {
            stream.set_nodelay(true)?;
            let peer = stream.peer_addr()?;
            let connection = Connection::new(stream, timeout, keep_alive, open);
            Ok((connection, Protocol::Http1, Some(peer)))
        }
    })
    .map_err(DispatchError::Io)
    .and_then(
        HttpService::build()
            .keep_alive(keep_alive)
            .h1_write_buffer_size(WRITE_BUFFER)
            .graceful_shutdown_signal(stopping)
            .finish(map_config(app.into_factory(), |()| AppConfig::default())),
    )
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
        let ServerOptions {
            workers,
            max_connections,
            keep_alive,
            database_timeout,
            cors_allowed_origins,
            shutdown_delay,
            shutdown_timeout,
            sandbox,
        } = options;
        let shutdown = Shutdown::default();
        let open = Connections::default();
        let docs = Docs::new(sandbox.as_ref().map(|_| sandbox::text::note()).as_deref());
        let open_lists = OpenLists::default();
        let origins = Arc::new(Origins::new(&cors_allowed_origins));
        let workers = workers
            .or_else(|| available_parallelism().ok().map(NonZeroUsize::get))
            .map_or(1, |workers| workers.min(MAX_WORKERS));
        let server = Listening::build()
            .disable_signals()
            .workers(workers)
            // Connections are dealt out in turn. A thread that has its share is passed over.
            .max_concurrent_connections(max_connections.div_ceil(workers))
            .shutdown_timeout(shutdown_timeout.as_secs().max(1));
        let latency = if sandbox.is_some() { MAX_LATENCY } else { Duration::ZERO };
        let connections = ConnectionOptions {
            timeout: CLIENT_TIMEOUT + database_timeout + latency,
            keep_alive,
            open: open.clone(),
        };
        let stopping = server.graceful_shutdown_signal();
        let stopping = move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        };
        let state = shutdown.clone();
        let app = move || {
            let (service, state, docs) = (service.clone(), state.clone(), docs.clone());
            let open_lists = open_lists.clone();
            App::new().configure(move |config| configure(config, service, state, docs, open_lists))
        };
        let server = match sandbox {
            None => server.listen(NAME, listener, move || {
                let app = app().wrap(cors(&origins)).wrap(from_fn(envelope));
                serve_connections(app, connections.clone(), stopping.clone())
            }),
            // Twice, so that other servers have no layer for it.
            Some(faults) => server.listen(NAME, listener, move || {
                let faults = Arc::clone(&faults);
                let app = app()
                    .wrap(from_fn(move |request, next| {
                        let faults = Arc::clone(&faults);
                        async move { faults.inject(request, next).await }
                    }))
                    .wrap(cors(&origins).allowed_header(X_SANDBOX))
                    .wrap(from_fn(envelope));
                serve_connections(app, connections.clone(), stopping.clone())
            }),
        }?;
        let server = server.run();
        let handle = server.handle();
        let going_down = async move {
            stop.await;
            tracing::info!("going down");
            shutdown.begin();
            tokio::time::sleep(shutdown_delay).await;
            open.all_closed(PARTING.saturating_sub(shutdown_delay)).await;
            handle.stop(true).await;
        };
        let (result, ()) = futures_util::future::join(server, going_down).await;
        result
    }
}

#[cfg(test)]
mod tests;
