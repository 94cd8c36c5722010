//! A listener's life told in events, for screens: a small kernel that admits, drops and queues as Linux does, without Linux.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use qviz::fold::world::World;
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::{Began, ClientEvent, Environment, Event, Listening, ServerEvent};
use qviz::model::peer::Peer;
use qviz::model::segment::{Kind, Segment, Toward, flags};
use qviz::model::settings::{AcceptRate, Arrivals, ClientKind, Knobs, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;

pub(crate) const RTT: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug)]
enum Step {
    Start { id: u32, silent: bool },
    SynLeaves { id: u32, attempt: u8 },
    SynArrives { id: u32, attempt: u8 },
    SynAckArrives { id: u32 },
    AckArrives { id: u32 },
    Accept,
    Close { id: u32 },
    Tick,
}

pub(crate) struct Story {
    pub(crate) world: World,
    pub(crate) now: Stamp,
    due: BTreeMap<(Stamp, u64), Step>,
    count: u64,
    limit: usize,
    syn_queue: Vec<u32>,
    accept_queue: VecDeque<u32>,
    silent: Vec<u32>,
    cookies: i64,
    abort: bool,
}

pub(crate) fn ms(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

fn peer(id: u32) -> Peer {
    Peer::v4(Ipv4Addr::new(198, 18, (id / 250) as u8, (id % 250 + 1) as u8), 40_000 + (id % 1000) as u16)
}

fn segment(id: u32, toward: Toward, flags: u8, cookie: bool) -> Segment {
    let (seq, ack) = match (toward, flags) {
        (Toward::Listener, flags::SYN) => (1000, 0),
        (Toward::Listener, _) => (1001, 5001),
        (Toward::Client, _) => (5000, 1001),
    };
    Segment { peer: peer(id), toward, flags, seq, ack, payload: 0, window_scale: !cookie, timestamps: false }
}

impl Story {
    pub(crate) fn new(rung: Environment, backlog: i32, cookies: i64) -> Self {
        Self::after(&[], rung, backlog, cookies)
    }

    /// The same after facts that come before the listener's first.
    pub(crate) fn after(before: &[Event], rung: Environment, backlog: i32, cookies: i64) -> Self {
        let mut sysctls = Sysctls::default();
        let values = [4096, cookies, 0, 1024, 5, 6, 4, 0, 65_536];
        for (sysctl, value) in Sysctl::ALL.into_iter().zip(values) {
            sysctls.set(sysctl, value);
        }
        let mut host = sysctls.clone();
        host.set(Sysctl::Syncookies, 1);
        let fallback = "user namespaces are denied (AppArmor); sudo qviz, or: sysctl kernel.apparmor_restrict_unprivileged_userns=0";
        let lab = rung == Environment::Lab;
        let began = Began {
            syn_rule: None,
            kernel: "6.18.44".into(),
            environment: rung,
            fallback: (!lab).then(|| fallback.into()),
            pid: 4242,
            seed: 1,
            clients: if lab { ClientKind::Wire } else { ClientKind::Connect },
            address: (if lab { Ipv4Addr::new(198, 51, 100, 1) } else { Ipv4Addr::LOCALHOST }, 8080).into(),
            tap: lab,
            private_counters: lab,
            watched: false,
            host,
            sysctls,
        };
        let mut story = Self {
            world: World::new(),
            now: Stamp::ZERO,
            due: BTreeMap::new(),
            count: 0,
            limit: backlog as usize,
            syn_queue: Vec::new(),
            accept_queue: VecDeque::new(),
            silent: Vec::new(),
            cookies,
            abort: false,
        };
        for event in before {
            story.emit(event);
        }
        story.emit(&Event::Began(Box::new(began)));
        story.emit(&Event::Counters(Box::new(counters(&BTreeMap::new()))));
        story.knobs(backlog, AcceptRate::PerSecond(4.0), 0.0);
        story.listen(backlog);
        for tick in 1..4000 {
            story.plan(ms(tick * 25), Step::Tick);
        }
        story
    }

    pub(crate) fn emit(&mut self, event: &Event) {
        self.world.apply(self.now, event);
    }

    fn pass_by(&mut self, segment: Segment) {
        let fact = crate::outcome::fact(&self.world, segment);
        self.emit(&fact);
    }

    pub(crate) fn listen(&mut self, backlog: i32) {
        self.limit = backlog as usize;
        self.emit(&Event::Listening(Listening { backlog, somaxconn: Some(4096), limit: Some(backlog as u32) }));
    }

    pub(crate) fn knobs(&mut self, backlog: i32, accept_rate: AcceptRate, half_open: f64) {
        self.emit(&Event::Knobs(Box::new(Knobs {
            backlog,
            rate: 8.0,
            arrivals: Arrivals::Wave { size: 18, period: Duration::from_secs(6) },
            accept_rate,
            half_open,
            rtt: RTT,
            service: Duration::from_millis(300),
            ..Knobs::quiet()
        })));
    }

    /// From now on a final ACK that meets a full queue is answered with RST.
    pub(crate) fn abort_on_overflow(&mut self) {
        self.abort = true;
        self.emit(&Event::Sysctl { name: Sysctl::AbortOnOverflow, value: 1 });
    }

    /// Clients `ids`, one every `gap`, from `first` on; a `silent` one never sends its final ACK.
    pub(crate) fn clients(&mut self, ids: std::ops::Range<u32>, first: Stamp, gap: Duration, silent: bool) {
        for (index, id) in ids.enumerate() {
            self.plan(first + gap * index as u32, Step::Start { id, silent });
        }
    }

    /// `count` calls of `accept()`, one every `gap`, from `first` on.
    pub(crate) fn accepts(&mut self, count: u32, first: Stamp, gap: Duration) {
        for index in 0..count {
            self.plan(first + gap * index, Step::Accept);
        }
    }

    /// Lets time pass up to `until`.
    pub(crate) fn run(&mut self, until: Stamp) {
        while let Some(((at, _), step)) = self.due.first_key_value().map(|(key, step)| (*key, *step))
            && at <= until
        {
            self.due.pop_first();
            self.now = at;
            self.step(step);
        }
        self.now = until;
    }

    /// Has the counters read, as a kernel would have counted.
    pub(crate) fn read_counters(&mut self) {
        let mut moved: BTreeMap<_, _> = self.world.ledger.expected().into_iter().collect();
        moved.insert(Counter::PassiveOpens, self.world.clients.accepted);
        moved.insert(Counter::TCPSynRetrans, self.world.ledger.kernel_drops());
        self.emit(&Event::Counters(Box::new(counters(&moved))));
    }

    fn plan(&mut self, at: Stamp, step: Step) {
        self.count += 1;
        self.due.insert((at, self.count), step);
    }

    fn client_event(&mut self, id: u32, life: ClientEvent) {
        self.emit(&Event::Client { id, peer: peer(id), event: life });
    }

    fn step(&mut self, step: Step) {
        let (now, half) = (self.now, RTT / 2);
        match step {
            Step::Tick => self.emit(&Event::Tick),
            Step::Start { id, silent } => {
                if silent {
                    self.silent.push(id);
                }
                self.client_event(id, ClientEvent::Started { half_open: silent });
                self.plan(now, Step::SynLeaves { id, attempt: 1 });
            }
            Step::SynLeaves { id, attempt } => {
                self.client_event(id, ClientEvent::Departed { kind: Kind::Syn, attempt, arrives: now + half });
                self.client_event(id, ClientEvent::WillRetry { at: now + Duration::from_secs(1), gives_up: false });
                self.plan(now + half, Step::SynArrives { id, attempt });
            }
            Step::SynArrives { id, attempt } => self.syn_arrives(id, attempt),
            Step::SynAckArrives { id } if self.silent.contains(&id) => self.client_event(id, ClientEvent::Vanished),
            Step::SynAckArrives { id } => {
                self.client_event(id, ClientEvent::Connected);
                self.client_event(id, ClientEvent::Departed { kind: Kind::Ack, attempt: 1, arrives: now + half });
                self.plan(now + half, Step::AckArrives { id });
            }
            Step::AckArrives { id } => self.ack_arrives(id),
            Step::Accept => {
                let Some(id) = self.accept_queue.pop_front() else { return };
                self.emit(&Event::Served {
                    peer: peer(id),
                    event: ServerEvent::Accepted { waited_ms: None, cookie: None },
                });
                self.plan(now + Duration::from_millis(300), Step::Close { id });
            }
            Step::Close { id } => {
                self.emit(&Event::Served { peer: peer(id), event: ServerEvent::Closed });
                self.client_event(id, ClientEvent::Finished);
            }
        }
    }

    fn syn_arrives(&mut self, id: u32, attempt: u8) {
        self.pass_by(segment(id, Toward::Listener, flags::SYN, false));
        let full = self.syn_queue.len() > self.limit;
        if self.accept_queue.len() > self.limit || (full && self.cookies == 0) {
            self.plan(self.now + Duration::from_millis(800), Step::SynLeaves { id, attempt: attempt + 1 });
            return;
        }
        let cookie = full || self.cookies == 2;
        self.pass_by(segment(id, Toward::Client, flags::SYN | flags::ACK, cookie));
        if !cookie {
            self.syn_queue.push(id);
        }
        self.plan(self.now + RTT / 2, Step::SynAckArrives { id });
    }

    fn ack_arrives(&mut self, id: u32) {
        self.pass_by(segment(id, Toward::Listener, flags::ACK, false));
        if self.accept_queue.len() <= self.limit {
            self.syn_queue.retain(|other| *other != id);
            self.accept_queue.push_back(id);
        } else if self.abort {
            self.syn_queue.retain(|other| *other != id);
            self.pass_by(segment(id, Toward::Client, flags::RST, false));
            self.client_event(id, ClientEvent::Reset);
        }
    }
}

fn counters(moved: &BTreeMap<Counter, u64>) -> Counters {
    let mut counters = Counters::default();
    for counter in Counter::ALL {
        counters.set(counter, 100 + moved.get(&counter).copied().unwrap_or(0));
    }
    counters
}
