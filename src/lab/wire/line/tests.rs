use std::net::Ipv4Addr;

use super::*;
use crate::model::segment::flags;

const fn at(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

fn knobs(rtt_ms: u64, loss: f64) -> Knobs {
    Knobs { loss, rtt: Duration::from_millis(rtt_ms), ..Knobs::quiet() }
}

fn peer(port: u16) -> Peer {
    Peer::v4(Ipv4Addr::new(198, 18, 0, 1), port)
}

fn segment(port: u16, flags: u8, toward: Toward) -> Segment {
    let (window_scale, timestamps) = (true, true);
    Segment { peer: peer(port), toward, flags, seq: 1, ack: 1, payload: 0, window_scale, timestamps }
}

/// A line with the clients 1 to 3, and what it reported.
struct Bench {
    line: Line,
    facts: Vec<Stamped>,
}

impl Bench {
    fn new(rtt_ms: u64, loss: f64) -> Self {
        let mut line = Line::new(1, knobs(rtt_ms, loss), Sysctls::default(), 100);
        (1..4).for_each(|port| line.learn(at(0), u32::from(port), peer(port)));
        Self { line, facts: Vec::new() }
    }

    fn take(&mut self, now: u64, port: u16, flags: u8, toward: Toward) -> Passage {
        let frame = [port as u8; 60];
        self.line.take(at(now), (&frame, Some(segment(port, flags, toward))), toward, &mut self.facts)
    }

    /// Whose frames arrive up to `now`, by the first byte.
    fn arrived(&mut self, now: u64) -> Vec<u8> {
        let mut arrived = Vec::new();
        self.line.tick(at(now), &mut self.facts, &mut arrived);
        arrived.iter().map(|carried| carried.frame[0]).collect()
    }

    fn command(&mut self, now: u64, command: Command) -> Vec<u8> {
        let mut arrived = Vec::new();
        self.line.command(at(now), &command, &mut self.facts, &mut arrived);
        arrived.iter().map(|carried| carried.frame[0]).collect()
    }

    fn reported(&self, wanted: impl Fn(ClientEvent) -> bool) -> usize {
        let events = self.facts.iter().filter_map(|fact| match fact.event {
            Event::Client { event, .. } => Some(event),
            _ => None,
        });
        events.filter(|event| wanted(*event)).count()
    }
}

#[test]
fn each_way_takes_half_a_round_trip_and_keeps_the_order() {
    let mut bench = Bench::new(100, 0.0);
    assert_eq!(bench.take(0, 1, flags::SYN, Toward::Listener), Passage::NotNow);
    bench.take(10, 2, flags::SYN, Toward::Listener);
    bench.take(10, 3, flags::SYN | flags::ACK, Toward::Client);
    assert_eq!(bench.line.next_deadline(), Some(at(50)));
    assert_eq!((bench.arrived(49), bench.arrived(50), bench.arrived(60)), (vec![], vec![1], vec![2, 3]));
    let departed = |event| matches!(event, ClientEvent::Departed { kind: Kind::Syn, attempt: 1, .. });
    assert_eq!(bench.reported(departed), 2, "what comes from the listener does not depart from a client");
    assert_eq!(bench.reported(|event| matches!(event, ClientEvent::WillRetry { .. })), 2);
}

#[test]
fn without_a_delay_a_frame_is_not_copied() {
    let mut bench = Bench::new(0, 0.0);
    assert_eq!(bench.take(0, 1, flags::SYN, Toward::Listener), Passage::Now);
    assert!(bench.line.next_deadline().is_none() && bench.line.frames.is_empty());
}

#[test]
fn what_is_lost_is_reported_and_never_arrives() {
    let mut bench = Bench::new(10, 1.0);
    bench.take(0, 1, flags::SYN, Toward::Listener);
    bench.take(0, 1, flags::SYN | flags::ACK, Toward::Client);
    assert!(bench.arrived(1_000).is_empty());
    let lost = |wanted| move |event| matches!(event, ClientEvent::Lost { outbound, .. } if outbound == wanted);
    assert_eq!((bench.reported(lost(true)), bench.reported(lost(false))), (1, 1));
}

#[test]
fn the_user_loses_the_segment_under_way_else_the_next_one() {
    let mut bench = Bench::new(100, 0.0);
    bench.take(0, 1, flags::SYN, Toward::Listener);
    bench.take(0, 2, flags::SYN, Toward::Listener);
    bench.command(10, Command::Lose(peer(1)));
    assert_eq!(bench.arrived(60), [2]);
    bench.command(60, Command::Lose(peer(1)));
    bench.take(70, 1, flags::SYN, Toward::Listener);
    bench.take(80, 1, flags::SYN, Toward::Listener);
    assert_eq!(bench.arrived(500), [1], "the first of the two");
    assert_eq!(bench.reported(|event| matches!(event, ClientEvent::Lost { kind: Kind::Syn, outbound: true })), 2);
}

#[test]
fn held_segments_come_in_their_order_when_they_are_let_go() {
    for rtt_ms in [0, 20] {
        let mut bench = Bench::new(rtt_ms, 0.0);
        bench.command(0, Command::Hold(peer(1)));
        for (port, flag) in [(1, flags::SYN), (2, flags::SYN), (1, flags::ACK)] {
            bench.take(0, port, flag, Toward::Listener);
        }
        let through = if rtt_ms == 0 { vec![] } else { vec![2] };
        assert_eq!(bench.arrived(50), through);
        assert_eq!(bench.reported(|event| matches!(event, ClientEvent::Held { outbound: true, .. })), 2);
        bench.command(60, Command::Lose(peer(1)));
        assert_eq!(bench.command(70, Command::Hold(peer(1))), [1], "the held SYN was lost by hand, its ACK goes on");
        assert_eq!(bench.command(80, Command::Hold(peer(2))), Vec::<u8>::new());
    }
}

#[test]
fn while_the_clients_time_is_held_only_steps_move_frames() {
    let mut bench = Bench::new(100, 0.0);
    bench.take(0, 1, flags::SYN, Toward::Listener);
    bench.command(10, Command::Step(StepCommand::Hold));
    bench.take(20, 2, flags::SYN | flags::ACK, Toward::Client);
    assert!(bench.arrived(10_000).is_empty() && bench.line.next_deadline().is_none());
    let mut step = |now| {
        let mut arrived = Vec::new();
        let outcome = bench.line.step(at(now), &mut bench.facts, &mut arrived);
        (outcome, arrived.len())
    };
    assert_eq!(step(20_000), (Some((peer(1), StepOutcome::Reached(Kind::Syn))), 1));
    assert_eq!(step(20_001), (Some((peer(2), StepOutcome::CameBack(Kind::SynAck))), 1));
    assert_eq!(step(20_002), (None, 0));
    assert_eq!(bench.line.clock().clients, at(60), "ten milliseconds had passed when the time was held");
}

#[test]
fn a_stranger_travels_like_anybody_and_leaves_nothing_behind() {
    let mut bench = Bench::new(100, 0.0);
    bench.line.forget(&peer(1));
    assert!(!bench.line.knows(&peer(1)));
    bench.take(0, 1, flags::FIN | flags::ACK, Toward::Listener);
    bench.line.take(at(0), (&[9; 60], None), Toward::Listener, &mut bench.facts);
    assert_eq!(bench.arrived(50), [1, 9]);
    assert_eq!((bench.facts.len(), bench.line.clients.len()), (0, 2));
}
