//! Small rules, each by itself: what is nearest to a silence, what a reading settles, what brings a request back, who else has seen a loss,
//! and how long things took.

use qviz::fold::connection::CombinedState;
use qviz::model::cause::Cause;
use qviz::model::event::{ClientEvent, Event, ServerEvent};
use qviz::model::segment::{Toward, flags};
use qviz::model::settings::Sysctl;

use crate::play::{Play, peer};

/// A SYN that the depths had let in, and that stayed without an answer: the test that was nearest to refusing it is its cause.
#[test]
fn a_silence_is_put_down_to_the_test_that_was_nearest_to_refusing_it() {
    // One place left in the accept queue.
    let mut play = Play::new(1, &[]);
    play.handshake(1);
    play.arrive(2);
    play.pass(5);
    assert_eq!(play.drop_count(Cause::SynAcceptQueueFull), (1, 1));
    // One place left in the SYN queue, cookies off.
    let mut play = Play::new(1, &[(Sysctl::Syncookies, 0)]);
    play.request(1);
    play.arrive(2);
    play.pass(5);
    assert_eq!(play.drop_count(Cause::SynSynQueueFull), (1, 1));
    // One short of the three quarters.
    let mut play = Play::new(100, &[(Sysctl::Syncookies, 0), (Sysctl::MaxSynBacklog, 8)]);
    for id in 0..6 {
        play.request(id);
    }
    play.arrive(7);
    play.pass(5);
    assert_eq!(play.drop_count(Cause::SynMaxSynBacklog), (1, 1));
}

#[test]
fn a_decision_that_a_reading_has_confirmed_stays() {
    let mut play = Play::new(5, &[]);
    play.handshake(1);
    play.depth(1);
    play.depth(0);
    assert_eq!((play.belief(1), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (0, 0)));
    assert_eq!(play.world.accept_queue.depth(), 0, "that much was read");
}

#[test]
fn a_request_that_is_listed_again_was_there_all_the_time() {
    let mut play = Play::new(5, &[]);
    play.request(1);
    for listed in [&[1][..], &[], &[1], &[]] {
        play.list(listed);
        assert_eq!((play.belief(1), play.drop_count(Cause::RequestPruned)), (CombinedState::HalfOpen, (0, 0)));
    }
    play.list(&[]);
    assert_eq!(play.drop_count(Cause::RequestPruned), (1, 1));
}

#[test]
fn a_request_stayed_until_the_first_list_that_lacks_it() {
    let mut play = Play::new(5, &[]);
    play.request(1);
    play.list(&[1]);
    play.pass(3000);
    play.list(&[]);
    play.pass(2000);
    play.list(&[]);
    let stay = &play.world.stay;
    assert_eq!(stay.count(), 1);
    assert!((3000.0..3010.0).contains(&stay.max_ms().unwrap()), "{stay:?}");
}

#[test]
fn what_is_listed_or_answers_again_still_stands() {
    // A request of which only the list tells.
    let mut play = Play::new(5, &[]);
    play.list(&[9]);
    assert_eq!(play.belief(9), CombinedState::HalfOpen);
    // One that was thought pruned, and whose timer sends its SYN-ACK again; and one that comes back to the list.
    for again in [true, false] {
        let mut play = Play::new(5, &[]);
        play.request(1);
        for _ in 0..3 {
            play.list(&[]);
        }
        assert_eq!(play.drop_count(Cause::RequestPruned), (1, 1));
        if again {
            play.syn_ack(1);
        } else {
            play.list(&[1]);
        }
        assert_eq!((play.belief(1), play.world.syn_queue.depth()), (CombinedState::HalfOpen, 1));
    }
}

#[test]
fn who_came_last_gives_its_place_back_first_whatever_its_address() {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 2)]);
    for id in [1, 9, 4, 7] {
        play.cookie_holder(id);
    }
    for id in [1, 9, 4, 7] {
        play.ack(id);
    }
    play.depth(4);
    play.list(&[]);
    play.pass(1);
    play.list(&[]);
    play.waiting(&[(1, false), (9, false), (4, false), (7, false)]);
    play.depth(4);
    let order = |id| play.world.connection(&peer(id)).unwrap().queue_order;
    assert!(order(1) < order(7) && order(7) < order(4) && order(4) < order(9), "taken back from the latest on");
    assert!(play.world.connection(&peer(9)).unwrap().queued_at.is_some());
}

#[test]
fn a_ghost_has_witnesses_on_the_wire_and_at_its_client() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.handshake(2);
    let seen = |play: &Play| {
        let witnesses = play.world.ledger.witnesses(Cause::AckAcceptQueueFull);
        (witnesses.wire, witnesses.client)
    };
    assert_eq!(seen(&play), (0, 0));
    play.syn_ack(2);
    assert_eq!(seen(&play), (1, 0), "the request repeats its SYN-ACK");
    play.ack(2);
    assert_eq!(seen(&play), (1, 1), "the client answers again");
    // A final ACK thought taken, and the request repeats its SYN-ACK.
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.syn_ack(1);
    assert_eq!((play.belief(1), seen(&play).0), (CombinedState::Ghost, 1));
}

#[test]
fn a_reset_is_its_own_witness_and_ends_the_request() {
    let mut play = Play::new(5, &[(Sysctl::AbortOnOverflow, 1)]);
    play.handshake(1);
    play.wire(1, Toward::Client, flags::RST, (5001, 0));
    assert_eq!(play.drop_count(Cause::AckReset), (1, 1), "thought taken, and reset");
    assert_eq!(play.world.ledger.witnesses(Cause::AckReset).wire, 1);
    assert_eq!((play.world.syn_queue.depth(), play.world.accept_queue.depth()), (0, 0));
}

#[test]
fn a_cookie_that_is_not_valid_any_more_meets_nothing() {
    let mut play = Play::new(5, &[(Sysctl::Syncookies, 2)]);
    play.arrive(1);
    play.cookie(1);
    play.ack(1);
    assert_eq!((play.belief(1), play.world.ledger.cookies_redeemed), (CombinedState::Queued, 1));
    play.wire(1, Toward::Client, flags::RST, (5001, 0));
    assert_eq!((play.belief(1), play.world.ledger.cookies_redeemed), (CombinedState::Over, 0));
    assert_eq!(play.drop_count(Cause::RequestPruned), (0, 0));
    assert_eq!(play.world.accept_queue.depth(), 0);
}

#[test]
fn a_syn_that_is_answered_with_rst_was_not_dropped() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.arrive(2);
    play.wire(2, Toward::Client, flags::RST | flags::ACK, (0, 1001));
    play.pass(5);
    assert_eq!((play.drop_count(Cause::SynAcceptQueueFull), play.world.ledger.syns_without_cause), ((0, 0), 0));
}

#[test]
fn times_are_kept_of_requests_waits_and_connects() {
    let mut play = Play::new(5, &[]);
    play.request(1);
    play.pass(40);
    play.client_event(1, ClientEvent::Connected);
    play.ack(1);
    play.pass(70);
    play.emit(Event::Served { peer: peer(1), event: ServerEvent::Accepted { waited_ms: None, cookie: None } });
    let world = &play.world;
    for (spread, ms) in [(&world.stay, 40.0), (&world.connect, 40.0), (&world.wait, 70.0)] {
        assert_eq!(spread.count(), 1);
        assert!((ms..ms + 1.0).contains(&spread.max_ms().unwrap()), "{ms}: {spread:?}");
    }
}

#[test]
fn what_was_at_the_door_before_counts_once() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.data(1);
    play.depth(0);
    assert_eq!(
        (play.belief(1), play.drop_count(Cause::AckAcceptQueueFull)),
        (CombinedState::Ghost, (2, 1)),
        "the ACK and its data"
    );
    play.ack(1);
    play.depth(0);
    assert_eq!((play.belief(1), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Ghost, (3, 1)));
}

#[test]
fn who_is_out_has_no_ack_in_doubt_any_more() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.ack(2);
    play.accept(1);
    play.ack(2);
    play.pass(1);
    play.list(&[2]);
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Ghost, (2, 1)));
    for _ in 0..3 {
        play.count(&[
            (qviz::model::counters::Counter::ListenOverflows, 1),
            (qviz::model::counters::Counter::ListenDrops, 1),
        ]);
    }
    assert_eq!(play.drop_count(Cause::AckAcceptQueueFull), (2, 1), "a list has decided it");
}
