//! Packet-level clients against a real listener, each test in a private network, as an ordinary user.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use qviz::kernel::tap::{Tap, TapPlan};
use qviz::lab::crowd::{Crowd, CrowdPlan, Outbox};
use qviz::lab::namespace::{Namespace, NetworkPlan, Refusal};
use qviz::lab::wire::machine::{Client, ClientBehaviour, ClientStart, Rules, SynSchedule};
use qviz::lab::wire::transmit::Transmit;
use qviz::model::event::{ClientEvent, Event};
use qviz::model::peer::Peer;
use qviz::model::segment::{Kind, Segment, Toward};
use qviz::model::settings::{Arrivals, Knobs, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;
use qviz::session::clock::Clock;
use socket2::{Domain, Socket, Type};

use crate::needs::Missing;
use crate::who::Who;

/// A lab with one listener, its clients, and what was seen.
struct World {
    _lab: Namespace,
    clock: Clock,
    listener: Option<TcpListener>,
    accepting: bool,
    open: Vec<TcpStream>,
    tap: Tap,
    crowd: Crowd,
    transmit: Transmit,
    outbox: Outbox,
    lives: BTreeMap<u32, Vec<(Stamp, ClientEvent)>>,
    seen: Vec<(Stamp, Segment)>,
}

struct Setting {
    listen: &'static str,
    backlog: Option<i32>,
    knobs: Knobs,
    sysctls: &'static [(Sysctl, i64)],
    manner: ClientBehaviour,
}

impl Default for Setting {
    fn default() -> Self {
        let knobs = Knobs {
            backlog: 128,
            arrivals: Arrivals::Burst { size: 40, period: Duration::from_secs(3600) },
            rtt: Duration::from_millis(10),
            jitter: Duration::from_millis(5),
            ..Knobs::quiet()
        };
        Self {
            listen: "198.51.100.1:8080",
            backlog: Some(128),
            knobs,
            sysctls: &[],
            manner: ClientBehaviour::default(),
        }
    }
}

impl World {
    fn new(setting: Setting) -> Result<Self, Missing> {
        let mut host = Sysctls::default();
        for (sysctl, value) in [(Sysctl::Somaxconn, 4096), (Sysctl::Syncookies, 1), (Sysctl::MaxSynBacklog, 1024)] {
            host.set(sysctl, value);
        }
        let mut plan = NetworkPlan::like_host(host);
        for (sysctl, value) in setting.sysctls {
            plan.overrides.set(*sysctl, *value);
        }
        let refused =
            |refusal: Refusal| Missing::because("a private network", format!("{refusal}; try: {}", refusal.hint()));
        let lab = Namespace::enter(&plan).map_err(refused)?;
        let address: SocketAddr = setting.listen.parse().unwrap();
        let listener = setting.backlog.map(|backlog| listen(address, backlog));
        let tap = Tap::open(&TapPlan::new(lab.network().server.far.index, address.port())).unwrap();
        let crowd = Crowd::new(CrowdPlan {
            listener: address,
            seed: 7,
            knobs: setting.knobs,
            sysctls: plan.overrides,
            count: None,
            turns: 0,
            detail_per_s: u32::MAX,
        })
        .with_behaviour(setting.manner);
        let transmit = Transmit::open(&lab.token(), address).unwrap();
        Ok(Self {
            _lab: lab,
            clock: Clock::start(),
            listener,
            accepting: true,
            open: Vec::new(),
            tap,
            crowd,
            transmit,
            outbox: Outbox::default(),
            lives: BTreeMap::new(),
            seen: Vec::new(),
        })
    }

    /// Lets everybody act until `done`, or panics after `seconds`.
    fn run_until(&mut self, what: &str, seconds: u64, done: impl Fn(&Self) -> bool) {
        let end = self.clock.now() + Duration::from_secs(seconds);
        while !done(self) {
            assert!(self.clock.now() < end, "{what}: not within {seconds} s; {:?}", self.lives);
            self.turn();
            Clock::pause(Duration::from_micros(200));
        }
    }

    fn turn(&mut self) {
        let now = self.clock.now();
        self.crowd.tick(now, &mut self.outbox);
        let (crowd, outbox, seen) = (&mut self.crowd, &mut self.outbox, &mut self.seen);
        self.tap.drain(|_, segment| {
            seen.push((now, segment));
            crowd.receive(now, &segment, outbox);
        });
        for segment in self.outbox.send.drain(..) {
            self.transmit.send(&segment).unwrap();
        }
        for fact in self.outbox.facts.drain(..) {
            if let Event::Client { id, event: life, .. } = fact.event {
                self.lives.entry(id).or_default().push((fact.at, life));
            }
        }
        self.serve();
    }

    /// Accepts, reads a request, closes.
    fn serve(&mut self) {
        while let Some(listener) = self.listener.as_ref().filter(|_| self.accepting) {
            let Ok((stream, _)) = listener.accept() else { break };
            stream.set_nonblocking(true).unwrap();
            self.open.push(stream);
        }
        self.open.retain_mut(|stream| {
            let outcome = stream.read(&mut [0; 100]);
            matches!(outcome, Err(error) if error.kind() == ErrorKind::WouldBlock)
        });
    }

    fn with(&self, wanted: ClientEvent) -> usize {
        self.lives.values().filter(|life| life.iter().any(|(_, turn)| *turn == wanted)).count()
    }

    fn passed(&self, kind: Kind, toward: Toward) -> usize {
        self.seen.iter().filter(|(_, segment)| segment.kind() == kind && segment.toward == toward).count()
    }
}

fn listen(address: SocketAddr, backlog: i32) -> TcpListener {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.bind(&address.into()).unwrap();
    socket.listen(backlog).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.into()
}

case!(clients_of_both_families_are_served_and_finish, as Who::User);
fn clients_of_both_families_are_served_and_finish() -> Result<(), Missing> {
    let mut world = World::new(Setting { listen: "[::]:8080", ..Setting::default() })?;
    world.run_until("all finish", 20, |world| world.with(ClientEvent::Finished) == 40);
    let v4 = world.seen.iter().filter(|(_, segment)| segment.kind() == Kind::Syn && segment.peer.is_ipv4()).count();
    assert_eq!((v4, world.passed(Kind::Syn, Toward::Listener)), (20, 40));
    assert_eq!(world.passed(Kind::Rst, Toward::Client) + world.passed(Kind::Rst, Toward::Listener), 0);
    assert!(world.crowd.live() == 0 && world.open.is_empty());
    Ok(())
}

case!(clients_with_a_lossy_network_are_all_served_in_the_end, as Who::User);
fn clients_with_a_lossy_network_are_all_served_in_the_end() -> Result<(), Missing> {
    let mut setting = Setting::default();
    setting.knobs.loss = 0.2;
    let mut world = World::new(setting)?;
    world.run_until("all end", 60, |world| world.crowd.started() == 40 && world.crowd.live() == 0);
    assert_eq!(world.with(ClientEvent::Finished), 40, "{:?}", world.lives);
    assert!(world.passed(Kind::Syn, Toward::Listener) > 0);
    Ok(())
}

case!(a_port_without_listener_refuses, as Who::User);
fn a_port_without_listener_refuses() -> Result<(), Missing> {
    let mut world = World::new(Setting { backlog: None, ..Setting::default() })?;
    world.run_until("all are refused", 20, |world| world.with(ClientEvent::Refused) == 40);
    assert_eq!(world.crowd.live(), 0);
    Ok(())
}

case!(half_open_clients_leave_their_requests_to_the_kernel, as Who::User);
fn half_open_clients_leave_their_requests_to_the_kernel() -> Result<(), Missing> {
    let mut setting = Setting::default();
    setting.knobs.half_open = 1.0;
    let mut world = World::new(setting)?;
    world.run_until("all vanish", 20, |world| world.with(ClientEvent::Vanished) == 40);
    world.run_until("the kernel repeats its SYN-ACKs", 20, |world| world.passed(Kind::SynAck, Toward::Client) >= 80);
    assert_eq!(world.passed(Kind::Ack, Toward::Listener) + world.passed(Kind::Rst, Toward::Listener), 0);
    Ok(())
}

case!(a_full_accept_queue_holds_backlog_plus_one_and_the_next_client_is_not_answered, as Who::User);
fn a_full_accept_queue_holds_backlog_plus_one_and_the_next_client_is_not_answered() -> Result<(), Missing> {
    let mut setting = Setting { backlog: Some(2), ..Setting::default() };
    setting.knobs.arrivals = Arrivals::Steady;
    setting.knobs.rate = 20.0;
    let mut world = World::new(setting)?;
    world.accepting = false;
    world.run_until("three are in", 10, |world| world.with(ClientEvent::Connected) == 3);
    world.run_until("others retry", 10, |world| {
        let again =
            |turn: &(Stamp, ClientEvent)| matches!(turn.1, ClientEvent::Departed { kind: Kind::Syn, attempt: 2, .. });
        world.lives.values().filter(|life| life.iter().any(again)).count() > 3
    });
    assert_eq!(world.with(ClientEvent::Connected), 3);
    world.crowd.stop();
    world.accepting = true;
    world.run_until("all are served at last", 60, |world| world.crowd.live() == 0);
    assert_eq!(world.with(ClientEvent::Finished) as u64, world.crowd.started());
    Ok(())
}

case!(a_client_whose_ack_was_lost_is_recognised_by_its_cookie_from_the_request_alone, as Who::User);
fn a_client_whose_ack_was_lost_is_recognised_by_its_cookie_from_the_request_alone() -> Result<(), Missing> {
    let always = &[(Sysctl::Syncookies, 2)];
    let mut setting = Setting { sysctls: always, ..Setting::default() };
    setting.knobs.arrivals = Arrivals::Steady;
    let mut world = World::new(setting)?;
    let rules = Rules { schedule: SynSchedule::new(6, 4), behaviour: ClientBehaviour::default() };
    let peer = Peer::new("198.18.0.9".parse().unwrap(), 40_000);
    let birth = ClientStart { isn: u32::MAX, request: 30, half_open: false };
    let (mut client, step) = Client::start(world.clock.now(), birth, &rules);
    world.transmit.send(&step.sends[0].unwrap().sent_by(peer)).unwrap();
    world.run_until("the SYN is answered", 5, |world| world.passed(Kind::SynAck, Toward::Client) == 1);
    let syn_ack = world.seen.iter().find(|(_, segment)| segment.kind() == Kind::SynAck).unwrap().1;
    assert!(!syn_ack.window_scale, "a cookie does not remember the window scale");
    let step = client.handle_segment(world.clock.now(), &syn_ack, &rules);
    assert_eq!(step.event, Some(ClientEvent::Connected), "the ACK and the request of this step are lost");
    let again = client.handle_timeout(client.deadline().unwrap(), &rules);
    world.transmit.send(&again.sends[0].unwrap().sent_by(peer)).unwrap();
    world.run_until("the server answers and closes", 5, |world| world.passed(Kind::Fin, Toward::Client) == 1);
    Ok(())
}

case!(the_kernel_sees_every_try_of_a_syn_at_the_moment_that_was_told, as Who::User);
fn the_kernel_sees_every_try_of_a_syn_at_the_moment_that_was_told() -> Result<(), Missing> {
    let mut setting = Setting { backlog: Some(0), ..Setting::default() };
    setting.knobs.arrivals = Arrivals::Steady;
    setting.knobs.rate = 10.0;
    let mut world = World::new(setting)?;
    world.accepting = false;
    world.run_until("many tries", 20, |world| world.passed(Kind::Syn, Toward::Listener) >= 30);
    let mut told = BTreeMap::<u32, Vec<Stamp>>::new();
    for (id, life) in &world.lives {
        for (_, turn) in life {
            if let ClientEvent::Departed { kind: Kind::Syn, arrives, .. } = turn {
                told.entry(*id).or_default().push(*arrives);
            }
        }
    }
    let mut told: Vec<Stamp> = told.into_values().flatten().collect();
    told.sort_unstable();
    let seen = world.seen.iter().filter(|(_, segment)| segment.kind() == Kind::Syn).map(|(at, _)| *at);
    for (told, seen) in told.into_iter().zip(seen) {
        assert!(seen >= told, "a SYN came before its time: {seen} < {told}");
    }
    Ok(())
}
