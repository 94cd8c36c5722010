//! What the counters may decide, and what they may not: each rule by itself.

use qviz::fold::connection::CombinedState;
use qviz::model::cause::Cause;
use qviz::model::counters::Counter;
use qviz::model::event::{Began, Environment, Event};
use qviz::model::settings::{ClientKind, Sysctl, Sysctls};

use crate::play::{Play, peer};

const OVERFLOW: Cause = Cause::SynAcceptQueueFull;

/// A SYN that stood between two causes: charged to the accept queue, while the counters say the SYN queue.
fn between() -> Play {
    let mut play = Play::new(1, &[(Sysctl::Syncookies, 0)]);
    play.handshake(1);
    play.handshake(2);
    play.arrive(3);
    play.pass(5);
    assert_eq!(play.drop_count(OVERFLOW), (1, 1));
    play
}

const SYN_QUEUE_FULL: [(Counter, u64); 2] = [(Counter::ListenDrops, 1), (Counter::TCPReqQFullDrop, 1)];

#[test]
fn counters_that_others_share_name_nothing() {
    let mut sysctls = Sysctls::default();
    sysctls.set(Sysctl::Syncookies, 0);
    let began = Began {
        syn_rule: None,
        kernel: "6.18.44-test".into(),
        environment: Environment::Host,
        fallback: None,
        pid: 1,
        seed: 1,
        clients: ClientKind::Wire,
        address: "127.0.0.1:8080".parse().unwrap(),
        tap: true,
        private_counters: false,
        watched: false,
        host: sysctls.clone(),
        sysctls,
    };
    let mut play = Play::new(1, &[]);
    play.emit(Event::Began(Box::new(began)));
    play.emit(Event::Listening(qviz::model::event::Listening { backlog: 1, somaxconn: Some(4096), limit: Some(1) }));
    play.count(&[]);
    play.handshake(1);
    play.handshake(2);
    play.arrive(3);
    play.pass(5);
    play.count(&SYN_QUEUE_FULL);
    assert_eq!((play.drop_count(OVERFLOW), play.drop_count(Cause::SynSynQueueFull)), ((1, 1), (0, 0)));
}

#[test]
fn while_a_syn_is_open_the_counters_name_nothing() {
    let mut play = between();
    play.arrive(4);
    play.count(&SYN_QUEUE_FULL);
    assert_eq!((play.drop_count(OVERFLOW), play.drop_count(Cause::SynSynQueueFull)), ((1, 1), (0, 0)));
}

#[test]
fn what_is_missing_may_be_the_syns_that_are_open_and_no_more() {
    for (beyond, balanced) in [(0, true), (1, false)] {
        let mut play = Play::new(0, &[]);
        play.handshake(1);
        for id in 2..=20 {
            play.pass(100);
            play.arrive(id);
            // The kernel has counted the SYN that is open, too.
            let drops = u64::from(id) - 1 + beyond;
            play.count(&[(Counter::ListenOverflows, drops), (Counter::ListenDrops, drops)]);
        }
        assert_eq!(play.world.balance().balanced, Some(balanced), "{beyond} more than that");
    }
}

#[test]
fn what_had_balanced_explains_nothing_that_comes_later() {
    // Two segments that may have redeemed a cookie at once, and did not.
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 2)]);
    play.arrive(1);
    play.cookie(1);
    play.data(1);
    play.now -= 100_000;
    play.ack(1);
    for redeemed in [1, 2] {
        play.count(&[(Counter::SyncookiesSent, 1), (Counter::SyncookiesRecv, redeemed)]);
    }
    play.emit(Event::Ended);
    assert_eq!(play.world.balance().balanced, Some(false));
    // An ACK that was ignored for certain, and a SYN of which no counter tells.
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.ack(2);
    play.accept(1);
    play.ack(2);
    let ignored = [(Counter::ListenOverflows, 1), (Counter::ListenDrops, 1)];
    play.count(&ignored);
    assert_eq!(play.even(), Some(true));
    play.accept(2);
    play.arrive(3);
    play.pass(5);
    for _ in 0..3 {
        play.count(&ignored);
    }
    assert_eq!(play.drop_count(Cause::AckAcceptQueueFull), (1, 1));
}

/// Two clients with timestamps of whom one is taken for a request, the other for a cookie.
fn guesses(half_open: &[u16]) -> Play {
    let mut play = Play::new(half_open.len() as i32, &[]);
    for id in half_open {
        play.answered(*id);
    }
    play
}

#[test]
fn a_guess_can_change_places_once() {
    // Backlog 4: the first five are requests; number 6 is taken for a cookie, and was none: one of 4 and 5 was.
    let mut play = Play::new(4, &[]);
    for id in 1..=6 {
        play.answered(id);
    }
    assert_eq!(play.belief(6), CombinedState::CookieOut);
    play.ack(6);
    play.pass(1500);
    play.count(&[(Counter::SyncookiesSent, 1), (Counter::SyncookiesRecv, 1)]);
    for _ in 0..2 {
        play.list(&[1, 2, 3]);
    }
    let ledger = &play.world.ledger;
    assert_eq!((ledger.cookies_sent, ledger.cookies_redeemed), (1, 0));
    assert_eq!(play.drop_count(Cause::RequestPruned), (1, 1), "only one of the two can have been the cookie");
}

#[test]
fn a_request_too_old_to_be_a_cookie_was_pruned() {
    let mut play = guesses(&[1, 2]);
    play.pass(1500);
    for _ in 0..2 {
        play.list(&[1]);
    }
    assert_eq!((play.drop_count(Cause::RequestPruned), play.world.ledger.cookies_sent), ((1, 1), 0));
}

#[test]
fn what_was_a_cookie_stays_one_when_its_ack_is_revised() {
    let mut play = Play::new(1, &[]);
    play.handshake(1);
    play.answered(2);
    for _ in 0..2 {
        play.list(&[]);
    }
    assert_eq!(play.belief(2), CombinedState::CookieOut);
    play.client_event(2, qviz::model::event::ClientEvent::Connected);
    play.ack(2);
    play.depth(1);
    assert_eq!(play.belief(2), CombinedState::Phantom);
    assert_eq!(
        (play.drop_count(Cause::AckAcceptQueueFull), play.drop_count(Cause::AckCookieAcceptQueueFull)),
        ((0, 0), (1, 1))
    );
}

#[test]
fn what_was_a_request_stays_one_when_its_ack_is_revised() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.answered(id);
    }
    assert_eq!(play.belief(2), CombinedState::CookieOut);
    play.list(&[1, 2]);
    assert_eq!(play.belief(2), CombinedState::HalfOpen);
    play.client_event(2, qviz::model::event::ClientEvent::Connected);
    play.ack(2);
    play.depth(0);
    assert_eq!(play.belief(2), CombinedState::Ghost);
    assert_eq!(
        (play.drop_count(Cause::AckAcceptQueueFull), play.drop_count(Cause::AckCookieAcceptQueueFull)),
        ((1, 1), (0, 0))
    );
}

#[test]
fn only_a_charge_too_many_is_named_anew() {
    // Client 3 met the accept queue by its verdict, but the counters say the SYN queue; client 9 met the three-quarters rule.
    let mut play = Play::new(5, &[(Sysctl::Syncookies, 0), (Sysctl::MaxSynBacklog, 4)]);
    for id in 11..=16 {
        play.handshake(id);
    }
    play.arrive(3);
    play.pass(5);
    for id in 11..=16 {
        play.accept(id);
    }
    for id in 21..=24 {
        play.request(id);
    }
    play.arrive(9);
    play.pass(5);
    assert_eq!((play.drop_count(OVERFLOW), play.drop_count(Cause::SynMaxSynBacklog)), ((1, 1), (1, 1)));
    play.count(&[(Counter::ListenDrops, 2), (Counter::TCPReqQFullDrop, 1)]);
    let hits = |id, cause| play.world.connection(&peer(id)).unwrap().hits(cause);
    assert_eq!((hits(3, Cause::SynSynQueueFull), hits(9, Cause::SynMaxSynBacklog)), (1, 1));
    assert_eq!(play.even(), Some(true));
}

#[test]
fn two_syns_without_a_cause_are_named_once_each() {
    let mut play = Play::new(5, &[(Sysctl::Syncookies, 0)]);
    for id in [1, 2] {
        play.arrive(id);
    }
    play.pass(5);
    assert_eq!(play.world.ledger.syns_without_cause, 2);
    play.count(&[(Counter::ListenDrops, 2), (Counter::ListenOverflows, 1), (Counter::TCPReqQFullDrop, 1)]);
    let hits = |id| {
        let one = play.world.connection(&peer(id)).unwrap();
        one.hits(OVERFLOW) + one.hits(Cause::SynSynQueueFull)
    };
    assert_eq!((hits(1), hits(2), play.world.ledger.syns_without_cause), (1, 1, 0));
}
