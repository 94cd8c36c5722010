//! A world that is told what happens, fact by fact, without a kernel.

#![allow(dead_code, reason = "each test binary uses its own part of the facts")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::Ipv4Addr;

use qviz::fold::connection::CombinedState;
use qviz::fold::world::World;
use qviz::model::cause::Cause;
use qviz::model::counters::{Counter, Counters};
use qviz::model::delivery::Outcome;
use qviz::model::event::{Began, ClientEvent, Environment, Event, Listening, ServerEvent};
use qviz::model::peer::Peer;
use qviz::model::sample::{HalfOpen, Listed, QueueReading, Waiting};
use qviz::model::segment::{Segment, Toward, flags};
use qviz::model::settings::{ClientKind, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;

/// A world that is told what happens, a tenth of a millisecond apart.
pub(crate) struct Play {
    pub(crate) world: World,
    pub(crate) now: u64,
}

impl Play {
    pub(crate) fn new(backlog: i32, sysctls: &[(Sysctl, i64)]) -> Self {
        Self::begun(backlog, sysctls, true)
    }

    pub(crate) fn without_tap(backlog: i32) -> Self {
        Self::begun(backlog, &[], false)
    }

    fn begun(backlog: i32, sysctls: &[(Sysctl, i64)], tap: bool) -> Self {
        let mut values = Sysctls::default();
        values.set(Sysctl::Syncookies, 1);
        values.set(Sysctl::AbortOnOverflow, 0);
        values.set(Sysctl::MaxSynBacklog, 4096);
        values.set(Sysctl::SynackRetries, 5);
        for (name, value) in sysctls {
            values.set(*name, *value);
        }
        let began = Began {
            syn_rule: None,
            kernel: "6.18.44-test".into(),
            environment: if tap { Environment::Lab } else { Environment::Host },
            fallback: None,
            pid: 1,
            seed: 1,
            clients: ClientKind::Wire,
            address: "198.51.100.1:8080".parse().unwrap(),
            tap,
            private_counters: true,
            watched: false,
            host: Sysctls::default(),
            sysctls: values,
        };
        let mut play = Self { world: World::new(), now: 0 };
        play.emit(Event::Began(Box::new(began)));
        play.emit(Event::Listening(Listening { backlog, somaxconn: Some(4096), limit: Some(backlog.cast_unsigned()) }));
        play.count(&[]);
        play
    }

    #[expect(clippy::needless_pass_by_value, reason = "each fact is made where it is told")]
    pub(crate) fn emit(&mut self, event: Event) {
        self.now += 100_000;
        self.world.apply(Stamp::from_nanos(self.now), &event);
    }

    /// Lets time pass without facts.
    pub(crate) fn pass(&mut self, millis: u64) {
        self.now += millis * 1_000_000;
        self.emit(Event::Tick);
    }

    /// A segment passes, with the outcome that a kernel gives it.
    pub(crate) fn pass_by(&mut self, segment: Segment) {
        self.emit(crate::outcome::fact(&self.world, segment));
    }

    pub(crate) fn wire(&mut self, id: u16, toward: Toward, flags: u8, numbers: (u32, u32)) {
        self.pass_by(segment(id, toward, flags, numbers));
    }

    pub(crate) fn start(&mut self, id: u16) {
        self.emit(Event::Client { id: id.into(), peer: peer(id), event: ClientEvent::Started { half_open: false } });
    }

    pub(crate) fn client_event(&mut self, id: u16, life: ClientEvent) {
        self.emit(Event::Client { id: id.into(), peer: peer(id), event: life });
    }

    pub(crate) fn syn(&mut self, id: u16) {
        self.wire(id, Toward::Listener, flags::SYN, (1000, 0));
    }

    pub(crate) fn syn_ack(&mut self, id: u16) {
        self.wire(id, Toward::Client, flags::SYN | flags::ACK, (5000, 1001));
    }

    pub(crate) fn cookie(&mut self, id: u16) {
        self.pass_by(Segment {
            peer: peer(id),
            toward: Toward::Client,
            flags: flags::SYN | flags::ACK,
            seq: 5000,
            ack: 1001,
            payload: 0,
            window_scale: false,
            timestamps: false,
        });
    }

    pub(crate) fn ack(&mut self, id: u16) {
        self.wire(id, Toward::Listener, flags::ACK, (1001, 5001));
    }

    /// A client comes.
    pub(crate) fn arrive(&mut self, id: u16) {
        self.start(id);
        self.syn(id);
    }

    /// A client's SYN has this outcome, whatever the depths are.
    pub(crate) fn syn_with(&mut self, id: u16, outcome: Outcome, drops: u8) {
        self.emit(crate::outcome::delivered(segment(id, Toward::Listener, flags::SYN, (1000, 0)), outcome, drops));
    }

    /// A client's ACK has this outcome, whatever the depths are.
    pub(crate) fn ack_with(&mut self, id: u16, outcome: Outcome, drops: u8) {
        self.emit(crate::outcome::delivered(segment(id, Toward::Listener, flags::ACK, (1001, 5001)), outcome, drops));
    }

    /// A client comes and is half-open.
    pub(crate) fn request(&mut self, id: u16) {
        self.start(id);
        self.syn_with(id, Outcome::Request, 0);
        self.syn_ack(id);
    }

    /// A client comes, gets a cookie, and is connected in its own eyes.
    pub(crate) fn cookie_holder(&mut self, id: u16) {
        self.start(id);
        self.syn_with(id, Outcome::Cookie, 0);
        self.cookie(id);
        self.client_event(id, ClientEvent::Connected);
    }

    pub(crate) fn handshake(&mut self, id: u16) {
        self.request(id);
        self.client_event(id, ClientEvent::Connected);
        self.ack(id);
    }

    pub(crate) fn accept(&mut self, id: u16) {
        self.emit(Event::Served { peer: peer(id), event: ServerEvent::Accepted { waited_ms: None, cookie: None } });
    }

    pub(crate) fn depth(&mut self, depth: u32) {
        let limit = self.world.accept_limit();
        self.emit(Event::Queue(QueueReading { depth: Some(depth), limit, drops: None }));
    }

    /// The listener's own drop count.
    pub(crate) fn drops(&mut self, drops: u32) {
        let depth = Some(self.world.accept_queue.depth());
        let limit = self.world.accept_limit();
        self.emit(Event::Queue(QueueReading { depth, limit, drops: Some(drops) }));
    }

    pub(crate) fn data(&mut self, id: u16) {
        self.wire(id, Toward::Listener, flags::ACK | flags::PSH, (1001, 5001));
    }

    pub(crate) fn count(&mut self, values: &[(Counter, u64)]) {
        let mut counters = Counters::default();
        for counter in Counter::ALL {
            counters.set(counter, 0);
        }
        for (counter, value) in values {
            counters.set(*counter, *value);
        }
        self.emit(Event::Counters(Box::new(counters)));
    }

    pub(crate) fn list(&mut self, half_open: &[u16]) {
        let half_open =
            half_open.iter().map(|id| HalfOpen { peer: peer(*id), retransmits: 0, next_ms: 0, cookie: 0 }).collect();
        self.emit(Event::Listed(Box::new(Listed { half_open: Some(half_open), waiting: None })));
    }

    /// Connections that wait for `accept()`, each with whether its client has closed.
    pub(crate) fn waiting(&mut self, waiting: &[(u16, bool)]) {
        let one = |(id, closed): &(u16, bool)| Waiting {
            peer: peer(*id),
            age_ms: Some(5),
            bytes: 0,
            closed: *closed,
            cookie: u64::from(*id),
        };
        let waiting = Some(waiting.iter().map(one).collect());
        self.emit(Event::Listed(Box::new(Listed { half_open: None, waiting })));
    }

    pub(crate) fn drop_count(&self, cause: Cause) -> (u64, u64) {
        let toll = self.world.lost(cause);
        (toll.segments, toll.clients)
    }

    /// The ledger against the last counters, without any patience for readings that are behind.
    pub(crate) fn even(&self) -> Option<bool> {
        self.world.ledger.balance(&self.world.counters()).balanced
    }

    pub(crate) fn belief(&self, id: u16) -> CombinedState {
        self.world.connection(&peer(id)).unwrap().belief()
    }
}

fn segment(id: u16, toward: Toward, flags: u8, (seq, ack): (u32, u32)) -> Segment {
    let timestamps = false;
    let window_scale = flags & flags::SYN != 0;
    Segment { peer: peer(id), toward, flags, seq, ack, payload: 0, window_scale, timestamps }
}

pub(crate) fn peer(id: u16) -> Peer {
    Peer::v4(Ipv4Addr::new(198, 18, (id >> 8) as u8, id as u8), 4000 + id)
}
