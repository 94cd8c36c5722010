//! Real `connect(2)` clients: each is a kernel socket with its own source address; every errno is reported by name.
//!
//! A client connects, sends a few bytes, waits for the answer and the end, and closes. Nothing blocks; the driver
//! calls [`ConnectClients::turn`] when [`ConnectClients::fd`] is readable and at [`ConnectClients::next_deadline`]. A
//! client that cannot start because addresses, ports or descriptors are exhausted is reported as a client-side
//! failure, never as a drop.

mod client;
mod reported_errors;
mod skipped;
mod source;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::arrivals::Schedule;
use super::server::slab::{Key, Slab};
use super::server::{Interest, Poll, PollError, descriptor_share};
use crate::model::command::Command;
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::peer::Peer;
use crate::model::settings::Arrivals;
use crate::model::stamp::Stamp;

use crate::say;
use client::{end_for_errno, open, read_until_end, send_request};
use reported_errors::ReportedErrors;
use skipped::Skipped;
use source::Sources;

/// Upper limit of clients started in one call, so that the driver's other work is not delayed.
const STARTS_PER_TURN: u64 = 32;

/// Upper limit of overdue clients; more are skipped.
const MAX_OVERDUE: u64 = 65_536;

/// How long no client is started after a start has failed.
const START_BACKOFF: Duration = Duration::from_millis(100);

/// When a failed epoll registration is tried again.
const EPOLL_RETRY: Duration = Duration::from_millis(10);

/// Who connects, when, and to what.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectPlan {
    /// The listener. An unspecified address (`0.0.0.0`, `[::]`) means the loopback of its family.
    pub target: SocketAddr,
    /// The seed of the arrivals and of the choice of half-open clients.
    pub seed: u64,
    /// Client arrivals per second.
    pub rate: f64,
    /// The pattern of arrivals.
    pub arrivals: Arrivals,
    /// Upper limit of clients in the whole run; those whose `connect()` failed count, skipped ones do not.
    pub count: Option<u64>,
    /// Share of half-open clients, 0 to 1: real sockets that drop every incoming segment, so that both sides' retry schedules are the
    /// kernel's own. No right is needed.
    pub half_open: f64,
    /// How long a half-open client keeps its socket. After it is closed, the next SYN-ACK is answered by RST, which
    /// removes the request (EmbryonicRsts). A value above the request's own timeout (about 63 s with five SYN-ACK
    /// retries) avoids that.
    pub half_open_timeout: Duration,
    /// True when the clients are in the private network's namespace for them: then each has an address of its own there.
    pub beyond_wire: bool,
    /// Upper limit of concurrent clients; `None`: half of the descriptors.
    pub max_live: Option<usize>,
}

/// Many real clients.
#[derive(Debug)]
pub struct ConnectClients {
    sources: Sources,
    schedule: Schedule,
    rng: Pcg64Mcg,
    half_open: f64,
    half_open_timeout: Duration,
    /// Clients that the plan's count still allows.
    remaining: u64,
    max_live: usize,
    /// How many descriptors the clients may have.
    descriptors: usize,
    clients: Slab<Client>,
    /// True where no answer can be there when `connect()` returns.
    beyond_wire: bool,
    /// Started in the last call and not yet registered with epoll: over loopback most of them are answered before that pays off.
    fresh: VecDeque<Key>,
    /// Half-open clients in the order of their timeouts.
    half_open_ends: VecDeque<(Stamp, Key)>,
    poll: Poll,
    ready: Vec<Key>,
    /// Clients that are due but have not started.
    overdue: u64,
    next_id: u32,
    started: u64,
    skipped: Skipped,
    reported: ReportedErrors,
    backoff_until: Option<Stamp>,
    /// When the clients in `fresh` are polled next.
    retry_fresh_at: Stamp,
}

#[derive(Debug)]
struct Client {
    id: u32,
    peer: Peer,
    socket: OwnedFd,
    stage: Stage,
}

impl Client {
    const fn event(&self, life: ClientEvent, at: Stamp) -> Stamped {
        Stamped { at, event: Event::Client { id: self.id, peer: self.peer, event: life } }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Connected,
    HalfOpen,
}

impl ConnectClients {
    /// Clients of this plan, none of them started.
    ///
    /// # Errors
    /// [`PollError`] when epoll is not available.
    pub fn new(plan: &ConnectPlan) -> Result<Self, PollError> {
        let descriptors = descriptor_share();
        Ok(Self {
            sources: Sources::toward(plan.target, plan.beyond_wire),
            schedule: Schedule::new(plan.arrivals, plan.rate, plan.seed),
            rng: Pcg64Mcg::seed_from_u64(plan.seed),
            half_open: plan.half_open.clamp(0.0, 1.0),
            half_open_timeout: plan.half_open_timeout,
            remaining: plan.count.unwrap_or(u64::MAX),
            max_live: plan.max_live.unwrap_or(descriptors),
            descriptors,
            clients: Slab::new(),
            beyond_wire: plan.beyond_wire,
            fresh: VecDeque::new(),
            half_open_ends: VecDeque::new(),
            poll: Poll::new(say!("clients"))?,
            ready: Vec::new(),
            overdue: 0,
            next_id: 0,
            started: 0,
            skipped: Skipped::default(),
            reported: ReportedErrors::default(),
            backoff_until: None,
            retry_fresh_at: Stamp::ZERO,
        })
    }

    /// Does everything that is possible now without blocking: advances clients that are ready, closes half-open ones
    /// whose timeout has passed, starts those that are due. Facts are appended to `out`.
    pub fn turn(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        self.retry_fresh_at = now;
        self.handle_fresh(now, out);
        self.handle_ready(now, out);
        self.end_half_open(now, out);
        self.start_due(now, out);
        self.skipped.emit(now, out);
    }

    /// Applies commands that concern clients; ignores the others.
    pub fn command(&mut self, now: Stamp, command: &Command) {
        match *command {
            Command::Rate(rate) => self.schedule.set_rate(now, rate),
            Command::Arrivals(arrivals) => self.schedule.set_pattern(now, arrivals),
            Command::Burst(clients) => self.schedule.burst(clients),
            Command::HalfOpen(share) => self.half_open = share.clamp(0.0, 1.0),
            Command::Stop => self.stop(),
            _ => {}
        }
    }

    /// Stops starting clients; those started go on.
    pub fn stop(&mut self) {
        self.remaining = 0;
        self.overdue = 0;
    }

    /// Readable when a registered client is ready.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.poll.as_fd()
    }

    /// When [`ConnectClients::turn`] must be called at the latest; `None`: only when the descriptor is readable.
    pub fn next_deadline(&self) -> Option<Stamp> {
        let busy = (self.overdue > 0 || !self.fresh.is_empty()).then_some(self.retry_fresh_at);
        let arrival = if self.remaining > 0 { self.schedule.next() } else { None };
        let start = if self.backoff_until.is_some() { self.backoff_until } else { arrival };
        let end = self.half_open_ends.front().map(|(at, _)| *at);
        [busy, start, end, self.skipped.due()].into_iter().flatten().min()
    }

    /// Open clients, half-open ones included.
    pub const fn live(&self) -> usize {
        self.clients.len()
    }

    /// Clients whose `connect()` was called.
    pub const fn started(&self) -> u64 {
        self.started
    }

    /// Clients of the last call: advanced once, and registered with epoll if they are not finished.
    fn handle_fresh(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        for _ in 0..self.fresh.len() {
            let Some(key) = self.fresh.pop_front() else { return };
            self.advance(key, now, out);
            self.watch(key, now);
        }
    }

    /// Registers a client with epoll, if it is not finished.
    fn watch(&mut self, key: Key, now: Stamp) {
        let Some(client) = self.clients.get(key) else { return };
        let interest = if client.stage == Stage::Connected { Interest::Readable } else { Interest::Connected };
        if !self.poll.watch(client.socket.as_fd(), key, interest) {
            self.fresh.push_back(key);
            self.retry_fresh_at = now + EPOLL_RETRY;
        }
    }

    fn handle_ready(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        let mut ready = std::mem::take(&mut self.ready);
        if self.clients.len() > self.fresh.len() {
            self.poll.ready(&mut ready);
            for &key in &ready {
                self.advance(key, now, out);
            }
        }
        self.ready = ready;
    }

    /// Advances one client as far as possible without blocking.
    fn advance(&mut self, key: Key, now: Stamp, out: &mut Vec<Stamped>) {
        self.send_request(key, now, out);
        let Some(client) = self.clients.get(key) else { return };
        if client.stage == Stage::Connected
            && let Some(life) = read_until_end(&client.socket)
        {
            out.push(client.event(life, now));
            self.clients.remove(key);
        }
    }

    /// Sends the request of a client whose handshake is complete.
    fn send_request(&mut self, key: Key, now: Stamp, out: &mut Vec<Stamped>) {
        let Some(client) = self.clients.get_mut(key) else { return };
        if client.stage != Stage::Connecting {
            return;
        }
        let asked = send_request(&client.socket);
        // A RST before the client was connected would have been ECONNREFUSED.
        if matches!(asked, Ok(true) | Err(ClientEvent::Reset)) {
            client.stage = Stage::Connected;
            out.push(client.event(ClientEvent::Connected, now));
        }
        if let Err(life) = asked {
            out.push(client.event(life, now));
            self.clients.remove(key);
        }
    }

    fn end_half_open(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        while let Some(&(at, key)) = self.half_open_ends.front()
            && at <= now
        {
            self.half_open_ends.pop_front();
            if let Some(client) = self.clients.remove(key) {
                out.push(client.event(ClientEvent::Vanished, now));
            }
        }
    }

    fn start_due(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        if self.remaining == 0 {
            return;
        }
        self.overdue += u64::from(self.schedule.due(now));
        if let Some(until) = self.backoff_until {
            // Clients due meanwhile are skipped: starting them all at once would exhaust the same resource again.
            self.skipped.add(std::mem::take(&mut self.overdue));
            self.backoff_until = (now < until).then_some(until);
        }
        for _ in 0..STARTS_PER_TURN.min(self.overdue).min(self.remaining) {
            if self.backoff_until.is_some() || self.clients.len() >= self.max_live {
                break;
            }
            self.overdue -= 1;
            self.remaining -= 1;
            self.start(now, out);
        }
        if self.backoff_until.is_some() || self.clients.len() >= self.max_live {
            if self.overdue > 0 && self.clients.len() >= self.descriptors {
                self.reported.full(now, self.clients.len(), out);
            }
            self.skipped.add(std::mem::take(&mut self.overdue));
        } else if self.overdue > MAX_OVERDUE {
            self.skipped.add(self.overdue - MAX_OVERDUE);
            self.skipped.saturated(now, out);
            self.overdue = MAX_OVERDUE;
        }
        if self.remaining == 0 {
            self.overdue = 0;
        }
    }

    fn start(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        let half_open = self.half_open > 0.0 && self.rng.random_bool(self.half_open);
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let mut emit = |peer, life| out.push(Stamped { at: now, event: Event::Client { id, peer, event: life } });
        let (target, source) = self.sources.next();
        match open(target, source, half_open) {
            Ok((socket, peer)) => {
                self.started += 1;
                emit(peer, ClientEvent::Started { half_open });
                let stage = if half_open { Stage::HalfOpen } else { Stage::Connecting };
                let key = self.clients.insert(Client { id, peer, socket, stage });
                if half_open {
                    // It gets no answer, so it is not polled.
                    self.half_open_ends.push_back((now + self.half_open_timeout, key));
                } else if self.beyond_wire {
                    self.watch(key, now);
                } else {
                    self.fresh.push_back(key);
                    self.send_request(key, now, out);
                }
            }
            Err(errno) => {
                let peer = source.map_or_else(|| Peer::new(target.ip(), 0), Peer::from);
                let life = end_for_errno(errno);
                if matches!(life, ClientEvent::Failed { .. }) {
                    self.backoff_until = Some(now + START_BACKOFF);
                } else {
                    self.started += 1;
                    emit(peer, ClientEvent::Started { half_open });
                }
                emit(peer, life);
                if matches!(life, ClientEvent::Failed { .. }) {
                    self.reported.failed(now, errno, target, out);
                }
            }
        }
    }
}
