//! Tests of the crowd; properties of whole runs are in tests/pure/wire_properties.rs.

use super::*;
use crate::model::client_clock::StepOutcome;
use crate::model::event::{ClientEvent, Event, Loss};
use crate::model::segment::{Kind, flags};

fn plan(arrivals: Arrivals, rate: f64, rtt: Duration) -> CrowdPlan {
    let knobs = Knobs { rate, arrivals, rtt, ..Knobs::quiet() };
    let listener = "198.51.100.1:8080".parse().unwrap();
    CrowdPlan { listener, seed: 1, knobs, sysctls: Sysctls::default(), count: None, turns: 0, detail_per_s: 1000 }
}

fn burst(size: u32) -> Arrivals {
    Arrivals::Burst { size, period: Duration::from_secs(3600) }
}

fn ms(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

fn client_events(outbox: &Outbox) -> Vec<ClientEvent> {
    outbox
        .facts
        .iter()
        .filter_map(|fact| if let Event::Client { event: life, .. } = fact.event { Some(life) } else { None })
        .collect()
}

fn losses(outbox: &Outbox) -> Vec<Loss> {
    outbox.facts.iter().filter_map(|fact| if let Event::Loss(loss) = fact.event { Some(loss) } else { None }).collect()
}

fn answer(to: &Segment, flags: u8, seq: u32) -> Segment {
    Segment { toward: Toward::Client, flags, seq, ack: to.end(), payload: 0, ..*to }
}

/// Ticks at `now` until nothing more is due.
fn settle(crowd: &mut Crowd, now: Stamp, out: &mut Outbox) {
    crowd.tick(now, out);
    while crowd.next_deadline().is_some_and(|next| next <= now) {
        crowd.tick(now, out);
    }
}

#[test]
fn a_segment_travels_half_a_round_trip_each_way() {
    let mut crowd = Crowd::new(plan(burst(1), 0.0, Duration::from_millis(100)));
    let mut out = Outbox::default();
    crowd.tick(ms(0), &mut out);
    let departed = ClientEvent::Departed { kind: Kind::Syn, attempt: 1, arrives: ms(50) };
    assert!(client_events(&out).contains(&departed) && out.send.is_empty());
    assert_eq!(crowd.next_deadline(), Some(ms(50)));
    crowd.tick(ms(49), &mut out);
    assert!(out.send.is_empty());
    crowd.tick(ms(50), &mut out);
    let syn = out.send[0];
    crowd.receive(ms(60), &answer(&syn, flags::SYN | flags::ACK, 5), &mut out);
    assert!(!client_events(&out).contains(&ClientEvent::Connected));
    crowd.tick(ms(110), &mut out);
    assert!(client_events(&out).contains(&ClientEvent::Connected));
}

#[test]
fn a_late_call_does_not_shift_what_was_due() {
    let mut crowd = Crowd::new(plan(burst(1), 0.0, Duration::from_millis(100)));
    let mut out = Outbox::default();
    crowd.tick(ms(0), &mut out);
    crowd.tick(ms(1500), &mut out);
    let second = out.facts.iter().rfind(|fact| {
        matches!(fact.event, Event::Client { event: ClientEvent::Departed { kind: Kind::Syn, attempt: 2, .. }, .. })
    });
    assert_eq!(second.unwrap().at, ms(1024), "the kernel's timer wheel makes 1.024 s of the first second");
    assert_eq!(out.send.len(), 2, "both SYNs have arrived meanwhile");
}

#[test]
fn a_large_burst_is_carried_over_from_call_to_call() {
    let mut crowd = Crowd::new(plan(burst(1000), 0.0, Duration::ZERO));
    let mut out = Outbox::default();
    crowd.tick(ms(0), &mut out);
    assert_eq!(crowd.started(), STARTS_PER_TICK);
    assert_eq!(crowd.next_deadline(), Some(ms(0)), "the rest wants to start now");
    settle(&mut crowd, ms(0), &mut out);
    assert_eq!((crowd.started(), out.send.len()), (1000, 1000));
}

#[test]
fn beyond_the_most_that_can_live_arrivals_are_skipped_and_counted() {
    let mut crowd = Crowd::new(plan(burst(200_000), 0.0, Duration::ZERO));
    let mut out = Outbox::default();
    settle(&mut crowd, ms(0), &mut out);
    settle(&mut crowd, ms(200), &mut out);
    assert_eq!((crowd.live(), crowd.started()), (MAX_LIVE, MAX_LIVE as u64));
    let skipped: u64 = losses(&out).iter().map(|loss| if let Loss::ArrivalsSkipped(n) = loss { *n } else { 0 }).sum();
    assert_eq!(skipped, 200_000 - MAX_LIVE as u64);
    assert!(losses(&out).contains(&Loss::Saturated));
    let peers: std::collections::HashSet<_> = out.send.iter().map(|segment| segment.peer).collect();
    assert_eq!(peers.len(), MAX_LIVE, "nobody shares an address");
}

#[test]
fn beyond_the_limit_details_are_counted_and_the_rest_is_emitted() {
    let mut crowd = Crowd::new(CrowdPlan { detail_per_s: 10, ..plan(burst(100), 0.0, Duration::ZERO) });
    let mut out = Outbox::default();
    settle(&mut crowd, ms(0), &mut out);
    settle(&mut crowd, ms(100), &mut out);
    let count = |wanted: fn(&ClientEvent) -> bool| client_events(&out).iter().filter(|life| wanted(life)).count();
    assert_eq!(count(|life| matches!(life, ClientEvent::Started { .. })), 100);
    assert_eq!(count(|life| matches!(life, ClientEvent::Departed { .. })), 10);
    assert_eq!(count(|life| matches!(life, ClientEvent::WillRetry { .. })), 10);
    assert_eq!(losses(&out), [Loss::DetailSkipped(180)]);
    crowd.command(ms(1100), &Command::Burst(3));
    out.facts.clear();
    crowd.tick(ms(1100), &mut out);
    assert!(
        client_events(&out).iter().any(|life| matches!(life, ClientEvent::Departed { attempt: 1, .. })),
        "a new second, a new ration"
    );
}

#[test]
fn after_the_count_no_client_starts() {
    let mut crowd = Crowd::new(CrowdPlan { count: Some(3), ..plan(Arrivals::Steady, 1000.0, Duration::ZERO) });
    let mut out = Outbox::default();
    (0..100).for_each(|at| crowd.tick(ms(at), &mut out));
    crowd.command(ms(100), &Command::Burst(5));
    crowd.tick(ms(100), &mut out);
    assert_eq!(crowd.started(), 3);
    assert_eq!(losses(&out), []);
}

#[test]
fn stopping_lets_started_clients_go_on_and_counts_the_skipped() {
    let mut crowd = Crowd::new(plan(burst(300), 0.0, Duration::ZERO));
    let mut out = Outbox::default();
    crowd.tick(ms(0), &mut out);
    crowd.command(ms(1), &Command::Stop);
    crowd.tick(ms(1), &mut out);
    assert_eq!(losses(&out), [Loss::ArrivalsSkipped(300 - STARTS_PER_TICK)]);
    settle(&mut crowd, ms(1050), &mut out);
    assert_eq!((crowd.started(), crowd.live()), (STARTS_PER_TICK, STARTS_PER_TICK as usize));
    assert_eq!(out.send.len() as u64, 2 * STARTS_PER_TICK, "their SYNs are tried again");
}

#[test]
fn a_changed_sysctl_shortens_the_retries_of_started_clients() {
    let mut crowd = Crowd::new(plan(burst(1), 0.0, Duration::ZERO));
    let mut out = Outbox::default();
    crowd.tick(ms(0), &mut out);
    crowd.command(ms(1), &Command::Sysctl(Sysctl::SynRetries, 1));
    while let Some(next) = crowd.next_deadline().filter(|next| *next < ms(60_000)) {
        crowd.tick(next, &mut out);
    }
    assert_eq!((out.send.len(), client_events(&out).last()), (2, Some(&ClientEvent::TimedOut)));
}

#[test]
fn the_round_trip_time_changes_for_those_who_start_later() {
    let mut crowd = Crowd::new(plan(burst(1), 0.0, Duration::from_millis(100)));
    let mut out = Outbox::default();
    crowd.tick(ms(0), &mut out);
    crowd.command(ms(10), &Command::Rtt(Duration::from_millis(20)));
    crowd.command(ms(10), &Command::Burst(1));
    crowd.tick(ms(10), &mut out);
    let arrivals: Vec<Stamp> = client_events(&out)
        .into_iter()
        .filter_map(|life| if let ClientEvent::Departed { arrives, .. } = life { Some(arrives) } else { None })
        .collect();
    assert_eq!(arrivals, [ms(50), ms(20)]);
}

#[test]
fn a_vanished_client_stays_silent_and_a_repeated_fin_is_answered() {
    let mut crowd = Crowd::new(plan(burst(1), 0.0, Duration::ZERO));
    crowd.command(ms(0), &Command::HalfOpen(1.0));
    let mut out = Outbox::default();
    crowd.tick(ms(0), &mut out);
    let syn = out.send.remove(0);
    for at in [1, 1000, 3000] {
        crowd.receive(ms(at), &answer(&syn, flags::SYN | flags::ACK, 5), &mut out);
    }
    assert_eq!((client_events(&out).last(), crowd.live(), out.send.len()), (Some(&ClientEvent::Vanished), 0, 0));
    let fin = answer(&syn, flags::FIN | flags::ACK, 77);
    crowd.receive(ms(4000), &fin, &mut out);
    assert_eq!((out.send[0].kind(), out.send[0].seq, out.send[0].ack), (Kind::Ack, fin.ack, 78));
}

#[test]
fn deadlines_of_the_ended_do_not_pile_up() {
    let mut crowd = Crowd::new(plan(Arrivals::Steady, 1e6, Duration::ZERO));
    let mut out = Outbox::default();
    for tick in 0..1000_u64 {
        let now = Stamp::from_nanos(tick * 250_000);
        crowd.tick(now, &mut out);
        for syn in out.send.split_off(0) {
            crowd.receive(now, &answer(&syn, flags::RST | flags::ACK, 0), &mut out);
        }
        out.facts.clear();
        assert_eq!(crowd.live(), 0);
    }
    assert!(crowd.started() > 200_000);
    assert!(crowd.timers.len() <= STALE_TIMERS + STARTS_PER_TICK as usize, "{}", crowd.timers.len());
}

#[test]
fn an_idle_crowd_needs_no_call() {
    let mut crowd = Crowd::new(plan(Arrivals::Steady, 0.0, Duration::ZERO));
    crowd.tick(ms(0), &mut Outbox::default());
    assert_eq!(crowd.next_deadline(), None);
    crowd.stop();
    assert_eq!((crowd.next_deadline(), crowd.live()), (None, 0));
}

/// A crowd of `size` that is held from the beginning.
fn held(size: u32, rtt_ms: u64) -> Crowd {
    let mut crowd = Crowd::new(plan(burst(size), 0.0, Duration::from_millis(rtt_ms)));
    crowd.command(ms(0), &Command::Step(StepCommand::Hold));
    crowd
}

#[test]
fn while_its_time_stands_still_nothing_leaves_and_nothing_arrives() {
    let mut crowd = Crowd::new(plan(burst(1), 0.0, Duration::from_millis(100)));
    let mut out = Outbox::default();
    crowd.tick(ms(0), &mut out);
    crowd.command(ms(49), &Command::Step(StepCommand::Hold));
    out.facts.clear();
    for at in (49..100_000).step_by(37) {
        crowd.tick(ms(at), &mut out);
    }
    assert!(out.facts.is_empty() && out.send.is_empty() && crowd.next_deadline().is_none());
    crowd.command(ms(100_000), &Command::Step(StepCommand::Go));
    assert_eq!(crowd.next_deadline(), Some(ms(100_001)), "one millisecond of its way was left");
    crowd.tick(ms(100_001), &mut out);
    assert_eq!((out.send.len(), out.facts.len()), (1, 0));
}

#[test]
fn each_step_of_a_handshake_is_one_event_even_without_a_round_trip_time() {
    for rtt_ms in [0, 100] {
        let (mut crowd, mut out) = (held(1, rtt_ms), Outbox::default());
        let mut step = |crowd: &mut Crowd, at: u64, sent: usize| {
            out.send.clear();
            let outcome = crowd.step(ms(at), &mut out).map(|(_, outcome)| outcome);
            assert_eq!(out.send.len(), sent, "{outcome:?}");
            (outcome, out.send.first().copied())
        };
        assert_eq!(step(&mut crowd, 1000, 0).0, Some(StepOutcome::Left(Kind::Syn)));
        let (outcome, syn) = step(&mut crowd, 2000, 1);
        assert_eq!(outcome, Some(StepOutcome::Reached(Kind::Syn)));
        let mut answers = Outbox::default();
        crowd.receive(ms(2001), &answer(&syn.unwrap(), flags::SYN | flags::ACK, 5), &mut answers);
        crowd.tick(ms(2500), &mut answers);
        assert!(answers.send.is_empty() && answers.facts.is_empty(), "the SYN-ACK is on its way");
        assert_eq!(step(&mut crowd, 3000, 0).0, Some(StepOutcome::CameBack(Kind::SynAck)));
        let (outcome, ack) = step(&mut crowd, 4000, 1);
        assert_eq!((outcome, ack.unwrap().kind()), (Some(StepOutcome::Reached(Kind::Ack)), Kind::Ack));
        assert_eq!(step(&mut crowd, 5000, 1).0, Some(StepOutcome::Reached(Kind::Data)));
        assert_eq!(crowd.clock().clients, ms(2 * rtt_ms - rtt_ms / 2), "one and a half round trips");
        assert!(out.facts.iter().all(|fact| fact.at.as_nanos() % 1_000_000_000 == 0), "told when it happened");
    }
}

#[test]
fn a_burst_starts_one_by_one_in_step_mode_and_all_at_once_afterwards() {
    let (mut crowd, mut out) = (held(5, 100), Outbox::default());
    for started in 1..=3 {
        assert_eq!(crowd.step(ms(started), &mut out).map(|(_, outcome)| outcome), Some(StepOutcome::Left(Kind::Syn)));
        assert_eq!(crowd.started(), started);
    }
    crowd.command(ms(10), &Command::Step(StepCommand::Go));
    settle(&mut crowd, ms(10), &mut out);
    assert_eq!(crowd.started(), 5);
}

#[test]
fn a_step_lets_the_next_timer_fire_however_far_it_is() {
    let (mut crowd, mut out) = (held(1, 100), Outbox::default());
    let outcomes: Vec<_> = (0..4).filter_map(|at| crowd.step(ms(at), &mut out)).map(|(_, outcome)| outcome).collect();
    let (left, reached) = (StepOutcome::Left(Kind::Syn), StepOutcome::Reached(Kind::Syn));
    assert_eq!(outcomes, [left, reached, left, reached]);
    crowd.command(ms(4), &Command::Sysctl(Sysctl::SynRetries, 1));
    assert_eq!(crowd.step(ms(5), &mut out).map(|(_, outcome)| outcome), Some(StepOutcome::GaveUp));
    assert!(crowd.clock().clients > ms(3000), "seconds of the clients in five milliseconds");
}

#[test]
fn where_nothing_is_due_there_is_no_step() {
    let (mut crowd, mut out) = (held(0, 100), Outbox::default());
    assert_eq!(crowd.step(ms(1), &mut out), None);
    assert!(out.facts.is_empty());
}

#[test]
fn slow_motion_makes_every_way_longer() {
    let mut crowd = Crowd::new(plan(burst(1), 0.0, Duration::from_millis(100)));
    crowd.command(ms(0), &Command::Pace(0.1));
    let mut out = Outbox::default();
    crowd.tick(ms(0), &mut out);
    crowd.tick(ms(490), &mut out);
    assert!(out.send.is_empty(), "50 ms take half a second");
    let due = crowd.next_deadline().unwrap();
    assert!((ms(500)..ms(501)).contains(&due), "{due}");
    crowd.tick(due, &mut out);
    assert_eq!(out.send.len(), 1);
}

/// A machine that needs a millisecond for each segment, beside so many clients per second with a round trip of 50 ms; `keeps` says
/// whether the crowd's time may stand still. SYNs sent, clients connected and losses within 20 s.
fn on_slow_machine(rate: f64, keeps: bool) -> (u32, u32, Vec<Loss>) {
    let mut crowd = Crowd::new(plan(Arrivals::Steady, rate, Duration::from_millis(50)));
    let (mut now, mut syns, mut connected, mut lost) = (Stamp::ZERO, 0, 0, Vec::new());
    while now < ms(20_000) {
        let mut out = Outbox::default();
        if keeps {
            crowd.keep_pace(now);
        }
        crowd.tick(now, &mut out);
        for segment in out.send.split_off(0) {
            now = now + Duration::from_millis(1);
            if segment.kind() == Kind::Syn {
                syns += 1;
            }
            let (answered, seq) =
                if segment.kind() == Kind::Syn { (flags::SYN | flags::ACK, 7) } else { (flags::RST, 8) };
            if keeps {
                crowd.keep_pace(now);
            }
            crowd.receive(now, &answer(&segment, answered, seq), &mut out);
        }
        connected += client_events(&out).iter().filter(|event| **event == ClientEvent::Connected).count() as u32;
        lost.extend(losses(&out));
        now = now + Duration::from_millis(1);
    }
    (syns, connected, lost)
}

#[test]
fn a_machine_that_cannot_keep_up_makes_no_client_time_out() {
    let (syns, connected, lost) = on_slow_machine(2000.0, true);
    assert!(connected > 1000 && syns < connected + 200, "{syns} SYNs, {connected} connected");
    let stood_still: u64 = lost.iter().map(|loss| if let Loss::StoodStillUs(us) = loss { *us } else { 0 }).sum();
    assert!(stood_still > 10_000_000 && lost.contains(&Loss::Saturated), "{stood_still}");
    let skipped: u64 = lost.iter().map(|loss| if let Loss::ArrivalsSkipped(n) = loss { *n } else { 0 }).sum();
    assert!(skipped > 20_000, "{skipped}");

    let (syns, connected, _) = on_slow_machine(2000.0, false);
    assert!(syns > 2 * connected, "the machine of this test is not slow enough: {syns} SYNs, {connected} connected");
}

#[test]
fn a_burst_beyond_the_machine_comes_later_and_whole() {
    let mut crowd = Crowd::new(plan(burst(1000), 0.0, Duration::from_millis(50)));
    let (mut now, mut lost) = (Stamp::ZERO, Vec::new());
    while now < ms(3000) {
        let mut out = Outbox::default();
        crowd.keep_pace(now);
        crowd.tick(now, &mut out);
        now = now + Duration::from_millis(1) * out.send.len() as u32 + Duration::from_millis(1);
        lost.extend(losses(&out));
    }
    assert_eq!(crowd.started(), 1000);
    assert!(lost.iter().any(|loss| matches!(loss, Loss::StoodStillUs(_))), "{lost:?}");
    assert!(!lost.iter().any(|loss| matches!(loss, Loss::ArrivalsSkipped(_) | Loss::Saturated)), "{lost:?}");
}

#[test]
fn a_machine_that_keeps_up_runs_in_session_time() {
    let (syns, connected, lost) = on_slow_machine(100.0, true);
    assert!((1900..=2000).contains(&connected) && syns < connected + 20, "{syns} SYNs, {connected} connected");
    assert!(!lost.iter().any(|loss| matches!(loss, Loss::StoodStillUs(_) | Loss::ArrivalsSkipped(_))), "{lost:?}");
}
