//! An issuer of tokens, over real TLS, that can rotate its keys and fail in many ways.

mod keys;
mod tls;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use openssl::ssl::SslAcceptor;
use serde_json::{Value, json};

pub use self::keys::{Kind, SigningKey, base64url};
use crate::directory::TempDirectory;

/// The audience of the tokens.
pub const AUDIENCE: &str = "todo-api";

/// Ends connections that hang.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the issuer answers when it is asked for its keys.
#[derive(Debug, Clone, Default)]
pub enum Answer {
    /// Its keys.
    #[default]
    Keys,
    /// This document.
    Document(Vec<u8>),
    /// This status and no keys.
    Status(u16),
    /// A redirect to its keys.
    Redirect,
    /// Its keys, one byte in this time.
    Slow(Duration),
    /// Nothing: it closes the connection.
    Nothing,
}

/// A running issuer. It stops on drop.
#[derive(Debug)]
pub struct Issuer {
    shared: Arc<Shared>,
    port: u16,
    directory: TempDirectory,
}

#[derive(Debug, Default)]
struct Shared {
    keys: Mutex<Vec<SigningKey>>,
    answer: Mutex<Answer>,
    cache_control: Mutex<Option<String>>,
    fetches: AtomicUsize,
    is_stopped: AtomicBool,
}

impl Issuer {
    /// Starts an issuer on a free port, with a key of each kind.
    #[must_use]
    pub fn start(kinds: &[Kind]) -> Self {
        let directory = TempDirectory::new();
        let acceptor = Arc::new(tls::acceptor(directory.path()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared::default());
        let issuer = Self { shared: Arc::clone(&shared), port, directory };
        issuer.rotate(kinds);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.is_stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (acceptor, shared) = (Arc::clone(&acceptor), Arc::clone(&shared));
                // What becomes of a connection only the client can tell.
                thread::spawn(move || drop(serve(stream, &acceptor, &shared)));
            }
        });
        issuer
    }

    /// The URL of its key set.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/jwks.json", self.name())
    }

    /// Its name, the `iss` of its tokens.
    #[must_use]
    pub fn name(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The file with the certificate that its own is verified against.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Replaces its keys by new ones of these kinds.
    pub fn rotate(&self, kinds: &[Kind]) {
        *lock(&self.shared.keys) = kinds.iter().map(|kind| SigningKey::new(*kind)).collect();
    }

    /// Signs with a new key from now on, but still publishes the others.
    pub fn add(&self, kind: Kind) {
        lock(&self.shared.keys).insert(0, SigningKey::new(kind));
    }

    /// Its keys.
    #[must_use]
    pub fn keys(&self) -> Vec<SigningKey> {
        lock(&self.shared.keys).clone()
    }

    /// Changes what it answers.
    pub fn answer(&self, answer: Answer) {
        *lock(&self.shared.answer) = answer;
    }

    /// Changes the `Cache-Control` of its answers.
    pub fn cache_control(&self, value: &str) {
        *lock(&self.shared.cache_control) = Some(value.to_owned());
    }

    /// How often it was asked for its keys.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::Relaxed)
    }

    /// The settings of a server that accepts its tokens.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AUTH", "jwt".to_owned()),
            ("JWT_JWKS_URL", self.url()),
            ("JWT_ISSUER", self.name()),
            ("JWT_AUDIENCE", AUDIENCE.to_owned()),
            ("SSL_CERT_FILE", self.certificate().display().to_string()),
        ]
    }

    /// The claims of a token that is valid for an hour.
    #[must_use]
    pub fn claims(&self, subject: &str) -> Value {
        let now = unix_time();
        json!({"iss": self.name(), "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 3_600})
    }

    /// A token that is valid for an hour, signed with the first key.
    #[must_use]
    pub fn token(&self, subject: &str) -> String {
        self.sign(&self.claims(subject))
    }

    /// A token with these claims, signed with the first key.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.keys()[0].sign(claims)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        // Wakes the thread.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// The time in seconds since 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the server under test uses its own clock")]
pub fn unix_time() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("it is past 1970").as_secs()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one request.
fn serve(stream: TcpStream, acceptor: &SslAcceptor, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut stream = acceptor.accept(stream).map_err(std::io::Error::other)?;
    let mut head = BufReader::new(&mut stream);
    let mut line = String::new();
    while head.read_line(&mut line)? > 2 {
        line.clear();
    }
    shared.fetches.fetch_add(1, Ordering::Relaxed);
    let keys: Vec<_> = lock(&shared.keys).iter().map(SigningKey::jwk).collect();
    let keys = json!({ "keys": keys }).to_string().into_bytes();
    let answer = lock(&shared.answer).clone();
    let (status, body, pause) = match answer {
        Answer::Keys => (200, keys, Duration::ZERO),
        Answer::Document(document) => (200, document, Duration::ZERO),
        Answer::Status(status) => (status, Vec::new(), Duration::ZERO),
        Answer::Redirect => (302, keys, Duration::ZERO),
        Answer::Slow(pause) => (200, keys, pause),
        Answer::Nothing => return Ok(()),
    };
    let cache_control = lock(&shared.cache_control).clone().unwrap_or_else(|| "private".to_owned());
    let head = format!(
        "HTTP/1.1 {status} Status\r\nContent-Length: {}\r\nCache-Control: {cache_control}\r\n\
         Location: /jwks.json\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if pause.is_zero() {
        stream.write_all(&body)?;
    } else {
        for byte in body {
            thread::sleep(pause);
            stream.write_all(&[byte])?;
        }
    }
    stream.shutdown().map_err(std::io::Error::other)?;
    Ok(())
}
