//! A machine with a dozen listeners, told in the events of a watch.

use std::net::SocketAddr;

use qviz::fold::world::World;
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::{Began, Environment, Event};
use qviz::model::sample::{HalfOpen, Listed, QueueReading, Waiting};
use qviz::model::settings::{ClientKind, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;
use qviz::model::watch::{
    Address, ListenerId, ListenerReading, ListenerSnapshot, Owner, OwnerScope, QueueOccupants, Rights, SynCounts,
    Target, Watching,
};

/// A watched machine.
pub(crate) struct Machine {
    pub(crate) world: World,
    pub(crate) now: Stamp,
    tap: bool,
}

pub(crate) fn ms(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

pub(crate) fn sysctls() -> Sysctls {
    let mut sysctls = Sysctls::default();
    for (sysctl, value) in Sysctl::ALL.into_iter().zip([4096, 1, 0, 1024, 5, 6, 4, 0, 65_536]) {
        sysctls.set(sysctl, value);
    }
    sysctls
}

pub(crate) fn reading(id: u64, address: &str, depth: u32, limit: u32) -> ListenerReading {
    let tcp = address.parse::<SocketAddr>().ok();
    let drops = tcp.map(|_| 100);
    ListenerReading {
        id: ListenerId(id),
        v6_only: tcp.filter(SocketAddr::is_ipv6).map(|_| false),
        address: tcp.map_or_else(|| Address::Unix(address.into()), Address::Tcp),
        queue: QueueReading { depth: Some(depth), limit: Some(limit), drops },
        inode: 40_000 + id,
        uid: tcp.map(|_| if id == 9 { 0 } else { 1000 }),
    }
}

impl Machine {
    pub(crate) fn new(tap: bool, target: Option<Target>) -> Self {
        let refused = |why: &str| Some(why.into());
        let rights = if tap {
            Rights { tap: true, tap_refused: None, owners: OwnerScope::All, owners_refused: None }
        } else {
            Rights {
                tap: false,
                tap_refused: refused("no CAP_NET_RAW: sudo qviz watch"),
                owners: OwnerScope::Own,
                owners_refused: refused("not root: sudo qviz watch"),
            }
        };
        let mut machine = Self { world: World::new(), now: ms(0), tap };
        machine.emit(&Event::Watching(Box::new(Watching {
            kernel: "6.18.44".into(),
            pid: 4242,
            rights,
            netns: None,
            target,
            sysctls: sysctls(),
        })));
        machine.count(0);
        machine
    }

    pub(crate) fn emit(&mut self, event: &Event) {
        self.world.apply(self.now, event);
    }

    pub(crate) fn snapshot(&mut self, changed: Vec<ListenerReading>) {
        self.emit(&Event::Snapshot(Box::new(ListenerSnapshot { changed, gone: Vec::new() })));
    }

    pub(crate) fn gone(&mut self, id: u64) {
        self.emit(&Event::Snapshot(Box::new(ListenerSnapshot { changed: Vec::new(), gone: vec![ListenerId(id)] })));
    }

    pub(crate) fn owned(&mut self, id: u64, pid: u32, command: &str, (others, place): (u32, Option<&str>)) {
        let owner = Owner { pid, command: command.into(), others, place: place.map(str::to_owned) };
        self.emit(&Event::Owned { id: ListenerId(id), owner: Some(owner) });
    }

    pub(crate) fn crowded(&mut self, id: u64, half_open: u32, oldest_wait_ms: Option<u32>) {
        let crowding = QueueOccupants { half_open: Some(half_open), oldest_wait_ms };
        self.emit(&Event::Occupants { id: ListenerId(id), occupants: crowding });
    }

    pub(crate) fn dropped(&mut self, mut reading: ListenerReading, drops: u32) {
        reading.queue.drops = Some(100 + drops);
        self.snapshot(vec![reading]);
    }

    pub(crate) fn count(&mut self, drops: u64) {
        let mut counters = Counters::default();
        for counter in Counter::ALL {
            let moved = matches!(counter, Counter::ListenDrops | Counter::ListenOverflows);
            counters.set(counter, 7000 + if moved { drops } else { 0 });
        }
        self.emit(&Event::Counters(Box::new(counters)));
    }

    /// Lets time pass: everything is read once more, nothing has changed.
    pub(crate) fn pass(&mut self, until: Stamp) {
        while self.now < until {
            self.now = (self.now + std::time::Duration::from_millis(50)).min(until);
            self.emit(&Event::Tick);
        }
    }

    /// A machine of a dozen listeners at 12 s: a stalled python, an nginx with one stopped worker, everybody else at ease.
    pub(crate) fn busy(tap: bool, target: Option<Target>) -> Self {
        let mut machine = Self::new(tap, target);
        machine.snapshot(vec![
            reading(1, "0.0.0.0:8000", 0, 5),
            reading(2, "0.0.0.0:80", 0, 511),
            reading(3, "0.0.0.0:80", 511, 511),
            reading(4, "0.0.0.0:80", 2, 511),
            reading(5, "0.0.0.0:80", 0, 511),
            reading(6, "127.0.0.1:6379", 1, 511),
            reading(7, "[::]:3000", 0, 511),
            reading(8, "127.0.0.1:5432", 0, 200),
            reading(9, "[::1]:631", 0, 128),
            reading(10, "/run/php/php8.3-fpm.sock", 12, 511),
            reading(11, "/run/user/1000/some/very/long/directory/under/it/bus", 0, 4096),
            reading(12, "127.0.0.1:9000", 9, 5),
            reading(13, "198.51.100.20:8443", 4000, 4096),
            reading(14, "@/tmp/.X11-unix/X0", 0, 128),
        ]);
        for (id, pid, command) in [(2, 711, "nginx"), (3, 712, "nginx"), (4, 713, "nginx"), (5, 714, "nginx")] {
            machine.owned(id, pid, command, (0, Some("nginx.service")));
        }
        machine.owned(1, 1234, "python3", (0, Some("session-3.scope")));
        machine.owned(6, 801, "redis-server", (0, Some("docker 3f2a91bc07de")));
        machine.owned(7, 2001, "node", (0, Some("user@1000.service/app.slice/shop")));
        machine.owned(8, 901, "postgres", (7, Some("postgresql@16-main.service")));
        machine.owned(10, 650, "php-fpm8.3", (12, Some("php8.3-fpm.service")));
        machine.owned(12, 3001, "日本語サーバー", (0, Some("テスト.service")));
        machine.owned(13, 3100, "java", (0, Some("kubepods pod1234-5678-90ab-cdef payments-7d9f")));
        machine.pass(ms(4000));
        machine.snapshot(vec![reading(1, "0.0.0.0:8000", 6, 5)]);
        machine.pass(ms(11_500));
        machine.dropped(reading(1, "0.0.0.0:8000", 6, 5), 14);
        machine.dropped(reading(3, "0.0.0.0:80", 512, 511), 230);
        machine.count(240);
        machine.crowded(1, 2, Some(6900));
        for id in 2..=5 {
            machine.crowded(id, 12, (id == 3).then_some(3100));
        }
        machine.crowded(6, 0, Some(2));
        machine.crowded(12, 0, Some(45_000));
        machine.crowded(13, 310, Some(900));
        if tap {
            let knocks = [(1, 20, 14), (2, 800, 230), (6, 40, 0), (13, 9000, 0)];
            let knocks = knocks.map(|(id, syns, again)| SynCounts { id: ListenerId(id), syns, again });
            machine.emit(&Event::SynsSeen(knocks.to_vec()));
        }
        machine.gone(14);
        machine.pass(ms(12_000));
        machine
    }

    /// Everything about one listener is told from now on.
    pub(crate) fn choose(&mut self, reading: &ListenerReading) {
        self.emit(&Event::Chosen(Some(reading.id)));
        let Address::Tcp(address) = reading.address else { return };
        self.emit(&Event::Began(Box::new(Began {
            syn_rule: None,
            kernel: "6.18.44".into(),
            environment: Environment::Host,
            fallback: None,
            pid: 4242,
            seed: 0,
            clients: ClientKind::Connect,
            address,
            tap: self.tap,
            private_counters: false,
            watched: true,
            host: sysctls(),
            sysctls: sysctls(),
        })));
        let known = self.world.listeners.by_id.get(&reading.id).map_or(reading.queue, |one| one.reading.queue);
        self.emit(&Event::Queue(known));
    }

    /// The chosen listener's queue is read, and is as it was.
    pub(crate) fn read(&mut self, id: u64) {
        let queue = self.world.listeners.by_id[&ListenerId(id)].reading.queue;
        self.emit(&Event::Queue(queue));
    }

    /// So many wait, the oldest for `oldest_ms`; some have sent something, one has closed. So many are half-open.
    pub(crate) fn listed(&mut self, waiting: u16, oldest_ms: u32, half_open: u16) {
        let peer = |port: u16| SocketAddr::from(([203, 0, 113, (port % 200) as u8], port)).into();
        let waiting = (0..waiting).map(|index| Waiting {
            peer: peer(40_001 + index * 7),
            age_ms: Some(oldest_ms.saturating_sub(u32::from(index) * 1250)),
            bytes: if index % 2 == 0 { 78 } else { 0 },
            closed: index == 1,
            cookie: index.into(),
        });
        let half_open = (0..half_open).map(|index| HalfOpen {
            peer: peer(50_001 + index * 3),
            retransmits: (index % 4) as u8,
            next_ms: 800 + u32::from(index) * 100,
            cookie: 1000 + u64::from(index),
        });
        let listed = Listed { half_open: Some(half_open.collect()), waiting: Some(waiting.collect()) };
        self.emit(&Event::Listed(Box::new(listed)));
    }
}
