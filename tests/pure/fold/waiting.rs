//! Several final ACKs that come at once, and two processors that look at the same last place: the depth says that one more was taken,
//! the list of those that wait says who. Each of these was an unbalanced run of real clients.

use qviz::fold::connection::CombinedState;
use qviz::model::cause::Cause;
use qviz::model::counters::Counter;
use qviz::model::settings::Sysctl;

use crate::play::Play;

/// Clients that hold a cookie each, in front of a queue of one place.
fn with_cookies(ids: &[u16]) -> Play {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 2)]);
    for id in ids {
        play.cookie_holder(*id);
    }
    play
}

#[test]
fn the_list_of_those_who_wait_says_who_took_the_place_that_the_depth_shows() {
    let mut play = with_cookies(&[1, 2, 3, 4]);
    for id in [1, 2, 3, 4] {
        play.ack(id);
    }
    assert_eq!(play.drop_count(Cause::AckCookieAcceptQueueFull), (3, 3));
    play.depth(2);
    assert_eq!(play.belief(4), CombinedState::Queued, "somebody was taken; the latest comer is as good a guess as any");
    play.list(&[]);
    play.waiting(&[(1, false), (2, false)]);
    assert_eq!(
        [2, 3, 4].map(|id| play.belief(id)),
        [CombinedState::Queued, CombinedState::Phantom, CombinedState::Phantom]
    );
    assert_eq!((play.drop_count(Cause::AckCookieAcceptQueueFull), play.world.clients.phantoms), ((2, 2), 2));
    assert_eq!(play.world.accept_queue.depth(), 2);
    let overflows = [(Counter::ListenOverflows, 2), (Counter::ListenDrops, 2)];
    play.count(&[overflows[0], overflows[1], (Counter::SyncookiesSent, 4), (Counter::SyncookiesRecv, 4)]);
    assert_eq!(play.even(), Some(true));
}

#[test]
fn who_is_on_no_list_of_those_who_wait_was_not_taken() {
    let mut play = with_cookies(&[1]);
    play.depth(1);
    play.depth(0);
    play.ack(1);
    play.depth(1);
    play.emit(qviz::model::event::Event::Tick);
    for lists in 1..=2 {
        assert_eq!(play.belief(1), CombinedState::Queued, "one list can miss a row");
        play.list(&[]);
        play.waiting(&[]);
        assert_eq!(play.drop_count(Cause::AckCookieAcceptQueueFull).0, lists - 1);
    }
    assert_eq!((play.belief(1), play.drop_count(Cause::AckCookieAcceptQueueFull)), (CombinedState::Phantom, (1, 1)));
    assert_eq!(play.world.accept_queue.depth(), 1, "that much was read: it is somebody else");
}

#[test]
fn one_unexpected_entry_of_a_list_costs_one_place_the_last_that_was_given_away() {
    let mut play = with_cookies(&[1, 2, 3, 4]);
    for id in [1, 2, 3, 4] {
        play.ack(id);
    }
    play.depth(3);
    assert_eq!(
        [2, 3, 4].map(|id| play.belief(id)),
        [CombinedState::Phantom, CombinedState::Queued, CombinedState::Queued]
    );
    play.list(&[]);
    play.waiting(&[(1, false), (2, false)]);
    assert_eq!(
        [2, 3, 4].map(|id| play.belief(id)),
        [CombinedState::Queued, CombinedState::Phantom, CombinedState::Queued]
    );
}

#[test]
fn a_row_that_one_list_lacked_and_the_next_has_was_there_all_the_time() {
    let mut play = with_cookies(&[1]);
    play.ack(1);
    for waiting in [&[][..], &[(1, false)], &[]] {
        play.list(&[]);
        play.waiting(waiting);
    }
    assert_eq!(play.belief(1), CombinedState::Queued);
}

#[test]
fn who_came_while_the_list_was_made_may_be_missing_on_it() {
    let mut play = with_cookies(&[1]);
    play.list(&[]);
    play.list(&[]);
    play.ack(1);
    play.waiting(&[]);
    play.waiting(&[]);
    assert_eq!(play.belief(1), CombinedState::Queued);
}

#[test]
fn an_ack_after_which_the_client_was_still_half_open_stays_ignored() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.handshake(2);
    play.pass(5);
    play.waiting(&[(1, false)]);
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Ghost, (1, 1)));
    play.waiting(&[(1, false), (2, false)]);
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (1, 1)));
    play.data(2);
    play.count(&[(Counter::ListenOverflows, 1), (Counter::ListenDrops, 1)]);
    assert_eq!(play.even(), Some(true));
    // An ACK that has only just come may not have been looked at yet.
    let mut play = Play::new(0, &[]);
    play.pass(100);
    play.handshake(1);
    play.handshake(2);
    play.waiting(&[(1, false)]);
    play.waiting(&[(1, false), (2, false)]);
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (0, 0)));
}

#[test]
fn an_ack_after_which_the_syn_ack_came_again_stays_ignored() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.handshake(2);
    play.syn_ack(2);
    play.waiting(&[(1, false), (2, false)]);
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (1, 1)));
}

#[test]
fn a_cookie_whose_client_is_listed_before_its_ack_is_seen_was_redeemed_once() {
    let mut play = with_cookies(&[1]);
    play.waiting(&[(1, false)]);
    assert_eq!((play.belief(1), play.world.ledger.cookies_redeemed), (CombinedState::Queued, 1));
    play.ack(1);
    assert_eq!(play.world.ledger.cookies_redeemed, 1);
}

#[test]
fn who_is_listed_before_its_ack_is_seen_takes_nobodys_place() {
    let mut play = with_cookies(&[1, 2]);
    play.ack(1);
    play.list(&[]);
    play.waiting(&[(2, false)]);
    assert_eq!((play.belief(1), play.belief(2)), (CombinedState::Queued, CombinedState::Queued));
    assert_eq!(play.drop_count(Cause::AckCookieAcceptQueueFull), (0, 0));
}

#[test]
fn who_was_not_taken_had_its_data_ignored_too() {
    let mut play = with_cookies(&[1]);
    play.ack(1);
    play.data(1);
    for _ in 0..2 {
        play.list(&[]);
        play.waiting(&[]);
    }
    assert_eq!((play.belief(1), play.drop_count(Cause::AckCookieAcceptQueueFull)), (CombinedState::Phantom, (2, 1)));
    assert_eq!(play.world.ledger.cookies_redeemed, 2);
}

#[test]
fn data_after_a_reset_meets_nothing() {
    let mut play = Play::new(5, &[(Sysctl::AbortOnOverflow, 1)]);
    play.handshake(1);
    play.data(1);
    play.wire(1, qviz::model::segment::Toward::Client, qviz::model::segment::flags::RST, (5001, 0));
    assert_eq!(play.drop_count(Cause::AckReset), (1, 1));
}
