//! What the rules say: nothing, "too early to tell", or a finding. Each rule is asked at a moment of each kind.

use std::ops::Range;
use std::time::Duration;

use crate::play::{Play, peer};
use crate::terms::assert_chinese;
use qviz::model::cause::Cause;
use qviz::model::client_clock::ClientClock;
use qviz::model::counters::Counter;
use qviz::model::event::{ClientEvent, Event, Listening};
use qviz::model::sample::QueueReading;
use qviz::model::segment::{Toward, flags};
use qviz::model::settings::{AcceptRate, Arrivals, Knobs, Sysctl};
use qviz::model::stamp::Stamp;
use qviz::text::lang::{Lang, within};

impl Play {
    /// Lets the rules look: they do so four times a second.
    fn review(&mut self) {
        self.pass(300);
    }

    #[track_caller]
    fn assert_finding(&self, rule: &str, verdict: &str) {
        let finding = self.world.findings.iter().find(|finding| finding.rule == rule);
        if let Some(finding) = finding {
            assert_chinese(&within(Lang::Chinese, || finding.sentence.to_string()));
        }
        let found = finding.is_some();
        let undecided = self.world.undecided.contains(&rule);
        let said = match (found, undecided) {
            (true, false) => "found",
            (false, true) => "too early",
            (false, false) => "absent",
            (true, true) => "both",
        };
        assert_eq!(said, verdict, "{rule}: {:?} {:?}", self.world.findings, self.world.undecided);
    }
}

#[test]
fn a_full_queue_is_not_yet_a_slow_accept() {
    let rule = "accept-too-slow";
    let mut play = Play::new(0, &[]);
    play.review();
    play.assert_finding(rule, "absent");
    play.handshake(1);
    play.review();
    play.assert_finding(rule, "absent");
    play.arrive(2);
    play.pass(90);
    play.review();
    play.assert_finding(rule, "too early");
    for id in 3..40 {
        play.arrive(id);
        play.pass(90);
    }
    play.assert_finding(rule, "found");
}

#[test]
fn a_burst_that_is_over_is_not_a_slow_accept() {
    let rule = "accept-too-slow";
    // At any moment of a second: a burst may lie on both sides of where a second is counted from.
    for began in (0..1000).step_by(50) {
        let mut play = Play::new(0, &[]);
        play.handshake(1);
        play.pass(3000 + began);
        for id in 2..8 {
            play.arrive(id);
            play.pass(20);
        }
        for _ in 0..16 {
            play.pass(250);
            play.assert_finding(rule, "absent");
        }
    }
}

#[test]
fn a_slow_accept_is_named_only_while_somebody_comes() {
    let rule = "accept-too-slow";
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    for id in 2..40 {
        play.arrive(id);
        play.pass(90);
    }
    play.assert_finding(rule, "found");
    play.pass(1500);
    play.assert_finding(rule, "absent");
}

/// A wave every four seconds: `size` clients within its first one, of which `accepted` are accepted by its end.
fn waves(play: &mut Play, which: Range<u16>, (size, accepted): (u16, u16)) {
    let arrivals = Arrivals::Wave { size: size.into(), period: Duration::from_secs(4) };
    let knobs = Knobs { backlog: 1, arrivals, accept_rate: AcceptRate::PerSecond(1.0), ..Knobs::quiet() };
    play.emit(Event::Knobs(Box::new(knobs)));
    for wave in which {
        let first = wave * size + 1;
        for id in first..first + size {
            if id - first < accepted {
                play.handshake(id);
            } else {
                play.arrive(id);
            }
            play.pass(1000 / u64::from(size));
        }
        for id in first..first + accepted {
            play.pass(3000 / u64::from(accepted));
            play.accept(id);
        }
    }
}

#[test]
fn waves_are_judged_from_one_to_the_next_not_by_their_crest() {
    // Two fit. Two of three are accepted before the next wave comes: arrivals outnumber accepts over whole waves, too.
    let mut play = Play::new(1, &[]);
    waves(&mut play, 0..1, (3, 2));
    play.assert_finding("accept-too-slow", "absent");
    waves(&mut play, 1..3, (3, 2));
    play.assert_finding("burst-too-large", "absent");
    let found = play.world.findings.iter().find(|finding| finding.rule == "accept-too-slow").unwrap();
    let (arrivals, accepts) = (found.evidence["arrivals_per_s"], found.evidence["accepts_per_s"]);
    // A wave of three begins where four seconds end; one of them may be counted to the next.
    assert!((0.5..=0.8).contains(&arrivals) && (0.25..=0.5).contains(&accepts), "over four seconds: {found:?}");
}

#[test]
fn rates_of_slow_motion_are_told_of_no_server_also_just_after_it() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    let come = |play: &mut Play, ids: Range<u16>| {
        for id in ids {
            play.arrive(id);
            play.pass(90);
        }
    };
    play.emit(Event::Tempo(ClientClock { pace: 0.25, ..ClientClock::default() }));
    come(&mut play, 2..40);
    play.assert_finding("accept-too-slow", "absent");
    let since = Stamp::from_nanos(play.now);
    play.emit(Event::Tempo(ClientClock { since, clients: since, ..ClientClock::default() }));
    come(&mut play, 40..60);
    play.assert_finding("accept-too-slow", "absent");
    come(&mut play, 60..90);
    play.assert_finding("accept-too-slow", "found");
}

#[test]
fn under_one_setting_a_run_is_not_told_both_that_a_longer_queue_helps_and_that_it_does_not() {
    let mut play = Play::new(1, &[]);
    for id in [1, 2] {
        play.handshake(id);
    }
    (3..7).for_each(|id| play.arrive(id));
    play.accept(1);
    play.accept(2);
    for id in 3..7 {
        play.syn(id);
        play.syn_ack(id);
        play.ack(id);
        play.accept(id);
    }
    (0..12).for_each(|_| play.review());
    assert!(play.world.found.contains_key("burst-too-large"));
    for id in [8, 9] {
        play.handshake(id);
    }
    for id in 10..50 {
        play.arrive(id);
        play.pass(90);
    }
    play.assert_finding("accept-too-slow", "found");
    assert!(!play.world.found.contains_key("burst-too-large"), "{:?}", play.world.found);
}

#[test]
fn a_burst_is_named_when_it_is_over() {
    let rule = "burst-too-large";
    let mut play = Play::new(1, &[]);
    play.review();
    play.assert_finding(rule, "absent");
    for id in [1, 2] {
        play.handshake(id);
    }
    for id in 3..7 {
        play.arrive(id);
    }
    play.review();
    play.assert_finding(rule, "too early");
    for id in [1, 2] {
        play.accept(id);
    }
    for id in 3..7 {
        play.syn(id);
        play.syn_ack(id);
        play.ack(id);
        play.accept(id);
    }
    for _ in 0..12 {
        play.review();
    }
    play.assert_finding(rule, "found");
}

#[test]
fn clients_that_come_one_after_the_other_and_are_kept_waiting_are_no_burst() {
    let mut play = Play::new(1, &[]);
    for id in [1, 2] {
        play.handshake(id);
    }
    for id in 3..7 {
        play.pass(3000);
        play.arrive(id);
        play.review();
    }
    for id in [1, 2] {
        play.accept(id);
    }
    for _ in 0..12 {
        play.review();
    }
    assert_eq!((play.world.demand.peak(), play.world.demand.at_once()), (6, 1));
    play.assert_finding("burst-too-large", "absent");
}

#[test]
fn clients_whose_final_ack_is_under_way_do_answer() {
    let mut play = Play::new(1, &[]);
    for id in [1, 2] {
        play.request(id);
        play.client_event(id, qviz::model::event::ClientEvent::Connected);
    }
    play.pass(5000);
    play.review();
    play.assert_finding("half-open-pile-up", "absent");
}

#[test]
fn half_open_requests_pile_up_only_after_a_while() {
    let rule = "half-open-pile-up";
    let mut play = Play::new(1, &[]);
    for id in [1, 2] {
        play.request(id);
    }
    play.review();
    play.assert_finding(rule, "absent");
    play.pass(1200);
    play.review();
    play.assert_finding(rule, "too early");
    play.pass(2000);
    play.review();
    play.assert_finding(rule, "found");
}

#[test]
fn the_three_quarters_rule_needs_a_syn_that_it_refused() {
    let rule = "three-quarters-rule";
    let mut play = Play::new(100, &[(Sysctl::Syncookies, 0), (Sysctl::MaxSynBacklog, 8)]);
    for id in 0..7 {
        play.request(id);
    }
    play.review();
    play.assert_finding(rule, "absent");
    play.arrive(7);
    play.review();
    play.assert_finding(rule, "found");
}

#[test]
fn more_connections_than_the_capacity_are_explained_and_those_of_a_smaller_backlog_are_not() {
    let read = |depth, limit| Event::Queue(QueueReading { depth: Some(depth), limit: Some(limit), drops: None });
    for (readings, verdict) in
        [([(6, 5_u32), (7, 5)], "found"), ([(6, 5), (6, 5)], "absent"), ([(7, 9), (7, 5)], "absent")]
    {
        let mut play = Play::new(readings[0].1.cast_signed(), &[]);
        for (depth, limit) in readings {
            play.emit(read(depth, limit));
        }
        play.review();
        play.assert_finding("above-capacity", verdict);
    }
}

#[test]
fn a_limit_that_was_not_read_is_not_judged() {
    let mut play = Play::new(5, &[(Sysctl::Somaxconn, 4096)]);
    play.review();
    play.assert_finding("not-listened-again", "absent");
    play.assert_finding("backlog-clamped", "absent");
    play.emit(Event::Listening(Listening { backlog: 200, somaxconn: None, limit: None }));
    play.review();
    play.assert_finding("backlog-clamped", "too early");
    play.emit(Event::Listening(Listening { backlog: 200, somaxconn: Some(128), limit: Some(128) }));
    play.review();
    play.assert_finding("backlog-clamped", "found");
    play.assert_finding("not-listened-again", "found");
    let mut unread = Play::new(5, &[]);
    unread.review();
    unread.assert_finding("not-listened-again", "too early");
}

#[test]
fn a_ghost_is_one_while_its_ack_is_ignored() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.request(id);
        play.client_event(id, ClientEvent::Connected);
    }
    play.ack(1);
    play.review();
    play.assert_finding("ghosts", "absent");
    play.ack(2);
    play.review();
    play.assert_finding("ghosts", "found");
    play.accept(1);
    play.ack(2);
    play.review();
    play.assert_finding("ghosts", "absent");
}

#[test]
fn a_phantom_is_one_whose_cookie_was_refused() {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 2)]);
    for id in [1, 2] {
        play.cookie_holder(id);
    }
    play.ack(1);
    play.review();
    play.assert_finding("phantoms", "absent");
    play.ack(2);
    play.review();
    play.assert_finding("phantoms", "found");
}

#[test]
fn cookies_in_use_is_said_when_the_kernel_counts_them() {
    let rule = "cookies-in-use";
    let mut play = Play::new(5, &[(Sysctl::Syncookies, 2)]);
    play.review();
    play.assert_finding(rule, "absent");
    play.arrive(1);
    play.cookie(1);
    play.review();
    play.assert_finding(rule, "too early");
    play.count(&[(Counter::SyncookiesSent, 1)]);
    play.review();
    play.assert_finding(rule, "found");
}

#[test]
fn two_overflows_of_one_client_are_not_yet_three() {
    let rule = "one-client-many-overflows";
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.start(2);
    for (overflows, verdict) in [(1, "absent"), (2, "too early"), (3, "found")] {
        play.syn(2);
        play.review();
        assert_eq!(play.drop_count(Cause::SynAcceptQueueFull).0, overflows);
        play.assert_finding(rule, verdict);
    }
}

#[test]
fn a_dead_entry_is_seen_on_the_wire_and_without_one_only_in_the_list() {
    let rule = "dead-in-queue";
    let mut play = Play::new(5, &[]);
    play.handshake(1);
    play.review();
    play.assert_finding(rule, "absent");
    play.wire(1, Toward::Listener, flags::RST, (1001, 5001));
    play.review();
    play.assert_finding(rule, "found");
    assert!(play.world.connection(&peer(1)).is_some());
    let mut blind = Play::without_tap(5);
    blind.depth(1);
    blind.review();
    blind.assert_finding(rule, "too early");
    blind.waiting(&[(1, true)]);
    blind.review();
    blind.assert_finding(rule, "found");
}
