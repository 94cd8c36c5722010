//! What holds for every crowd, whatever its network, its seed and its listener: tried against a listener in memory.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a broken expectation is a failed test")]

#[path = "wire_properties/fake_server.rs"]
mod fake_server;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fake_server::{FakeServer, Policy};
use proptest::prelude::*;
use qviz::lab::crowd::{Crowd, CrowdPlan, Outbox};
use qviz::lab::wire::machine::{ClientBehaviour, Close};
use qviz::model::event::{ClientEvent, Event, Stamped};
use qviz::model::peer::Peer;
use qviz::model::segment::{Kind, Segment};
use qviz::model::settings::{Arrivals, Knobs, Sysctls};
use qviz::model::stamp::Stamp;

use crate::seeds::Seeds;

#[derive(Clone, Debug)]
struct World {
    plan: CrowdPlan,
    manner: ClientBehaviour,
}

/// What came out of a run.
#[derive(Debug, PartialEq)]
struct Run {
    facts: Vec<Stamped>,
    sent: Vec<(Stamp, Segment)>,
    over: bool,
}

fn policy(peer: &Peer) -> Policy {
    match peer.port() % 16 {
        0 => Policy::Refuse,
        1 => Policy::Silence,
        2 => Policy::Reset,
        _ => Policy::Serve,
    }
}

/// Runs a crowd to its end, or for an hour of its own time. After each call the books must balance.
fn run(world: &World) -> Run {
    let mut crowd = Crowd::new(world.plan.clone()).with_behaviour(world.manner);
    let mut server = FakeServer::new(policy);
    let mut outbox = Outbox::default();
    let mut result = Run { facts: Vec::new(), sent: Vec::new(), over: false };
    let (mut now, mut again) = (Stamp::ZERO, Stamp::from_millis(1000));
    while now == Stamp::ZERO
        || (now < Stamp::from_millis(3_600_000) && (crowd.next_deadline().is_some() || crowd.live() > 0))
    {
        crowd.tick(now, &mut outbox);
        let mut answers = Vec::new();
        if now >= again {
            server.retransmit(&mut answers);
            again = now + Duration::from_secs(10);
        }
        loop {
            for segment in outbox.send.drain(..) {
                result.sent.push((now, segment));
                server.receive(&segment, &mut answers);
            }
            if answers.is_empty() {
                break;
            }
            for answer in answers.drain(..) {
                crowd.receive(now, &answer, &mut outbox);
            }
        }
        result.facts.append(&mut outbox.facts);
        let ended =
            result.facts.iter().filter(|fact| matches!(fact.event, Event::Client { event, .. } if is_end(event)));
        assert_eq!(crowd.started(), (ended.count() + crowd.live()) as u64, "started = ended + living");
        now = crowd.next_deadline().map_or(again, |next| next.min(again)).max(now);
    }
    result.over = crowd.next_deadline().is_none() && crowd.live() == 0;
    result
}

fn is_end(life: ClientEvent) -> bool {
    matches!(
        life,
        ClientEvent::Finished
            | ClientEvent::Refused
            | ClientEvent::Reset
            | ClientEvent::TimedOut
            | ClientEvent::Vanished
    )
}

fn client_events(run: &Run) -> BTreeMap<u32, Vec<ClientEvent>> {
    let mut lives = BTreeMap::<u32, Vec<ClientEvent>>::new();
    for fact in &run.facts {
        if let Event::Client { id, event: life, .. } = fact.event {
            lives.entry(id).or_default().push(life);
        }
    }
    lives
}

/// What left a client for the listener and was not lost: when it arrives, and what it is.
fn departures(run: &Run) -> BTreeMap<Peer, VecDeque<(Stamp, Kind)>> {
    let mut under_way = BTreeMap::<Peer, VecDeque<(Stamp, Kind)>>::new();
    for fact in &run.facts {
        match fact.event {
            Event::Client { peer, event: ClientEvent::Departed { kind, arrives, .. }, .. } => {
                under_way.entry(peer).or_default().push_back((arrives, kind));
            }
            Event::Client { peer, event: ClientEvent::Lost { outbound: true, .. }, .. } => {
                under_way.get_mut(&peer).and_then(VecDeque::pop_back).expect("only what departed can be lost");
            }
            _ => {}
        }
    }
    under_way
}

fn world() -> impl Strategy<Value = World> {
    let network = (
        prop_oneof![Just(0.0), 0.0..0.6f64, Just(1.0)],
        prop_oneof![Just(0), 0..400_000u64],
        prop_oneof![Just(0), 0..500_000u64],
        prop_oneof![Just(0.0), 0.0..1.0f64],
    );
    let arrivals = prop_oneof![
        Just(Arrivals::Steady),
        Just(Arrivals::Poisson),
        (1..40u32).prop_map(|size| Arrivals::Burst { size, period: Duration::from_secs(3) }),
        (1..40u32).prop_map(|size| Arrivals::Wave { size, period: Duration::from_secs(3) }),
    ];
    let listener = prop_oneof![Just("198.51.100.1:8080"), Just("[2001:db8::1]:8080"), Just("[::]:8080")];
    let manner = (prop_oneof![Just(0), 0..2000u64], any::<bool>()).prop_map(|(think, first)| ClientBehaviour {
        think: Duration::from_millis(think),
        close: if first { Close::First } else { Close::AfterServer },
    });
    (any::<u64>(), network, arrivals, listener, manner, 1..60u64).prop_map(
        |(seed, (loss, rtt, jitter, half_open), arrivals, listener, manner, count)| {
            let knobs = Knobs {
                half_open,
                loss,
                arrivals,
                rtt: Duration::from_micros(rtt),
                jitter: Duration::from_micros(jitter),
                ..quiet_knobs()
            };
            let plan = CrowdPlan {
                listener: listener.parse().unwrap(),
                seed,
                knobs,
                sysctls: Sysctls::default(),
                count: Some(count),
                turns: 0,
                detail_per_s: u32::MAX,
            };
            World { plan, manner }
        },
    )
}

fn quiet_knobs() -> Knobs {
    Knobs { rate: 20.0, ..Knobs::quiet() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(Seeds::cases()))]

    #[test]
    fn every_client_starts_once_and_ends_in_exactly_one_way(world in world()) {
        let run = run(&world);
        prop_assert!(run.over, "somebody never ends");
        let lives = client_events(&run);
        prop_assert_eq!(lives.len() as u64, world.plan.count.unwrap());
        for (id, life) in lives {
            prop_assert!(matches!(life[0], ClientEvent::Started { .. }), "{} {:?}", id, life);
            prop_assert!(is_end(*life.last().unwrap()), "{} {:?}", id, life);
            prop_assert_eq!(life.iter().filter(|turn| is_end(**turn)).count(), 1);
            prop_assert_eq!(life.iter().filter(|turn| matches!(turn, ClientEvent::Started { .. })).count(), 1);
        }
    }

    #[test]
    fn the_end_fits_the_life(world in world()) {
        for life in client_events(&run(&world)).into_values() {
            let connected = life.contains(&ClientEvent::Connected);
            let half_open = life[0] == ClientEvent::Started { half_open: true };
            match life.last().unwrap() {
                ClientEvent::Finished | ClientEvent::Reset => prop_assert!(connected && !half_open),
                ClientEvent::Refused => prop_assert!(!connected),
                ClientEvent::Vanished => prop_assert!(!connected && half_open),
                _ => {}
            }
            prop_assert!(!(half_open && connected), "a half-open client never acknowledges");
        }
    }

    #[test]
    fn nobody_sends_anything_but_a_syn_or_a_reset_before_being_connected(world in world()) {
        for life in client_events(&run(&world)).into_values() {
            for turn in life.iter().take_while(|turn| **turn != ClientEvent::Connected) {
                let early = matches!(turn, ClientEvent::Departed { kind: Kind::Ack | Kind::Data | Kind::Fin, .. });
                prop_assert!(!early, "{:?}", life);
            }
        }
    }

    #[test]
    fn every_segment_that_departs_and_is_not_lost_arrives_in_order_and_when_it_was_told(world in world()) {
        let run = run(&world);
        let mut under_way = departures(&run);
        for (at, segment) in &run.sent {
            let Some(queue) = under_way.get_mut(&segment.peer) else { continue };
            match queue.front() {
                Some((arrives, kind)) if *kind == segment.kind() && arrives == at => { queue.pop_front(); }
                // The answer to a repeated FIN of the server comes from nobody any more.
                _ => prop_assert_eq!(segment.kind(), Kind::Ack),
            }
        }
        prop_assert!(under_way.values().all(VecDeque::is_empty), "something never arrived");
    }

    #[test]
    fn the_same_seed_gives_the_same_run(world in world()) {
        prop_assert_eq!(run(&world), run(&world));
    }

    #[test]
    fn another_seed_gives_other_clients(mut world in world()) {
        world.plan.knobs.loss = 0.0;
        let first_isn = |world: &World| run(world).sent[0].1.seq;
        let isn = first_isn(&world);
        world.plan.seed ^= 1;
        prop_assert_ne!(isn, first_isn(&world));
    }

    #[test]
    fn facts_never_go_back_in_time(world in world()) {
        let run = run(&world);
        prop_assert!(run.facts.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }

    #[test]
    fn a_lossless_network_loses_nothing_and_a_dead_one_everything(mut world in world()) {
        let told = |run: &Run, wanted: fn(&ClientEvent) -> bool| client_events(run).into_values().flatten().filter(wanted).count();
        world.plan.knobs.loss = 0.0;
        prop_assert_eq!(told(&run(&world), |turn| matches!(turn, ClientEvent::Lost { .. })), 0);
        world.plan.knobs.loss = 1.0;
        let dead = run(&world);
        prop_assert!(dead.sent.is_empty());
        prop_assert_eq!(told(&dead, |turn| *turn == ClientEvent::TimedOut) as u64, world.plan.count.unwrap());
    }
}
