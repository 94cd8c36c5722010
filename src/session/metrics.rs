//! Scrapes: somebody asks over HTTP for one page of text. The page itself is made elsewhere, from the world: here are the socket and
//! the bounds that keep a slow or hostile scraper from costing more than it may.
//!
//! At most [`CONNECTIONS`] conversations at a time; the newest pushes the oldest out, so that idle ones keep nobody out. A request
//! is [`HEAD`] bytes at most, comes within [`SPEECH`], and the whole conversation ends within [`PATIENCE`].

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;

use super::rest;
use crate::say;
use crate::text::errno::told;
use request::{Wish, understood};

mod request;

pub use request::PageFormat;

/// Conversations at a time.
pub const CONNECTIONS: usize = 16;

/// Bytes of a request's head.
pub const HEAD: usize = 8192;

/// How long a request may take to come.
pub const SPEECH: Duration = Duration::from_secs(3);

/// How long a conversation may take as a whole.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long the page may take to be made: the facts are late then, and the scraper is told so.
const MAKING: Duration = Duration::from_secs(3);

/// The rest after a connection that could not be taken, for example for want of file descriptors.
const SETBACK: Duration = Duration::from_millis(100);

/// The place where metrics are served cannot be had.
#[derive(Debug, Error)]
#[error("{}", say!("cannot serve metrics on {address}: {source}", address, source = told(source)))]
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

/// A listening socket that nobody serves yet.
#[derive(Debug)]
pub struct MetricsListener {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

impl MetricsListener {
    /// Listens. Done before another network namespace is entered: the scraper stands in this one.
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

    /// Where it listens; the port is the real one.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to serve; inside of the runtime.
    ///
    /// # Errors
    /// A [`ScrapeError`] where the runtime cannot take the socket.
    pub fn serve(self) -> Result<ScrapeQueue, ScrapeError> {
        let address = self.address;
        let listener = TcpListener::from_std(self.listener).map_err(|source| ScrapeError { address, source })?;
        let (asks, asked) = mpsc::channel(CONNECTIONS);
        Ok(ScrapeQueue { asked, server: tokio::spawn(serve(listener, asks)) })
    }
}

/// Those who wait for a page; nobody is served any more when it is dropped.
#[derive(Debug)]
pub struct ScrapeQueue {
    asked: mpsc::Receiver<ScrapeRequest>,
    server: JoinHandle<()>,
}

impl ScrapeQueue {
    /// The next one who waits; never blocks.
    pub fn waiting(&mut self) -> Option<ScrapeRequest> {
        self.asked.try_recv().ok()
    }
}

impl Drop for ScrapeQueue {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One who waits for a page.
#[derive(Debug)]
pub struct ScrapeRequest {
    dialect: PageFormat,
    reply: oneshot::Sender<String>,
}

impl ScrapeRequest {
    /// Hands the page over; whoever has left does not get it.
    pub fn answer(self, page: impl FnOnce(PageFormat) -> String) {
        let _has_left = self.reply.send(page(self.dialect));
    }
}

async fn serve(listener: TcpListener, asks: mpsc::Sender<ScrapeRequest>) {
    let mut open: VecDeque<AbortHandle> = VecDeque::with_capacity(CONNECTIONS);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            rest(SETBACK).await;
            continue;
        };
        open.retain(|conversation| !conversation.is_finished());
        if open.len() >= CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let asks = asks.clone();
        let conversation =
            async move { timeout(PATIENCE, converse(stream, &asks)).await.map(drop).unwrap_or_default() };
        open.push_back(tokio::spawn(conversation).abort_handle());
    }
}

async fn converse(mut stream: TcpStream, asks: &mpsc::Sender<ScrapeRequest>) -> io::Result<()> {
    let mut head = Vec::with_capacity(512);
    let wish = match timeout(SPEECH, hear(&mut stream, &mut head)).await {
        Ok(Ok(true)) => understood(&head),
        Ok(Ok(false)) => Wish::Refused("431 Request Header Fields Too Large", "the request is too long\n"),
        Ok(Err(gone)) => return Err(gone),
        Err(_too_slow) => Wish::Refused("408 Request Timeout", "the request took too long\n"),
    };
    let answer = match wish {
        Wish::Page(dialect) => match page(dialect, asks).await {
            Some(page) => response("200 OK", dialect.content_type(), &page),
            None => response("503 Service Unavailable", PLAIN, "the watch is late, or over\n"),
        },
        Wish::Refused(status, why) => response(status, PLAIN, why),
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// Reads up to the empty line; false where that does not come within [`HEAD`] bytes.
async fn hear(stream: &mut TcpStream, head: &mut Vec<u8>) -> io::Result<bool> {
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

async fn page(dialect: PageFormat, asks: &mpsc::Sender<ScrapeRequest>) -> Option<String> {
    let (reply, answer) = oneshot::channel();
    asks.try_send(ScrapeRequest { dialect, reply }).ok()?;
    timeout(MAKING, answer).await.ok()?.ok()
}

fn response(status: &str, kind: &str, body: &str) -> String {
    let allow = if status.starts_with("405") { "Allow: GET\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

const PLAIN: &str = "text/plain; charset=utf-8";
