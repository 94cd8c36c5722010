//! The server: accepts when the valve lets it and a worker is free, serves, answers, closes in good order.
//!
//! One thread plays all workers: a worker is a place among the connections that are being served. The driver calls [`Server::turn`]
//! when the listener (if [`Server::wants_listener`]) or [`Server::fd`] is readable, and at [`Server::next_deadline`]. Every `now` is in
//! the clients' time; one thing at a time is in [`step`].

mod limits;
mod poll;
mod recent;
mod serve;
pub(in crate::lab) mod slab;
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

/// Connections accepted in one turn at most, so that the driver's other work has its turn too.
const ACCEPTS_PER_TURN: u32 = 512;

/// How long no `accept()` is tried after it failed for want of descriptors or memory.
const REST: Duration = Duration::from_millis(100);

/// How the server works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerPlan {
    /// Workers that accept, serve, close, accept again; `None`: every connection is served at once. 0 workers accept nothing.
    pub workers: Option<u32>,
    /// From `accept()` to the moment at which the request is read and answered.
    pub service: Duration,
    /// How fast `accept()` is called.
    pub accept_rate: AcceptRate,
    /// How long, after the service time, a client's request is waited for.
    pub patience: Duration,
}

impl Default for ServerPlan {
    fn default() -> Self {
        Self { workers: None, service: Duration::ZERO, accept_rate: AcceptRate::Max, patience: Duration::from_secs(1) }
    }
}

/// Looks at an accepted socket: milliseconds that it waited in the queue, and its cookie.
pub type Inspect<'a> = &'a dyn Fn(BorrowedFd<'_>) -> (Option<u32>, Option<u64>);

/// Accepts, serves, closes.
#[derive(Debug)]
pub struct Server {
    plan: ServerPlan,
    valve: Valve,
    recent: Recent,
    served: Slab<Connection>,
    /// When to look at whom; entries of connections that are gone are passed over.
    agenda: BinaryHeap<Reverse<(Stamp, Key)>>,
    poll: Poll,
    /// Connections whose request is waited for: with none, `poll` is not asked.
    awaited: usize,
    ready: Vec<Key>,
    most_live: usize,
    rest_until: Option<Stamp>,
    wants_listener: bool,
    /// True once it was told that all descriptors are in use, until half of them were free again.
    told_full: bool,
    /// True while the clients' time stands still: only what comes in by itself is attended to.
    held: bool,
}

#[derive(Debug)]
struct Connection {
    socket: OwnedFd,
    peer: Peer,
    since: Stamp,
    /// When it is looked at next, whatever happens.
    due: Stamp,
    /// True when its service is over and its request has not come yet.
    awaited: bool,
}

/// What came of one `accept()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AcceptCall {
    Took(Peer),
    Nobody,
    /// Nothing to speak of: it may be called again.
    Disturbed,
    Failed,
}

impl Server {
    /// A server that has not accepted anybody. It will hold at most half of the descriptors that the process may have now: call
    /// [`raise_descriptor_limit`] first.
    ///
    /// # Errors
    /// When there can be no epoll.
    pub fn new(plan: ServerPlan) -> Result<Self, PollError> {
        Ok(Self {
            plan,
            valve: Valve::new(plan.accept_rate),
            recent: Recent::default(),
            served: Slab::new(),
            agenda: BinaryHeap::new(),
            poll: Poll::new(say!("server"))?,
            awaited: 0,
            ready: Vec::new(),
            most_live: descriptor_share(),
            rest_until: None,
            wants_listener: false,
            told_full: false,
            held: false,
        })
    }

    /// Everything that can be done now without waiting: answers whose time has come, closes, accepts. `inspect` looks at a
    /// freshly accepted socket and is left out at high rates. The facts go to `out`.
    pub fn turn(&mut self, now: Stamp, listener: BorrowedFd<'_>, inspect: Inspect<'_>, out: &mut Vec<Stamped>) {
        self.attend_ready(now, out);
        if self.held {
            return;
        }
        self.attend_due(now, out);
        self.wants_listener = self.accept(now, listener, inspect, out);
    }

    /// Carries out the commands that are the server's; the others are none of its business. A shorter service time holds for the
    /// connections in service too.
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

    /// Readable when a connection that is waited for has something to say.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.poll.as_fd()
    }

    /// When [`Server::turn`] must be called at the latest; `None`: only when a descriptor is readable.
    pub fn next_deadline(&self) -> Option<Stamp> {
        if self.held {
            return None;
        }
        let service = self.agenda.peek().map(|Reverse((due, _))| *due);
        let accept = if self.wants_listener { None } else { self.next_accept() };
        [service, accept].into_iter().flatten().min()
    }

    /// From when on one more connection may be accepted.
    fn next_accept(&self) -> Option<Stamp> {
        let open = self.valve.next().filter(|_| self.has_free_worker())?;
        Some(self.rest_until.map_or(open, |rested| open.max(rested)))
    }

    /// Connections that are being served.
    pub const fn live(&self) -> usize {
        self.served.len()
    }

    fn attend_ready(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        if self.awaited == 0 {
            return;
        }
        let mut ready = std::mem::take(&mut self.ready);
        self.poll.ready(&mut ready);
        for &key in &ready {
            if self.served.at(key).is_some_and(|connection| connection.awaited) {
                self.attend(key, now, out);
            }
        }
        self.ready = ready;
    }

    fn attend_due(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        while let Some(&Reverse((due, key))) = self.agenda.peek()
            && due <= now
        {
            self.agenda.pop();
            if self.served.at(key).is_some_and(|connection| connection.due == due) {
                self.attend(key, now, out);
            }
        }
        if self.agenda.len() > 4 * self.served.len() + 1024 {
            let served = &self.served;
            self.agenda.retain(|Reverse((due, key))| served.at(*key).is_some_and(|connection| connection.due == *due));
        }
    }

    /// Answers and closes a connection whose service is over, or goes on waiting for its request.
    fn attend(&mut self, key: Key, now: Stamp, out: &mut Vec<Stamped>) {
        let Some(connection) = self.served.at_mut(key) else { return };
        let over = if connection.awaited { now >= connection.due } else { self.plan.patience.is_zero() };
        let attempt = answer(&connection.socket, over);
        let deed = match attempt {
            Attempt::Answered => ServerEvent::Closed,
            Attempt::FoundReset => ServerEvent::FoundReset,
            Attempt::NotYet => {
                if !connection.awaited {
                    connection.awaited = true;
                    connection.due = now + self.plan.patience;
                    self.agenda.push(Reverse((connection.due, key)));
                    // Where the kernel has no room for one more watch, the end of patience still comes.
                    self.poll.watch(connection.socket.as_fd(), key, Interest::Readable);
                    self.awaited += 1;
                }
                return;
            }
        };
        let event = Event::Served { peer: connection.peer, event: deed };
        if let Some(gone) = self.served.remove(key)
            && gone.awaited
        {
            self.awaited -= 1;
        }
        self.told_full &= 2 * self.served.len() > self.most_live;
        out.push(Stamped { at: now, event });
    }

    fn has_free_worker(&self) -> bool {
        let live = self.served.len();
        live < self.most_live && self.plan.workers.is_none_or(|workers| live < workers as usize)
    }

    fn may_accept(&self, now: Stamp) -> bool {
        self.has_free_worker() && self.valve.may_accept(now) && self.rest_until.is_none_or(|until| now >= until)
    }

    /// Accepts what may be accepted; true when it would accept more at once if somebody came.
    fn accept(&mut self, now: Stamp, listener: BorrowedFd<'_>, inspect: Inspect<'_>, out: &mut Vec<Stamped>) -> bool {
        if self.rest_until.is_some_and(|until| now >= until) {
            self.rest_until = None;
        }
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.may_accept(now) {
                self.tell_full(now, out);
                return false;
            }
            match self.accept_one(now, listener, inspect, out) {
                AcceptCall::Took(_) | AcceptCall::Disturbed => {}
                AcceptCall::Nobody => return true,
                AcceptCall::Failed => return false,
            }
        }
        self.may_accept(now)
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
                self.valve.took(now);
                let peer = address.and_then(|address| SocketAddr::try_from(address).ok()).map(Peer::from);
                if let Some(peer) = peer {
                    self.begin(now, (socket, peer), inspect, out);
                }
                peer.map_or(AcceptCall::Disturbed, AcceptCall::Took)
            }
            Err(Errno::AGAIN) => AcceptCall::Nobody,
            Err(Errno::INTR | Errno::CONNABORTED) => AcceptCall::Disturbed,
            Err(errno) => {
                self.rest_until = Some(now + REST);
                out.push(Stamped { at: now, event: Event::AcceptFailed { errno: errno.raw_os_error() } });
                AcceptCall::Failed
            }
        }
    }

    /// Takes an accepted connection into service; a service time of zero is over at once.
    fn begin(&mut self, now: Stamp, (socket, peer): (OwnedFd, Peer), inspect: Inspect<'_>, out: &mut Vec<Stamped>) {
        let (waited_ms, cookie) = if self.recent.is_calm(now) { inspect(socket.as_fd()) } else { (None, None) };
        out.push(Stamped {
            at: now,
            event: Event::Served { peer, event: ServerEvent::Accepted { waited_ms, cookie } },
        });
        let due = now + self.plan.service;
        let key = self.served.insert(Connection { socket, peer, since: now, due, awaited: false });
        if self.plan.service.is_zero() {
            self.attend(key, now, out);
        } else {
            self.agenda.push(Reverse((due, key)));
        }
    }

    fn shorten_service(&mut self, now: Stamp, service: Duration) {
        self.plan.service = service;
        for (key, connection) in self.served.iter_mut() {
            let due = (connection.since + service).max(now);
            if !connection.awaited && due < connection.due {
                connection.due = due;
                self.agenda.push(Reverse((due, key)));
            }
        }
    }

    /// Says once that no descriptor is left for one more connection.
    fn tell_full(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        if self.served.len() < self.most_live || self.told_full {
            return;
        }
        self.told_full = true;
        let message = Message::of(|| {
            say!(
                "{count} connections are in service, and the limit of open files allows no more: give fewer workers \
                 (`--workers`), or raise the limit with `ulimit -n`",
                count = self.served.len()
            )
        });
        out.push(Stamped { at: now, event: Event::Refused { message } });
    }
}
