//! The server: accepts when the valve allows it and a worker is free, answers and closes with a FIN.
//!
//! One thread acts as all workers: a worker is a slot for a connection in service. The driver calls [`Server::turn`]
//! when the listener (if [`Server::wants_listener`]) or [`Server::fd`] is readable, and at [`Server::next_deadline`].
//! Every `now` is client time; single-stepping is in [`step`].

mod limits;
mod poll;
mod recent;
mod serve;
pub(in crate::lab) mod slab;
mod stamps;
mod step;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};

use super::valve::Valve;
use crate::model::client_clock::StepCommand;
use crate::model::command::Command;
use crate::model::event::{Event, ServerEvent, Stamped};
use crate::model::message::Message;
use crate::model::peer::Peer;
use crate::model::settings::AcceptRate;
use crate::model::stamp::Stamp;

pub(in crate::lab) use limits::descriptor_share;
pub use limits::raise_descriptor_limit;
pub use poll::PollError;
pub(in crate::lab) use poll::{Interest, Poll};

use crate::say;
use recent::Recent;
use serve::{Attempt, answer};
use slab::{Key, Slab};
use stamps::Stamps;

/// Upper limit of connections accepted in one call, so that nobody waits long for its facts.
const ACCEPTS_PER_TURN: u32 = 32;

/// How long `accept()` is not called after it failed for lack of descriptors or memory.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// How the server works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerPlan {
    /// Workers that accept, serve, close, accept again; `None`: every connection is served at once. 0 workers accept nothing.
    pub workers: Option<u32>,
    /// From `accept()` to reading and answering the request.
    pub service: Duration,
    /// How fast `accept()` is called.
    pub accept_rate: AcceptRate,
    /// How long to wait for a client's request after the service time.
    pub request_timeout: Duration,
}

impl Default for ServerPlan {
    fn default() -> Self {
        Self {
            workers: None,
            service: Duration::ZERO,
            accept_rate: AcceptRate::Max,
            request_timeout: Duration::from_secs(1),
        }
    }
}

/// Inspects an accepted socket: its milliseconds in the accept queue, and its cookie.
pub type Inspect<'a> = &'a dyn Fn(BorrowedFd<'_>) -> (Option<u32>, Option<u64>);

/// Accepts, serves, closes.
#[derive(Debug)]
pub struct Server {
    plan: ServerPlan,
    valve: Valve,
    recent: Recent,
    served: Slab<Connection>,
    /// Deadlines of connections; entries of removed connections are skipped.
    deadlines: BinaryHeap<Reverse<(Stamp, Key)>>,
    poll: Poll,
    /// Number of connections whose request is awaited; when 0, `poll` is not called.
    awaiting_request: usize,
    ready: Vec<Key>,
    /// Accepted in this call, to be served at once.
    fresh: Vec<Key>,
    max_live: usize,
    backoff_until: Option<Stamp>,
    wants_listener: bool,
    /// True once the exhaustion of descriptors was reported, until half of them are free again.
    full_reported: bool,
    /// True while client time is held: only incoming requests are handled.
    held: bool,
    stamps: Stamps,
}

#[derive(Debug)]
struct Connection {
    socket: OwnedFd,
    peer: Peer,
    since: Stamp,
    /// Its next deadline.
    due: Stamp,
    /// True when its service time is over and its request has not arrived.
    awaiting_request: bool,
}

/// The result of one `accept()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AcceptCall {
    Accepted(Peer),
    QueueEmpty,
    /// EINTR or ECONNABORTED: it may be called again.
    Interrupted,
    Failed,
}

impl Server {
    /// A server without connections. It uses at most half of the process's current descriptor limit: call
    /// [`raise_descriptor_limit`] first.
    ///
    /// # Errors
    /// [`PollError`] when epoll is not available.
    pub fn new(plan: ServerPlan) -> Result<Self, PollError> {
        Ok(Self {
            plan,
            valve: Valve::new(plan.accept_rate),
            recent: Recent::default(),
            served: Slab::new(),
            deadlines: BinaryHeap::new(),
            poll: Poll::new(say!("server"))?,
            awaiting_request: 0,
            ready: Vec::new(),
            fresh: Vec::new(),
            max_live: descriptor_share(),
            backoff_until: None,
            wants_listener: false,
            full_reported: false,
            held: false,
            stamps: Stamps::OfCall,
        })
    }

    /// The same server, whose facts are stamped by this clock: `accept()` when it has returned.
    #[must_use]
    pub fn stamped_by(mut self, clock: impl Fn() -> Stamp + Send + 'static) -> Self {
        self.stamps = Stamps::OfClock(Box::new(clock));
        self
    }

    /// Does everything that is possible now without blocking: due answers, closes, accepts. `inspect` is called for
    /// accepted sockets, but not at high rates. Facts are appended to `out`.
    pub fn turn(&mut self, now: Stamp, listener: BorrowedFd<'_>, inspect: Inspect<'_>, out: &mut Vec<Stamped>) {
        self.serve_ready(now, out);
        if self.held {
            return;
        }
        self.serve_due(now, out);
        self.wants_listener = self.accept(now, listener, inspect, out);
    }

    /// Applies commands that concern the server; ignores the others. A shorter service time applies to connections in
    /// service too.
    pub fn command(&mut self, now: Stamp, command: &Command) {
        match *command {
            Command::AcceptRate(rate) => self.valve.set(now, rate),
            Command::Workers(workers) => self.plan.workers = workers,
            Command::Service(service) => self.shorten_service(now, service),
            Command::Step(step) => self.held = step != StepCommand::Go,
            _ => return,
        }
        self.wants_listener = !self.held && self.may_accept(now);
    }

    /// True when a connection in the queue would be accepted at once: the driver should poll the listener.
    pub const fn wants_listener(&self) -> bool {
        self.wants_listener
    }

    /// Readable when an awaited request has arrived.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.poll.as_fd()
    }

    /// When [`Server::turn`] must be called at the latest; `None`: only when a descriptor is readable.
    pub fn next_deadline(&self) -> Option<Stamp> {
        if self.held {
            return None;
        }
        let service = self.deadlines.peek().map(|Reverse((due, _))| *due);
        let accept = if self.wants_listener { None } else { self.next_accept() };
        [service, accept].into_iter().flatten().min()
    }

    /// The earliest stamp of the next `accept()`.
    fn next_accept(&self) -> Option<Stamp> {
        let open = self.valve.next().filter(|_| self.has_free_worker())?;
        Some(self.backoff_until.map_or(open, |rested| open.max(rested)))
    }

    /// Number of connections in service.
    pub const fn live(&self) -> usize {
        self.served.len()
    }

    fn serve_ready(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        if self.awaiting_request == 0 {
            return;
        }
        let mut ready = std::mem::take(&mut self.ready);
        self.poll.ready(&mut ready);
        for &key in &ready {
            if self.served.get(key).is_some_and(|connection| connection.awaiting_request) {
                self.serve(key, now, out);
            }
        }
        self.ready = ready;
    }

    fn serve_due(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        while let Some(&Reverse((due, key))) = self.deadlines.peek()
            && due <= now
        {
            self.deadlines.pop();
            if self.served.get(key).is_some_and(|connection| connection.due == due) {
                self.serve(key, now, out);
            }
        }
        if self.deadlines.len() > 4 * self.served.len() + 1024 {
            let served = &self.served;
            self.deadlines
                .retain(|Reverse((due, key))| served.get(*key).is_some_and(|connection| connection.due == *due));
        }
    }

    /// Answers and closes a connection whose service time is over, or waits for its request.
    fn serve(&mut self, key: Key, now: Stamp, out: &mut Vec<Stamped>) {
        let Some(connection) = self.served.get_mut(key) else { return };
        let over =
            if connection.awaiting_request { now >= connection.due } else { self.plan.request_timeout.is_zero() };
        let attempt = answer(&connection.socket, over);
        let deed = match attempt {
            Attempt::Answered => ServerEvent::Closed,
            Attempt::FoundReset => ServerEvent::FoundReset,
            Attempt::NotYet => {
                if !connection.awaiting_request {
                    connection.awaiting_request = true;
                    connection.due = now + self.plan.request_timeout;
                    self.deadlines.push(Reverse((connection.due, key)));
                    // If epoll registration fails, the request timeout still applies.
                    self.poll.watch(connection.socket.as_fd(), key, Interest::Readable);
                    self.awaiting_request += 1;
                }
                return;
            }
        };
        let event = Event::Served { peer: connection.peer, event: deed };
        if let Some(removed) = self.served.remove(key)
            && removed.awaiting_request
        {
            self.awaiting_request -= 1;
        }
        self.full_reported &= 2 * self.served.len() > self.max_live;
        out.push(Stamped { at: self.stamps.at(now), event });
    }

    fn has_free_worker(&self) -> bool {
        let live = self.served.len();
        live < self.max_live && self.plan.workers.is_none_or(|workers| live < workers as usize)
    }

    fn may_accept(&self, now: Stamp) -> bool {
        self.has_free_worker() && self.valve.may_accept(now) && self.backoff_until.is_none_or(|until| now >= until)
    }

    /// Accepts while allowed; true when one more connection would be accepted at once.
    fn accept(&mut self, now: Stamp, listener: BorrowedFd<'_>, inspect: Inspect<'_>, out: &mut Vec<Stamped>) -> bool {
        if self.backoff_until.is_some_and(|until| now >= until) {
            self.backoff_until = None;
        }
        let wants_more = self.accept_some(now, listener, inspect, out);
        self.serve_fresh(now, out);
        wants_more && self.may_accept(now)
    }

    /// Serves those who were just accepted, after all of them were: by then their requests have come.
    fn serve_fresh(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        let mut fresh = std::mem::take(&mut self.fresh);
        for key in fresh.drain(..) {
            self.serve(key, now, out);
        }
        self.fresh = fresh;
    }

    fn accept_some(
        &mut self,
        now: Stamp,
        listener: BorrowedFd<'_>,
        inspect: Inspect<'_>,
        out: &mut Vec<Stamped>,
    ) -> bool {
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.may_accept(now) {
                self.report_full(now, out);
                return false;
            }
            match self.accept_one(now, listener, inspect, out) {
                AcceptCall::Accepted(_) | AcceptCall::Interrupted => {}
                AcceptCall::QueueEmpty => return true,
                AcceptCall::Failed => return false,
            }
        }
        true
    }

    /// Calls `accept()` once.
    fn accept_one(
        &mut self,
        now: Stamp,
        listener: BorrowedFd<'_>,
        inspect: Inspect<'_>,
        out: &mut Vec<Stamped>,
    ) -> AcceptCall {
        match acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Ok((socket, address)) => {
                self.valve.accepted(now);
                let peer = address.and_then(|address| SocketAddr::try_from(address).ok()).map(Peer::from);
                if let Some(peer) = peer {
                    self.start_service(now, (socket, peer), inspect, out);
                }
                peer.map_or(AcceptCall::Interrupted, AcceptCall::Accepted)
            }
            Err(Errno::AGAIN) => AcceptCall::QueueEmpty,
            Err(Errno::INTR | Errno::CONNABORTED) => AcceptCall::Interrupted,
            Err(errno) => {
                self.backoff_until = Some(now + ACCEPT_BACKOFF);
                out.push(Stamped {
                    at: self.stamps.at(now),
                    event: Event::AcceptFailed { errno: errno.raw_os_error() },
                });
                AcceptCall::Failed
            }
        }
    }

    /// Starts the service of an accepted connection; a service time of zero ends at once.
    fn start_service(
        &mut self,
        now: Stamp,
        (socket, peer): (OwnedFd, Peer),
        inspect: Inspect<'_>,
        out: &mut Vec<Stamped>,
    ) {
        let at = self.stamps.at(now);
        let (waited_ms, cookie) = if self.recent.is_rare(now) { inspect(socket.as_fd()) } else { (None, None) };
        out.push(Stamped { at, event: Event::Served { peer, event: ServerEvent::Accepted { waited_ms, cookie } } });
        let due = now + self.plan.service;
        let key = self.served.insert(Connection { socket, peer, since: now, due, awaiting_request: false });
        if self.plan.service.is_zero() {
            self.fresh.push(key);
        } else {
            self.deadlines.push(Reverse((due, key)));
        }
    }

    fn shorten_service(&mut self, now: Stamp, service: Duration) {
        self.plan.service = service;
        for (key, connection) in self.served.iter_mut() {
            let due = (connection.since + service).max(now);
            if !connection.awaiting_request && due < connection.due {
                connection.due = due;
                self.deadlines.push(Reverse((due, key)));
            }
        }
    }

    /// Reports once that no descriptor is left for another connection.
    fn report_full(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        if self.served.len() < self.max_live || self.full_reported {
            return;
        }
        self.full_reported = true;
        let message = Message::of(|| {
            say!(
                "{count} connections are in service, and the limit of open files allows no more: give fewer workers \
                 (`--workers`), or raise the limit with `ulimit -n`",
                count = self.served.len()
            )
        });
        out.push(Stamped { at: self.stamps.at(now), event: Event::Refused { message } });
    }
}
