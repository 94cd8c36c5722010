//! Delivered segments: each outcome is one sum, and what a client's life was is told by it.

use qviz::fold::connection::{CombinedState, ServerSide};
use qviz::model::cause::Cause;
use qviz::model::counters::{Counter, Counters};
use qviz::model::delivery::Outcome;
use qviz::model::event::{ClientEvent, Event, ServerEvent};
use qviz::model::segment::{Toward, flags};
use qviz::model::settings::Sysctl;

use crate::play::{Play, peer};

#[test]
fn a_loss_has_its_cause_at_once_and_its_witnesses_one_after_the_other() {
    let mut play = Play::new(0, &[]);
    play.drops(0);
    play.handshake(1);
    play.arrive(2);
    let witnesses = |play: &Play| {
        let seen = play.world.ledger.witnesses(Cause::SynAcceptQueueFull);
        [seen.wire, seen.counters, seen.listener, seen.client]
    };
    assert_eq!((play.drop_count(Cause::SynAcceptQueueFull), witnesses(&play)), ((1, 1), [1, 0, 0, 0]));
    play.count(&[(Counter::ListenOverflows, 1), (Counter::ListenDrops, 1)]);
    assert_eq!(witnesses(&play), [1, 1, 0, 0]);
    play.drops(1);
    assert_eq!(witnesses(&play), [1, 1, 1, 0]);
    play.syn(2);
    assert_eq!(witnesses(&play), [2, 1, 1, 1], "the client tried again");
}

#[test]
fn the_listeners_drop_count_is_the_sum_of_what_each_segment_moved() {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 0)]);
    play.drops(7);
    for id in [1, 2] {
        play.request(id);
    }
    play.syn(1);
    assert_eq!((play.world.ledger.listener_drops(), play.world.ledger.kernel_drops()), (1, 0), "a repeated SYN");
    play.ack(1);
    play.ack(2);
    assert_eq!(play.world.ledger.listener_drops(), 3, "an ignored final ACK counts twice");
    play.arrive(3);
    play.wire(2, Toward::Listener, flags::RST, (1001, 5001));
    assert_eq!((play.world.ledger.listener_drops(), play.world.ledger.client_resets), (5, 1));
    assert_eq!(play.world.syn_queue.depth(), 0);
    play.drops(12);
    assert_eq!(play.world.ledger.witnesses(Cause::AckAcceptQueueFull).listener, 1);
    play.drops(13);
    play.emit(Event::Ended);
    let unexplained = play.world.balance().unexplained;
    assert!(unexplained.iter().any(|one| (one.counter, one.kernel, one.accounted) == ("sk_drops", 6, 5)));
}

#[test]
fn a_reset_on_overflow_ends_the_request_and_both_counters_know_it() {
    let mut play = Play::new(0, &[(Sysctl::AbortOnOverflow, 1)]);
    for id in [1, 2] {
        play.request(id);
        play.ack(id);
    }
    assert_eq!(play.drop_count(Cause::AckReset), (1, 1));
    let connection = play.world.connection(&peer(2)).unwrap();
    assert_eq!((connection.server, play.world.syn_queue.depth()), (ServerSide::ResetAway, 0));
    let moved = [Counter::ListenOverflows, Counter::ListenDrops, Counter::EmbryonicRsts].map(|counter| (counter, 1));
    play.count(&moved);
    assert_eq!(play.even(), Some(true));
    play.client_event(2, ClientEvent::Reset);
    assert_eq!(play.world.ledger.witnesses(Cause::AckReset).client, 1);
}

#[test]
fn a_syn_that_becomes_a_request_shows_that_the_one_before_had_gone() {
    for (repeats, cause) in [(0, Cause::RequestPruned), (1, Cause::RequestExpired)] {
        for outcome in [Outcome::Request, Outcome::Cookie, Outcome::Dropped(Cause::SynAcceptQueueFull)] {
            let mut play = Play::new(5, &[(Sysctl::SynackRetries, 1)]);
            play.request(1);
            (0..repeats).for_each(|_| play.syn_ack(1));
            play.syn_with(1, outcome, u8::from(outcome.cause().is_some()));
            assert_eq!(play.drop_count(cause), (1, 1), "{outcome:?}");
            assert_eq!(play.world.syn_queue.depth(), u32::from(outcome == Outcome::Request), "{outcome:?}");
        }
    }
    let mut play = Play::new(5, &[]);
    play.request(1);
    play.syn(1);
    assert_eq!(play.drop_count(Cause::RequestPruned), (0, 0), "a repeated SYN ends at its request");
}

#[test]
fn an_ack_answered_with_rst_met_no_request_and_is_no_victim_of_the_queue() {
    let mut play = Play::new(0, &[]);
    play.request(1);
    play.ack_with(1, Outcome::AnsweredByReset, 0);
    assert_eq!((play.drop_count(Cause::RequestPruned), play.drop_count(Cause::AckAcceptQueueFull)), ((1, 1), (0, 0)));
    assert_eq!(play.world.syn_queue.depth(), 0);
    let mut play = Play::new(5, &[(Sysctl::Syncookies, 2)]);
    play.cookie_holder(1);
    play.ack_with(1, Outcome::AnsweredByReset, 0);
    assert_eq!(play.world.connection(&peer(1)).unwrap().server, ServerSide::Nothing);
    assert_eq!((play.world.ledger.cookies_sent, play.world.ledger.cookies_redeemed), (1, 0));
    assert_eq!(play.drop_count(Cause::RequestPruned), (0, 0), "there was no request");
}

#[test]
fn what_could_not_be_read_is_counted_and_stays_unexplained() {
    let mut play = Play::new(5, &[]);
    play.start(1);
    play.syn_with(1, Outcome::Undetermined, 0);
    play.count(&[(Counter::ListenDrops, 1)]);
    play.emit(Event::Ended);
    assert_eq!((play.world.ledger.undetermined, play.world.ledger.kernel_drops()), (1, 0));
    assert_eq!(play.world.balance().balanced, Some(false));
    let mut play = Play::new(5, &[]);
    play.start(1);
    play.syn_with(1, Outcome::Undetermined, 0);
    play.count(&[]);
    play.emit(Event::Ended);
    assert_eq!(play.world.balance().balanced, None, "no counter knows it, and it is not hidden");
    assert!(play.world.balance().reason.is_some());
}

#[test]
fn an_outcome_that_the_kernels_order_does_not_lead_to_expect_is_counted() {
    let mut play = Play::new(0, &[]);
    for (id, outcome, drops, deviates) in [
        (1, Outcome::Request, 0, false),
        (2, Outcome::Dropped(Cause::SynAcceptQueueFull), 1, true),
        (3, Outcome::Dropped(Cause::SynAcceptQueueFull), 0, true),
    ] {
        let before = play.world.ledger.deviations;
        play.start(id);
        play.syn_with(id, outcome, drops);
        assert_eq!(play.world.ledger.deviations > before, deviates, "{id}");
    }
    play.syn_ack(1);
    let before = play.world.ledger.deviations;
    play.ack_with(1, Outcome::Dropped(Cause::AckAcceptQueueFull), 2);
    assert_eq!(play.world.ledger.deviations, before + 1, "there was room");
    play.ack_with(1, Outcome::Queued, 0);
    assert_eq!(play.world.ledger.deviations, before + 1);
}

#[test]
fn the_counters_of_the_clients_side_are_kept_apart() {
    let mut play = Play::new(5, &[]);
    assert_eq!(play.world.client_counters(), None);
    for opens in [100, 107] {
        let mut counters = Counters::default();
        counters.set(Counter::ActiveOpens, opens);
        play.emit(Event::ClientCounters(Box::new(counters)));
    }
    assert_eq!(play.world.client_counters().unwrap().value(Counter::ActiveOpens), Some(7));
    assert_eq!(play.world.counter(Counter::ActiveOpens), Some(0), "the listener's own");
}

#[test]
fn a_reading_puts_a_count_of_the_queue_right_and_says_so() {
    let mut play = Play::new(5, &[]);
    play.handshake(1);
    play.depth(1);
    assert_eq!(play.world.accept_queue.corrections, 0);
    play.depth(3);
    assert_eq!((play.world.accept_queue.corrections, play.world.accept_queue.depth()), (1, 3));
}

#[test]
fn what_the_server_tells_of_a_client_before_does_not_touch_the_next_one_from_its_port() {
    for late in [ServerEvent::Closed, ServerEvent::FoundReset] {
        let mut play = Play::new(5, &[]);
        play.handshake(1);
        play.accept(1);
        play.client_event(1, ClientEvent::Finished);
        play.request(1);
        assert_eq!(play.world.segments.unwrap().syn, 2, "a client of its own");
        play.emit(Event::Served { peer: peer(1), event: late });
        assert_eq!((play.belief(1), play.world.syn_queue.depth()), (CombinedState::HalfOpen, 1));
    }
}

#[test]
fn a_client_that_begins_anew_meets_the_request_of_the_one_before() {
    let mut play = Play::new(5, &[]);
    play.request(1);
    play.client_event(1, ClientEvent::TimedOut);
    play.start(1);
    assert_eq!(play.world.connection(&peer(1)).unwrap().server, ServerSide::HalfOpen);
    play.syn(1);
    assert_eq!((play.belief(1), play.world.syn_queue.depth()), (CombinedState::HalfOpen, 1));
}
