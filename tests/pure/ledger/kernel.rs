//! A listener on paper: the admission rules of kernel-facts, written down once more and independently of the fold, so that one
//! can be held against the other.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use qviz::model::cause::Cause;
use qviz::model::counters::{Counter, Counters};
use qviz::model::delivery::{Delivery, Outcome, Proof};
use qviz::model::event::{Began, ClientEvent, Environment, Event, Listening, ServerEvent};
use qviz::model::peer::Peer;
use qviz::model::sample::{HalfOpen, Listed, QueueReading};
use qviz::model::segment::{Segment, Toward, flags};
use qviz::model::settings::{ClientKind, Sysctl, Sysctls};

/// What one step of a run does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A client sends its SYN (again).
    Syn(u8),
    /// A client sends its final ACK (again), or data if it is in already.
    Ack(u8),
    /// A client sends RST.
    Rst(u8),
    /// The server accepts one.
    Accept,
    /// The kernel sends a SYN-ACK again.
    Repeat(u8),
    /// The queue, the lists or the counters are read.
    Look(u8),
    /// Time passes.
    Pass,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Request,
    Cookie,
    Queued,
    Accepted,
    Reset,
}

/// The listener.
#[derive(Debug)]
pub(crate) struct ModelListener {
    limit: u32,
    cookies: i64,
    abort: bool,
    max_syn_backlog: u32,
    places: BTreeMap<u8, Place>,
    started: BTreeMap<u8, bool>,
    queue: VecDeque<u8>,
    counters: BTreeMap<Counter, u64>,
    pub(crate) events: Vec<Event>,
    /// SYNs dropped, by the counter pattern that the kernel shows.
    /// `sk_drops`; near its end, so that it wraps.
    listener_drops: u32,
    pub(crate) syn_drops: [u64; 3],
    /// ACKs thrown away: of requests, of cookies, with RST.
    pub(crate) ack_drops: [u64; 3],
}

impl ModelListener {
    pub(crate) fn new(limit: u32, cookies: i64, abort: bool, max_syn_backlog: u32) -> Self {
        let mut sysctls = Sysctls::default();
        sysctls.set(Sysctl::Syncookies, cookies);
        sysctls.set(Sysctl::AbortOnOverflow, i64::from(abort));
        sysctls.set(Sysctl::MaxSynBacklog, max_syn_backlog.into());
        sysctls.set(Sysctl::SynackRetries, 5);
        let began = Began {
            syn_rule: None,
            kernel: "6.18.0".into(),
            environment: Environment::Lab,
            fallback: None,
            pid: 1,
            seed: 1,
            clients: ClientKind::Wire,
            address: "198.51.100.1:8080".parse().expect("an address"),
            tap: true,
            private_counters: true,
            watched: false,
            host: Sysctls::default(),
            sysctls,
        };
        let listening = Listening { backlog: limit.cast_signed(), somaxconn: Some(4096), limit: Some(limit) };
        let mut paper = Self {
            limit,
            cookies,
            abort,
            max_syn_backlog,
            places: BTreeMap::new(),
            started: BTreeMap::new(),
            queue: VecDeque::new(),
            counters: Counter::ALL.into_iter().map(|counter| (counter, 0)).collect(),
            events: vec![Event::Began(Box::new(began)), Event::Listening(listening)],
            listener_drops: u32::MAX - 5,
            syn_drops: [0; 3],
            ack_drops: [0; 3],
        };
        paper.look(0);
        paper.count();
        paper
    }

    pub(crate) fn half_open(&self) -> u32 {
        self.places.values().filter(|place| **place == Place::Request).count() as u32
    }

    pub(crate) fn queued(&self) -> u32 {
        self.queue.len() as u32
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Syn(id) => self.syn(id),
            Step::Ack(id) => self.ack(id),
            Step::Rst(id) => self.rst(id),
            Step::Accept => self.accept(),
            Step::Repeat(id) if self.places.get(&id) == Some(&Place::Request) => self.syn_ack(id, true),
            Step::Repeat(_) => {}
            Step::Look(what) => self.look(what),
            Step::Pass => (0..60).for_each(|_| self.events.push(Event::Tick)),
        }
    }

    fn syn(&mut self, id: u8) {
        if self.started.insert(id, true).is_none() {
            let life = ClientEvent::Started { half_open: false };
            self.events.push(Event::Client { id: id.into(), peer: peer(id), event: life });
        }
        match self.places.get(&id) {
            Some(Place::Queued | Place::Accepted | Place::Reset) => return,
            Some(Place::Request) => {
                self.delivered(id, flags::SYN, Outcome::Discarded, 1);
                self.syn_ack(id, true);
                return;
            }
            Some(Place::Cookie) | None => {}
        }
        let qlen = self.half_open();
        let full = qlen > self.limit;
        if self.cookies == 2 || full {
            if self.cookies == 0 {
                self.drop_syn(id, 1);
                return;
            }
            self.bump(Counter::TCPReqQFullDoCookies);
        }
        if self.queued() > self.limit {
            self.drop_syn(id, 0);
            return;
        }
        if self.cookies == 0 && self.max_syn_backlog.saturating_sub(qlen) < self.max_syn_backlog >> 2 {
            self.drop_syn(id, 2);
            return;
        }
        let stateless = self.cookies == 2 || full;
        self.places.insert(id, if stateless { Place::Cookie } else { Place::Request });
        if stateless {
            self.bump(Counter::SyncookiesSent);
        }
        self.delivered(id, flags::SYN, if stateless { Outcome::Cookie } else { Outcome::Request }, 0);
        self.syn_ack(id, !stateless);
    }

    fn drop_syn(&mut self, id: u8, kind: usize) {
        self.syn_drops[kind] += 1;
        self.bump(Counter::ListenDrops);
        match kind {
            0 => self.bump(Counter::ListenOverflows),
            1 => self.bump(Counter::TCPReqQFullDrop),
            _ => {}
        }
        let causes = [Cause::SynAcceptQueueFull, Cause::SynSynQueueFull, Cause::SynMaxSynBacklog];
        self.delivered(id, flags::SYN, Outcome::Dropped(causes[kind]), 1);
    }

    fn ack(&mut self, id: u8) {
        let place = self.places.get(&id).copied();
        match place {
            Some(Place::Request | Place::Cookie) => {}
            Some(Place::Queued) => return self.wire(id, Toward::Listener, flags::ACK, false),
            _ => return,
        }
        if place == Some(Place::Cookie) {
            self.bump(Counter::SyncookiesRecv);
        }
        if self.queued() <= self.limit {
            self.delivered(id, flags::ACK, Outcome::Queued, 0);
            self.places.insert(id, Place::Queued);
            self.queue.push_back(id);
            return;
        }
        self.bump(Counter::ListenOverflows);
        self.bump(Counter::ListenDrops);
        if place == Some(Place::Cookie) {
            self.ack_drops[1] += 1;
            self.delivered(id, flags::ACK, Outcome::Dropped(Cause::AckCookieAcceptQueueFull), 1);
        } else if self.abort {
            self.ack_drops[2] += 1;
            self.bump(Counter::EmbryonicRsts);
            self.places.insert(id, Place::Reset);
            self.delivered(id, flags::ACK, Outcome::Dropped(Cause::AckReset), 2);
            self.wire(id, Toward::Client, flags::RST, false);
        } else {
            self.ack_drops[0] += 1;
            self.delivered(id, flags::ACK, Outcome::Dropped(Cause::AckAcceptQueueFull), 2);
        }
    }

    fn rst(&mut self, id: u8) {
        match self.places.get(&id) {
            Some(Place::Request) => {
                self.bump(Counter::EmbryonicRsts);
                self.places.insert(id, Place::Reset);
                self.delivered(id, flags::RST, Outcome::RequestReset, 1);
            }
            Some(Place::Queued) => self.wire(id, Toward::Listener, flags::RST, false),
            _ => {}
        }
    }

    fn accept(&mut self) {
        let Some(id) = self.queue.pop_front() else { return };
        self.places.insert(id, Place::Accepted);
        let deed = ServerEvent::Accepted { waited_ms: None, cookie: None };
        self.events.push(Event::Served { peer: peer(id), event: deed });
    }

    pub(crate) fn look(&mut self, what: u8) {
        match what % 3 {
            0 => {
                let reading = QueueReading {
                    depth: Some(self.queued()),
                    limit: Some(self.limit),
                    drops: Some(self.listener_drops),
                };
                self.events.push(Event::Queue(reading));
            }
            1 => {
                let requests = self.places.iter().filter(|(_, place)| **place == Place::Request);
                let half_open = requests
                    .map(|(id, _)| HalfOpen { peer: peer(*id), retransmits: 0, next_ms: 0, cookie: 0 })
                    .collect();
                self.events.push(Event::Listed(Box::new(Listed { half_open: Some(half_open), waiting: None })));
            }
            _ => self.count(),
        }
    }

    pub(crate) fn count(&mut self) {
        let mut counters = Counters::default();
        for (counter, value) in &self.counters {
            counters.set(*counter, *value);
        }
        self.events.push(Event::Counters(Box::new(counters)));
    }

    /// A segment reaches the listener, whose count of drops it moves; that wraps.
    fn delivered(&mut self, id: u8, flags: u8, outcome: Outcome, drops: u8) {
        self.listener_drops = self.listener_drops.wrapping_add(drops.into());
        let segment = segment(id, Toward::Listener, flags, flags == flags::SYN);
        let redeems_cookie = flags == flags::ACK && self.places.get(&id) == Some(&Place::Cookie);
        let (proof, depth_before, depth_after) = (Proof::Drops, None, None);
        let delivery = Delivery { segment, outcome, proof, depth_before, depth_after, drops, redeems_cookie };
        self.events.push(Event::Delivered(delivery));
    }

    fn bump(&mut self, counter: Counter) {
        *self.counters.entry(counter).or_default() += 1;
    }

    fn syn_ack(&mut self, id: u8, options: bool) {
        self.wire(id, Toward::Client, flags::SYN | flags::ACK, options);
    }

    fn wire(&mut self, id: u8, toward: Toward, flags: u8, window_scale: bool) {
        self.events.push(Event::Segment(segment(id, toward, flags, window_scale)));
    }
}

fn segment(id: u8, toward: Toward, flags: u8, window_scale: bool) -> Segment {
    let (seq, ack) = match toward {
        Toward::Listener if flags & flags::SYN != 0 => (1000, 0),
        Toward::Listener => (1001, 5001),
        Toward::Client => (5000, 1001),
    };
    let timestamps = false;
    Segment { peer: peer(id), toward, flags, seq, ack, payload: 0, window_scale, timestamps }
}

fn peer(id: u8) -> Peer {
    Peer::v4(Ipv4Addr::new(198, 18, 0, id), 4000)
}
