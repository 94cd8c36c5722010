//! The HTTP server of `--metrics`: one page of text per request. The page itself is made elsewhere, from the world: here are the
//! socket and the limits that bound what a slow or hostile scraper costs.
//!
//! At most [`CONNECTIONS`] connections at a time; a new one closes the oldest of those that have asked nothing yet, so that idle ones
//! block nobody, and who has asked is answered. A request has [`HEAD`] bytes at most, arrives within [`REQUEST_TIMEOUT`], and the
//! connection is closed after [`CONVERSATION_TIMEOUT`]. On loopback only names of this machine are answered ([`Hosts`]).

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;

use super::rest;
use crate::say;
use crate::text::errno::describe;
use request::{Hosts, ParsedRequest, parse};

mod pipe;
mod request;

pub use pipe::PagePipe;
pub use request::PageFormat;

/// Connections at a time.
pub const CONNECTIONS: usize = 64;

/// Size of a request's head in bytes.
pub const HEAD: usize = 8192;

/// How long a request may take to arrive.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a connection may last in all.
pub const CONVERSATION_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the page may take to be made before the scraper gets 503.
const PAGE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a scraper may take to read its page.
const READING_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause after a failed `accept()`, for example for want of file descriptors, and while every connection is being answered.
const RETRY: Duration = Duration::from_millis(20);

/// The address for metrics is not available.
#[derive(Debug, Error)]
#[error("{}", say!("cannot serve metrics on {address}: {source}", address, source = describe(source)))]
pub struct ScrapeError {
    /// Where.
    pub address: SocketAddr,
    /// Why not.
    pub source: io::Error,
}

impl ScrapeError {
    /// What to try.
    pub fn hint(&self) -> String {
        match self.source.kind() {
            io::ErrorKind::AddrInUse => say!("another port, or port 0 for any free one: --metrics 0").into(),
            io::ErrorKind::PermissionDenied => say!("a port of 1024 or more").into(),
            _ => say!("an address of this machine: --metrics 127.0.0.1:9742").into(),
        }
    }
}

/// A listening socket, not served yet.
#[derive(Debug)]
pub struct MetricsListener {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

impl MetricsListener {
    /// Listens. Called before another network namespace is entered: the scraper is in this one.
    ///
    /// # Errors
    /// A [`ScrapeError`] where the address cannot be had.
    pub fn open(address: SocketAddr) -> Result<Self, ScrapeError> {
        let opened = || {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok(Self { listener, address })
        };
        opened().map_err(|source| ScrapeError { address, source })
    }

    /// The bound address, with the real port.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts to serve; called inside the runtime.
    ///
    /// # Errors
    /// A [`ScrapeError`] where the runtime cannot take the socket.
    pub fn serve(self) -> Result<ScrapeQueue, ScrapeError> {
        let address = self.address;
        let listener = TcpListener::from_std(self.listener).map_err(|source| ScrapeError { address, source })?;
        let (sender, requests) = mpsc::channel(CONNECTIONS);
        let hosts = if address.ip().is_loopback() { Hosts::Loopback } else { Hosts::Any };
        Ok(ScrapeQueue { requests, server: tokio::spawn(serve(listener, sender, hosts)) })
    }
}

/// The requests that wait for a page; the server stops when this is dropped.
#[derive(Debug)]
pub struct ScrapeQueue {
    requests: mpsc::Receiver<ScrapeRequest>,
    server: JoinHandle<()>,
}

impl ScrapeQueue {
    /// The next request.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<ScrapeRequest>> {
        self.requests.poll_recv(context)
    }
}

impl Drop for ScrapeQueue {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A request that waits for a page.
#[derive(Debug)]
pub struct ScrapeRequest {
    /// What is asked for: the page, or only whether there would be one.
    asked: Asked,
    reply: oneshot::Sender<String>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Page(PageFormat),
    Health,
}

impl ScrapeRequest {
    /// The format of the page that is asked for; `None`: only whether there would be one.
    pub const fn format(&self) -> Option<PageFormat> {
        match self.asked {
            Asked::Page(format) => Some(format),
            Asked::Health => None,
        }
    }

    /// Sends the page; ignored if the scraper has disconnected.
    pub fn answer(self, page: impl FnOnce(PageFormat) -> String) {
        let text = match self.asked {
            Asked::Page(format) => page(format),
            Asked::Health => "ok\n".to_owned(),
        };
        let _has_left = self.reply.send(text);
    }
}

/// A connection that is served, and whether its request has come.
struct Conversation {
    task: AbortHandle,
    asked: Arc<AtomicBool>,
}

async fn serve(listener: TcpListener, sender: mpsc::Sender<ScrapeRequest>, hosts: Hosts) {
    let mut open: VecDeque<Conversation> = VecDeque::with_capacity(CONNECTIONS);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            rest(RETRY).await;
            continue;
        };
        make_room(&mut open).await;
        let (sender, asked) = (sender.clone(), Arc::new(AtomicBool::new(false)));
        let came = Arc::clone(&asked);
        let connection = async move {
            timeout(CONVERSATION_TIMEOUT, serve_connection(stream, &sender, hosts, &came))
                .await
                .map(drop)
                .unwrap_or_default();
        };
        open.push_back(Conversation { task: tokio::spawn(connection).abort_handle(), asked });
        // Its request is read, if it is there already, before others can push it out.
        tokio::task::yield_now().await;
    }
}

/// Waits until there is room for one more: the oldest that has asked nothing yet makes it. Who has asked is answered.
async fn make_room(open: &mut VecDeque<Conversation>) {
    loop {
        open.retain(|one| !one.task.is_finished());
        if open.len() < CONNECTIONS {
            return;
        }
        if let Some(idle) = open.iter().position(|one| !one.asked.load(Ordering::Relaxed)) {
            open.remove(idle).iter().for_each(|one| one.task.abort());
            return;
        }
        rest(RETRY).await;
    }
}

async fn serve_connection(
    mut stream: TcpStream,
    sender: &mpsc::Sender<ScrapeRequest>,
    hosts: Hosts,
    asked: &AtomicBool,
) -> io::Result<()> {
    let mut head = Vec::with_capacity(512);
    let request = match timeout(REQUEST_TIMEOUT, read_head(&mut stream, &mut head)).await {
        Ok(Ok(true)) => parse(&head, hosts),
        Ok(Ok(false)) => ParsedRequest::Refused("431 Request Header Fields Too Large", "the request is too long\n"),
        Ok(Err(error)) => return Err(error),
        Err(_too_slow) => ParsedRequest::Refused("408 Request Timeout", "the request took too long\n"),
    };
    asked.store(true, Ordering::Relaxed);
    let (answer, has_body) = match request {
        ParsedRequest::Page { format, has_body } => {
            (answer(Asked::Page(format), format.content_type(), sender).await, has_body)
        }
        ParsedRequest::Health { has_body } => (answer(Asked::Health, PLAIN, sender).await, has_body),
        ParsedRequest::Index { has_body } => (response("200 OK", "text/html; charset=utf-8", &index()), has_body),
        ParsedRequest::Refused(status, why) => (response(status, PLAIN, why), true),
    };
    let length = if has_body { answer.len() } else { answer.find("\r\n\r\n").map_or(answer.len(), |end| end + 4) };
    // Who does not read what was asked for does not keep its place.
    timeout(READING_TIMEOUT, stream.write_all(&answer.as_bytes()[..length]))
        .await
        .unwrap_or(Err(io::ErrorKind::TimedOut.into()))?;
    stream.shutdown().await
}

/// Reads up to the empty line; false where that does not come within [`HEAD`] bytes.
async fn read_head(stream: &mut TcpStream, head: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 1024];
    loop {
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // The empty line may have begun in the piece before.
        let from = head.len().saturating_sub(3);
        head.extend_from_slice(&piece[..count]);
        if head[from..].windows(4).any(|four| four == b"\r\n\r\n") || head[from..].windows(2).any(|two| two == b"\n\n")
        {
            return Ok(true);
        }
        if head.len() > HEAD {
            return Ok(false);
        }
    }
}

/// What the watch says; 503 where it says nothing in time.
async fn answer(asked: Asked, kind: &str, sender: &mpsc::Sender<ScrapeRequest>) -> String {
    let (reply, answer) = oneshot::channel();
    let said = async {
        sender.send(ScrapeRequest { asked, reply }).await.ok()?;
        answer.await.ok()
    };
    match timeout(PAGE_TIMEOUT, said).await.ok().flatten() {
        Some(text) => response("200 OK", kind, &text),
        None => response("503 Service Unavailable", PLAIN, "the watch is late, or over\n"),
    }
}

/// The page at `/`: what is served here.
fn index() -> String {
    let (title, metrics) = (say!("qviz watch: the listen queues of this machine"), say!("metrics (OpenMetrics)"));
    let health = say!("health: ok while the watch goes on");
    format!(
        "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>qviz</title>\n<h1>{title}</h1>\n<p>qviz {}</p>\n<ul>\n\
         <li><a href=\"/metrics\">/metrics</a>: {metrics}\n<li><a href=\"/healthz\">/healthz</a>: {health}\n</ul>\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn response(status: &str, kind: &str, body: &str) -> String {
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

const PLAIN: &str = "text/plain; charset=utf-8";
