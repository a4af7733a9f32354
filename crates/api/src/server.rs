//! The HTTP server: bound to its address first, then run until it is told to stop.

mod options;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::pin::pin;
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
use futures_util::future::{Either, join, select};
use todo_domain::{ChangeRelay, TodoService};

pub use self::options::ServerOptions;
use crate::docs::Docs;
use crate::events::hub::EventHub;
use crate::events::poll::poll;
use crate::http::connection::{CLIENT_TIMEOUT, Connection};
use crate::http::cors::{Origins, cors};
use crate::http::envelope::{Recorders, envelope};
use crate::http::rate_limit::RateLimit;
use crate::http::routing::route_not_found;
use crate::identity::{Authentication, Identifier};
use crate::metrics::{Metrics, RequestMetrics};
use crate::sandbox::X_SANDBOX;
use crate::sandbox::demo;
use crate::sandbox::latency::MAX_LATENCY;
use crate::shutdown::{Connections, Shutdown};
use crate::todos::stream_limit::StreamLimit;
use crate::traces::Traces;
use crate::{docs, health, me, sandbox, tags, todos};

/// How long connections are drained before idle ones are closed: each response carries `Connection: close`, so that
/// clients disconnect themselves. Closing idle connections at once would fail requests that are just being sent on
/// them.
const DRAIN_PERIOD: Duration = Duration::from_millis(500);

/// The maximum number of threads that actix-server accepts.
const MAX_WORKERS: usize = 512;

/// While this many bytes of a response wait to be sent, no more of its body is polled. It is enough to send the head
/// and a short body together.
const WRITE_BUFFER: usize = 8 * 1024;

/// Mounts all routes on an application, with the state that the handlers share.
pub fn configure(
    config: &mut web::ServiceConfig,
    service: TodoService,
    shutdown: Shutdown,
    docs: Docs,
    stream_limit: StreamLimit,
    hub: EventHub,
    authentication: &Authentication,
) {
    config
        .app_data(Identifier::new(authentication))
        .app_data(web::Data::new(service))
        .app_data(web::Data::new(shutdown))
        .app_data(web::Data::new(docs))
        .app_data(web::Data::new(stream_limit))
        .app_data(web::Data::new(hub))
        .configure(todos::routes)
        .configure(tags::routes)
        .configure(me::routes)
        .configure(health::routes)
        .configure(docs::routes)
        .default_service(web::to(route_not_found));
}

/// The name of the listening socket in the log of actix-server.
const NAME: &str = "todo-api";

/// The options of a connection.
#[derive(Clone)]
pub(crate) struct ConnectionOptions {
    pub(crate) timeout: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) open: Connections,
}

/// Does what `actix_web::HttpServer` does, but with our own [`Connection`].
pub(crate) fn serve_connections<T, F>(
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
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.hang_up());
            })
            .graceful_shutdown_signal(stopping)
            .finish(map_config(app.into_factory(), |()| AppConfig::default())),
    )
}

/// A server that is bound to its address, but not running yet.
pub struct Server {
    listener: TcpListener,
    service: TodoService,
    options: ServerOptions,
    metrics: Option<Metrics>,
    traces: Option<Arc<Traces>>,
    relay: Option<Arc<dyn ChangeRelay>>,
}

impl Server {
    /// Creates a server for this service on this listener.
    #[must_use]
    pub fn new(listener: TcpListener, service: TodoService, options: ServerOptions) -> Self {
        Self { listener, service, options, metrics: None, traces: None, relay: None }
    }

    /// Records metrics and serves them, if there are any.
    #[must_use]
    pub fn with_metrics(self, metrics: Option<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Traces requests, if that is on.
    #[must_use]
    pub fn with_traces(self, traces: Option<Arc<Traces>>) -> Self {
        Self { traces, ..self }
    }

    /// Tells other processes of changes at once, if there is a way.
    #[must_use]
    pub fn with_relay(self, relay: Option<Arc<dyn ChangeRelay>>) -> Self {
        Self { relay, ..self }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// If the operating system does not provide it.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready, then shuts down gracefully: accepted requests are completed, but for no longer
    /// than the shutdown timeout.
    ///
    /// # Errors
    /// If the operating system refuses a thread or a socket.
    pub async fn run(self, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        let Self { listener, service, options, metrics, traces, relay } = self;
        let ServerOptions {
            workers,
            max_connections,
            max_streams,
            keep_alive,
            database_timeout,
            cors_allowed_origins,
            shutdown_delay,
            shutdown_timeout,
            authentication,
            rate_limit,
            sandbox,
        } = options;
        let rate_limit = rate_limit.map(|quota| web::Data::new(RateLimit::new(quota)));
        let shutdown = Shutdown::default();
        let requests = metrics.as_ref().map(Metrics::requests);
        let open = requests.as_deref().map(RequestMetrics::connections).unwrap_or_default();
        let streams = requests.as_deref().map(RequestMetrics::streams).unwrap_or_default();
        let recorders = Recorders { metrics: requests, traces };
        let hub = EventHub::new(max_streams, streams, relay);
        let service = service.with_observer(Arc::new(hub.clone()));
        let polling = poll(hub.clone(), service.clone());
        let note = sandbox.as_ref().map(|_| sandbox::text::note());
        let docs = Docs::new(authentication.mode(), note.as_deref());
        let stream_limit = StreamLimit::default();
        let origins = Arc::new(Origins::new(&cors_allowed_origins));
        let workers = worker_count(workers);
        let server = Listening::build()
            .disable_signals()
            .workers(workers)
            // Connections are distributed round-robin, skipping threads that have their share.
            .max_concurrent_connections(max_connections.div_ceil(workers))
            .shutdown_timeout(shutdown_timeout.as_secs().max(1));
        let latency = if sandbox.is_some() { MAX_LATENCY } else { Duration::ZERO };
        let timeout = CLIENT_TIMEOUT + database_timeout + latency;
        let connections = ConnectionOptions { timeout, keep_alive, open: open.clone() };
        let stopping = server.graceful_shutdown_signal();
        let stopping = move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        };
        let state = shutdown.clone();
        let streams = hub.clone();
        let app = move || {
            let (service, state, docs) = (service.clone(), state.clone(), docs.clone());
            let (stream_limit, authentication) = (stream_limit.clone(), authentication.clone());
            let (rate_limit, hub) = (rate_limit.clone(), hub.clone());
            App::new().configure(move |config| {
                if let Some(limit) = rate_limit {
                    config.app_data(limit);
                }
                configure(config, service, state, docs, stream_limit, hub, &authentication);
            })
        };
        let server = match sandbox {
            None => server.listen(NAME, listener, move || {
                let recorders = recorders.clone();
                let envelope = from_fn(move |it, next| envelope(it, next, recorders.clone()));
                let app = app().wrap(cors(&origins)).wrap(envelope);
                serve_connections(app, connections.clone(), stopping.clone())
            }),
            // Separate, so that other servers have no middleware for it.
            Some(faults) => server.listen(NAME, listener, move || {
                let (faults, recorders) = (Arc::clone(&faults), recorders.clone());
                let envelope = from_fn(move |it, next| envelope(it, next, recorders.clone()));
                let app = app()
                    .configure(demo::routes)
                    .wrap(from_fn(move |request, next| {
                        let faults = Arc::clone(&faults);
                        async move { faults.inject(request, next).await }
                    }))
                    .wrap(cors(&origins).allowed_header(X_SANDBOX))
                    .wrap(envelope);
                serve_connections(app, connections.clone(), stopping.clone())
            }),
        }?;
        let metrics = metrics.map(Metrics::serve).transpose()?;
        let server = server.run();
        let handle = server.handle();
        let shutting_down = async move {
            stop.await;
            tracing::info!("shutting down");
            shutdown.begin();
            tokio::time::sleep(shutdown_delay).await;
            streams.close();
            open.all_closed(DRAIN_PERIOD.saturating_sub(shutdown_delay)).await;
            handle.stop(true).await;
        };
        let serving = pin!(join(server, shutting_down));
        let Either::Left(((result, ()), _)) = select(serving, pin!(polling)).await;
        if let Some(metrics) = metrics {
            metrics.stop().await;
        }
        result
    }
}

/// The number of threads: as set, or one per processor.
fn worker_count(workers: Option<usize>) -> usize {
    workers
        .or_else(|| available_parallelism().ok().map(NonZeroUsize::get))
        .map_or(1, |workers| workers.min(MAX_WORKERS))
}

#[cfg(test)]
mod tests;
