//! Real `connect(2)` clients: each one a kernel socket with a source address of its own, every errno by name.
//!
//! A client connects, sends a few bytes, waits for the answer and the end, and closes. Nothing blocks; the driver calls
//! [`ConnectClients::turn`] when [`ConnectClients::fd`] is readable and at [`ConnectClients::next_deadline`]. What cannot start because addresses,
//! ports or descriptors are exhausted is the clients' trouble: it is told as such, and never looks like a drop.

mod client;
mod skipped;
mod source;
mod trouble;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::arrivals::Schedule;
use super::server::slab::{Key, Slab};
use super::server::{Interest, Poll, PollError, descriptor_share};
use crate::model::command::Command;
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::message::Message;
use crate::model::peer::Peer;
use crate::model::settings::Arrivals;
use crate::model::stamp::Stamp;

use crate::say;
use client::{ask, end_of, hear_end, may_drop_all, open};
use skipped::Skipped;
use source::Sources;
use trouble::ReportedErrors;

/// Clients started in one turn at most, so that the driver's other work has its turn too.
const STARTS_PER_TURN: u64 = 32;

/// Clients that may be late in starting; what is due beyond that is skipped.
const MOST_OWED: u64 = 65_536;

/// How long no client is started after one could not be.
const REST: Duration = Duration::from_millis(100);

/// How soon an attempt to watch a client is made again after the kernel had no room for it.
const WATCH_AGAIN: Duration = Duration::from_millis(10);

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
    /// No more than so many clients in the whole run; those whose `connect()` failed count, skipped ones do not.
    pub count: Option<u64>,
    /// Share of half-open clients, 0 to 1: real sockets that never see the SYN-ACK (a filter drops all that comes), so that both
    /// sides' retry schedules are the kernel's own. Without CAP_NET_ADMIN in the network namespace this is refused in words
    /// ([`Event::Refused`]), and the clients are ordinary ones.
    pub half_open: f64,
    /// How long a half-open client stays. When it goes, the next SYN-ACK is answered by RST, which ends the request (EmbryonicRsts):
    /// longer than the request's own life (about 63 s with five SYN-ACK retries) keeps that from happening.
    pub patience: Duration,
    /// The most clients alive at once; `None`: as many as half of the descriptors allow.
    pub max_live: Option<usize>,
}

/// Many real clients.
#[derive(Debug)]
pub struct ConnectClients {
    target: SocketAddr,
    sources: Sources,
    schedule: Schedule,
    rng: Pcg64Mcg,
    half_open: f64,
    /// True once a filter could be attached.
    filter_allowed: bool,
    patience: Duration,
    /// Clients that the plan's count still allows.
    remaining: u64,
    max_live: usize,
    crowd: Slab<Client>,
    /// Started in the last turn and not watched yet: most of them are answered before that is worth its cost.
    fresh: VecDeque<Key>,
    /// Half-open clients in the order in which their patience ends.
    ends: VecDeque<(Stamp, Key)>,
    poll: Poll,
    ready: Vec<Key>,
    /// Clients that are due and have not started.
    owed: u64,
    next_id: u32,
    started: u64,
    skipped: Skipped,
    trouble: ReportedErrors,
    rest_until: Option<Stamp>,
    /// When those in `fresh` are to be heard.
    again: Stamp,
}

#[derive(Debug)]
struct Client {
    id: u32,
    peer: Peer,
    socket: OwnedFd,
    stage: Stage,
}

impl Client {
    const fn tells(&self, life: ClientEvent, at: Stamp) -> Stamped {
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
    /// A crowd that has not started anybody.
    ///
    /// # Errors
    /// When there can be no epoll.
    pub fn new(plan: &ConnectPlan) -> Result<Self, PollError> {
        Ok(Self {
            target: source::reachable(plan.target),
            sources: Sources::toward(plan.target),
            schedule: Schedule::new(plan.arrivals, plan.rate, plan.seed),
            rng: Pcg64Mcg::seed_from_u64(plan.seed),
            half_open: plan.half_open.clamp(0.0, 1.0),
            filter_allowed: false,
            patience: plan.patience,
            remaining: plan.count.unwrap_or(u64::MAX),
            max_live: plan.max_live.unwrap_or_else(descriptor_share),
            crowd: Slab::new(),
            fresh: VecDeque::new(),
            ends: VecDeque::new(),
            poll: Poll::new(say!("clients"))?,
            ready: Vec::new(),
            owed: 0,
            next_id: 0,
            started: 0,
            skipped: Skipped::default(),
            trouble: ReportedErrors::default(),
            rest_until: None,
            again: Stamp::ZERO,
        })
    }

    /// Everything that can be done now without waiting: hears the clients that wait, ends half-open ones, starts those that are
    /// due. The facts go to `out`.
    pub fn turn(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        self.again = now;
        self.hear_fresh(now, out);
        self.hear_ready(now, out);
        self.end_half_open(now, out);
        self.start_due(now, out);
        self.skipped.tell(now, out);
    }

    /// Carries out the commands that are the clients'; the others are none of their business.
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

    /// Starts nobody any more; those who live go on.
    pub fn stop(&mut self) {
        self.remaining = 0;
        self.owed = 0;
    }

    /// Readable when a client that waits has something to hear.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.poll.as_fd()
    }

    /// When [`ConnectClients::turn`] must be called at the latest; `None`: only when the descriptor is readable.
    pub fn next_deadline(&self) -> Option<Stamp> {
        let busy = (self.owed > 0 || !self.fresh.is_empty()).then_some(self.again);
        let arrival = if self.remaining > 0 { self.schedule.next() } else { None };
        let start = if self.rest_until.is_some() { self.rest_until } else { arrival };
        let end = self.ends.front().map(|(at, _)| *at);
        [busy, start, end, self.skipped.due()].into_iter().flatten().min()
    }

    /// Clients alive now, half-open ones included.
    pub const fn live(&self) -> usize {
        self.crowd.len()
    }

    /// Clients whose `connect()` was called.
    pub const fn started(&self) -> u64 {
        self.started
    }

    /// Clients of the last turn: heard once, and watched from now on if they have to wait.
    fn hear_fresh(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        for _ in 0..self.fresh.len() {
            let Some(key) = self.fresh.pop_front() else { return };
            self.hear(key, now, out);
            let Some(client) = self.crowd.at(key) else { continue };
            let interest = if client.stage == Stage::Connected { Interest::Readable } else { Interest::Connected };
            if !self.poll.watch(client.socket.as_fd(), key, interest) {
                self.fresh.push_back(key);
                self.again = now + WATCH_AGAIN;
            }
        }
    }

    fn hear_ready(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        let mut ready = std::mem::take(&mut self.ready);
        if self.crowd.len() > self.fresh.len() {
            self.poll.ready(&mut ready);
            for &key in &ready {
                self.hear(key, now, out);
            }
        }
        self.ready = ready;
    }

    /// Takes one client as far as it gets without waiting.
    fn hear(&mut self, key: Key, now: Stamp, out: &mut Vec<Stamped>) {
        self.ask(key, now, out);
        let Some(client) = self.crowd.at(key) else { return };
        if client.stage == Stage::Connected
            && let Some(life) = hear_end(&client.socket)
        {
            out.push(client.tells(life, now));
            self.crowd.remove(key);
        }
    }

    /// Lets a client whose handshake is over send its request.
    fn ask(&mut self, key: Key, now: Stamp, out: &mut Vec<Stamped>) {
        let Some(client) = self.crowd.at_mut(key) else { return };
        if client.stage != Stage::Connecting {
            return;
        }
        let asked = ask(&client.socket);
        // A RST before the client was connected would have been ECONNREFUSED.
        if matches!(asked, Ok(true) | Err(ClientEvent::Reset)) {
            client.stage = Stage::Connected;
            out.push(client.tells(ClientEvent::Connected, now));
        }
        if let Err(life) = asked {
            out.push(client.tells(life, now));
            self.crowd.remove(key);
        }
    }

    fn end_half_open(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        while let Some(&(at, key)) = self.ends.front()
            && at <= now
        {
            self.ends.pop_front();
            if let Some(client) = self.crowd.remove(key) {
                out.push(client.tells(ClientEvent::Vanished, now));
            }
        }
    }

    fn start_due(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        if self.remaining == 0 {
            return;
        }
        self.owed += u64::from(self.schedule.due(now));
        if let Some(until) = self.rest_until {
            // What came due meanwhile is skipped: made up for at once, it would exhaust the same thing again.
            self.skipped.add(std::mem::take(&mut self.owed));
            self.rest_until = (now < until).then_some(until);
        }
        for _ in 0..STARTS_PER_TURN.min(self.owed).min(self.remaining) {
            if self.rest_until.is_some() || self.crowd.len() >= self.max_live {
                break;
            }
            self.owed -= 1;
            self.remaining -= 1;
            self.start(now, out);
        }
        if self.rest_until.is_some() || self.crowd.len() >= self.max_live {
            if self.owed > 0 && self.crowd.len() >= descriptor_share() {
                self.trouble.full(now, self.crowd.len(), out);
            }
            self.skipped.add(std::mem::take(&mut self.owed));
        } else if self.owed > MOST_OWED {
            self.skipped.add(self.owed - MOST_OWED);
            self.skipped.saturated(now, out);
            self.owed = MOST_OWED;
        }
        if self.remaining == 0 {
            self.owed = 0;
        }
    }

    fn start(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        let half_open = self.half_open > 0.0 && self.rng.random_bool(self.half_open) && self.may_be_half_open(now, out);
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let mut tell = |peer, life| out.push(Stamped { at: now, event: Event::Client { id, peer, event: life } });
        let source = self.sources.next();
        match open(self.target, source, half_open) {
            Ok((socket, peer)) => {
                self.started += 1;
                tell(peer, ClientEvent::Started { half_open });
                let stage = if half_open { Stage::HalfOpen } else { Stage::Connecting };
                let key = self.crowd.insert(Client { id, peer, socket, stage });
                if half_open {
                    self.ends.push_back((now + self.patience, key));
                } else {
                    // Whether it was answered already would be asked in vain: nobody had the time.
                    self.fresh.push_back(key);
                    self.ask(key, now, out);
                }
            }
            Err(errno) => {
                let ip = source.map_or_else(|| self.target.ip(), IpAddr::V4);
                let peer = Peer::new(ip, 0);
                let life = end_of(errno);
                if matches!(life, ClientEvent::Failed { .. }) {
                    self.rest_until = Some(now + REST);
                } else {
                    self.started += 1;
                    tell(peer, ClientEvent::Started { half_open });
                }
                tell(peer, life);
                if matches!(life, ClientEvent::Failed { .. }) {
                    self.trouble.failed(now, errno, self.target, out);
                }
            }
        }
    }

    /// False where no filter may be attached: then it is said once, and no client will be half-open until a new share is wished.
    fn may_be_half_open(&mut self, now: Stamp, out: &mut Vec<Stamped>) -> bool {
        if self.filter_allowed || may_drop_all() {
            self.filter_allowed = true;
            return true;
        }
        self.half_open = 0.0;
        let message = Message::of(|| {
            say!(
                "real clients cannot be half-open here, that takes CAP_NET_ADMIN in the network namespace: use the private lab \
                 (`--net lab`); they come as ordinary clients"
            )
        });
        out.push(Stamped { at: now, event: Event::Refused { message } });
        false
    }
}
