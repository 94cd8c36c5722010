//! Final ACKs that came at the same moment as an `accept()`: who got the place that it made, and what decides where the wire does not
//! tell. Each of the later ones was an unbalanced run of ten thousand real clients a second.

use qviz::fold::connection::CombinedState;
use qviz::model::cause::Cause;
use qviz::model::counters::Counter;
use qviz::model::segment::{Toward, flags};
use qviz::model::settings::Sysctl;

use crate::play::Play;

const PHANTOM: Cause = Cause::AckCookieAcceptQueueFull;

/// A queue of one place, taken by client 1; the others hold a cookie each.
fn full(ids: &[u16]) -> Play {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 2)]);
    for id in [&[1], ids].concat() {
        play.cookie_holder(id);
    }
    play.ack(1);
    play
}

fn count(play: &mut Play, sent: u64, redeemed: u64, overflows: u64) {
    let drops = [(Counter::ListenOverflows, overflows), (Counter::ListenDrops, overflows)];
    play.count(&[drops[0], drops[1], (Counter::SyncookiesSent, sent), (Counter::SyncookiesRecv, redeemed)]);
}

#[test]
fn an_ack_that_came_together_with_an_accept_is_decided_by_the_counters() {
    let overflown = |count| [(Counter::ListenOverflows, count), (Counter::ListenDrops, count)];
    // Thought ignored, taken by the next segment: the kernel had counted nothing.
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.ack(2);
    play.accept(1);
    play.ack(2);
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (1, 1)));
    play.count(&[]);
    assert_eq!(play.drop_count(Cause::AckAcceptQueueFull), (1, 1), "one reading is not enough");
    play.count(&[]);
    assert_eq!((play.drop_count(Cause::AckAcceptQueueFull), play.world.clients.ghosts), ((0, 0), 0));
    // Thought taken by the place that accept() had just made: the kernel had looked before.
    play.request(3);
    play.accept(2);
    play.ack(3);
    play.count(&overflown(1));
    play.count(&overflown(1));
    assert_eq!((play.belief(3), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Ghost, (1, 1)));
    assert_eq!(play.even(), Some(true));
}

#[test]
fn a_difference_without_a_doubtful_ack_stays_unexplained() {
    let mut play = Play::new(5, &[]);
    play.handshake(1);
    for _ in 0..4 {
        play.count(&[(Counter::ListenOverflows, 1), (Counter::ListenDrops, 1)]);
    }
    play.pass(1000);
    assert_eq!(play.world.balance().balanced, Some(false));
}

#[test]
fn an_ack_that_came_together_with_an_accept_is_decided_by_the_listeners_drop_count() {
    let mut play = Play::new(0, &[]);
    play.drops(0);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.ack(2);
    play.accept(1);
    play.ack(2);
    play.drops(0);
    assert_eq!(play.drop_count(Cause::AckAcceptQueueFull), (1, 1), "one reading is not enough");
    play.drops(0);
    assert_eq!((play.drop_count(Cause::AckAcceptQueueFull), play.world.clients.ghosts), ((0, 0), 0));
    play.request(3);
    play.accept(2);
    play.ack(3);
    play.drops(2);
    play.drops(2);
    assert_eq!((play.belief(3), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Ghost, (1, 1)));
    let mut other = Play::new(0, &[]);
    other.drops(0);
    for id in [1, 2] {
        other.request(id);
    }
    other.ack(1);
    other.accept(1);
    other.ack(2);
    other.drops(1);
    other.drops(1);
    assert_eq!(other.drop_count(Cause::AckAcceptQueueFull), (0, 0), "an ignored ACK would have moved it by two");
}

#[test]
fn who_has_shown_that_it_exists_had_an_earlier_ack_ignored_and_stays_in() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.request(2);
    play.accept(1);
    play.ack(2);
    play.data(2);
    play.child(2);
    for _ in 0..2 {
        play.count(&[(Counter::ListenOverflows, 1), (Counter::ListenDrops, 1)]);
    }
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (1, 1)));
}

#[test]
fn a_cookie_that_came_back_twice_is_for_its_counter_to_say() {
    for (redeemed, phantoms) in [(2, 0), (3, 1)] {
        let mut play = full(&[2]);
        play.accept(1);
        play.ack(2);
        play.pass(5);
        play.data(2);
        play.child(2);
        for _ in 0..2 {
            count(&mut play, 2, redeemed, 1);
        }
        assert_eq!(play.drop_count(PHANTOM).0, phantoms, "{redeemed} valid cookies");
        assert_eq!(play.world.ledger.cookies_redeemed, redeemed);
    }
}

#[test]
fn who_has_not_shown_itself_is_out_with_all_that_it_has_sent() {
    let mut play = full(&[2, 3]);
    play.accept(1);
    play.ack(2);
    play.data(2);
    for _ in 0..2 {
        count(&mut play, 3, 3, 2);
    }
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Phantom, (2, 1)));
    assert_eq!(play.world.ledger.cookies_redeemed, 3);
    assert_eq!(play.even(), Some(true));
}

#[test]
fn who_does_not_show_itself_is_out_before_the_latest_that_does() {
    let mut play = Play::new(1, &[(Sysctl::Syncookies, 2)]);
    for id in 1..=4 {
        play.cookie_holder(id);
    }
    play.ack(1);
    play.ack(2);
    play.accept(1);
    play.ack(3);
    play.accept(2);
    play.ack(4);
    play.data(4);
    play.child(4);
    for _ in 0..2 {
        count(&mut play, 4, 4, 1);
    }
    assert_eq!([3, 4].map(|id| play.belief(id)), [CombinedState::Phantom, CombinedState::Queued]);
    assert_eq!(play.even(), Some(true));
}

#[test]
fn the_place_of_one_that_shows_itself_had_been_given_to_one_that_does_not() {
    let mut play = full(&[2, 3]);
    play.depth(1);
    play.accept(1);
    play.ack(2);
    play.ack(3);
    play.depth(1);
    play.child(3);
    assert_eq!([2, 3].map(|id| play.belief(id)), [CombinedState::Queued, CombinedState::Queued]);
    play.depth(1);
    assert_eq!([2, 3].map(|id| play.belief(id)), [CombinedState::Phantom, CombinedState::Queued]);
    assert_eq!(play.drop_count(PHANTOM), (1, 1));
    assert_eq!(play.world.ledger.cookies_redeemed, 3);
}

#[test]
fn a_depth_puts_nobody_out_that_has_shown_itself() {
    let mut play = full(&[2]);
    play.accept(1);
    play.ack(2);
    play.child(2);
    play.depth(0);
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Queued, (0, 0)));
}

#[test]
fn a_list_puts_nobody_out_that_has_shown_itself() {
    let mut play = full(&[2]);
    play.accept(1);
    play.ack(2);
    play.child(2);
    for _ in 0..3 {
        play.list(&[]);
        play.waiting(&[]);
    }
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Queued, (0, 0)));
}

#[test]
fn two_errors_that_cancel_each_other_leave_a_doubt() {
    let mut play = full(&[2, 3]);
    play.accept(1);
    play.ack(2);
    play.ack(3);
    // Client 3 has the place: one ACK is ignored, as is kept, only another one's.
    count(&mut play, 3, 3, 1);
    assert_eq!(play.even(), Some(true));
    play.accept(3);
    for _ in 0..2 {
        count(&mut play, 3, 3, 1);
    }
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Phantom, (1, 1)));
    assert_eq!(play.even(), Some(true));
}

#[test]
fn while_a_list_may_still_tell_who_is_out_the_counters_do_not_decide() {
    let mut play = full(&[2]);
    play.list(&[]);
    play.waiting(&[(1, false)]);
    play.accept(1);
    play.ack(2);
    for _ in 0..3 {
        count(&mut play, 2, 2, 1);
    }
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Queued, (0, 0)));
    play.list(&[]);
    play.waiting(&[]);
    for _ in 0..3 {
        count(&mut play, 2, 2, 1);
    }
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Phantom, (1, 1)));
}

#[test]
fn several_accepts_at_once_leave_as_many_doubts() {
    let mut play = Play::new(1, &[(Sysctl::Syncookies, 2)]);
    for id in 1..=4 {
        play.cookie_holder(id);
    }
    for id in [1, 2] {
        play.ack(id);
    }
    for id in [1, 2] {
        play.accept(id);
    }
    for id in [3, 4] {
        play.ack(id);
    }
    for _ in 0..2 {
        count(&mut play, 4, 4, 2);
    }
    assert_eq!([3, 4].map(|id| play.belief(id)), [CombinedState::Phantom, CombinedState::Phantom]);
    assert_eq!(play.even(), Some(true));
}

#[test]
fn a_second_ack_that_took_the_place_may_have_been_ignored_as_well_as_the_first() {
    let mut play = full(&[2, 3]);
    play.ack(2);
    play.accept(1);
    play.ack(2);
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Queued, (1, 1)));
    for _ in 0..2 {
        count(&mut play, 3, 3, 2);
    }
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Phantom, (2, 1)));
    assert_eq!(play.even(), Some(true));
}

#[test]
fn who_shows_itself_after_an_accept_may_have_had_its_first_ack_taken_already() {
    for (ignored, redeemed) in [(2, 4), (1, 3)] {
        let mut play = full(&[2, 3]);
        play.ack(2);
        play.accept(1);
        play.ack(3);
        play.depth(1);
        play.data(2);
        play.child(2);
        play.depth(1);
        assert_eq!([2, 3].map(|id| play.belief(id)), [CombinedState::Queued, CombinedState::Phantom]);
        assert_eq!(play.drop_count(PHANTOM), (2, 2));
        for _ in 0..2 {
            count(&mut play, 3, redeemed, ignored);
        }
        assert_eq!((play.belief(2), play.drop_count(PHANTOM).0), (CombinedState::Queued, ignored));
        assert_eq!(play.even(), Some(true), "{ignored} ignored");
    }
}

/// Client 2 got the place that an `accept()` had just made, and has shown itself.
fn shown() -> Play {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.request(2);
    play.accept(1);
    play.ack(2);
    play.data(2);
    play.child(2);
    play
}

#[test]
fn what_a_list_has_decided_the_counters_do_not_decide_again() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.request(2);
    play.accept(1);
    play.ack(2);
    play.pass(1);
    play.list(&[2]);
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Ghost, (1, 1)));
    for _ in 0..3 {
        play.count(&[(Counter::ListenOverflows, 2), (Counter::ListenDrops, 2)]);
    }
    assert_eq!(play.drop_count(Cause::AckAcceptQueueFull), (1, 1), "the other one is not explained by it");
    // The other way round: two ACKs thought ignored, and it was taken, as a list shows.
    let mut play = full(&[2]);
    play.accept(1);
    play.ack(2);
    play.depth(0);
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Phantom, (1, 1)));
    play.waiting(&[(2, false)]);
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Queued, (0, 0)));
    assert_eq!(play.world.ledger.cookies_redeemed, 2);
}

#[test]
fn a_doubt_ends_when_the_ledger_balances_if_its_client_has_shown_itself() {
    let mut play = shown();
    play.count(&[]);
    assert_eq!(play.even(), Some(true));
    for _ in 0..3 {
        play.count(&[(Counter::ListenOverflows, 1), (Counter::ListenDrops, 1)]);
    }
    assert_eq!(play.drop_count(Cause::AckAcceptQueueFull), (0, 0));
}

#[test]
fn a_difference_that_was_gone_in_between_is_a_new_one() {
    let mut play = full(&[2, 3]);
    play.accept(1);
    play.ack(2);
    for overflows in [1, 0, 1] {
        count(&mut play, 3, 2, overflows);
        assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Queued, (0, 0)));
    }
    count(&mut play, 3, 2, 1);
    assert_eq!((play.belief(2), play.drop_count(PHANTOM)), (CombinedState::Phantom, (1, 1)));
}

#[test]
fn a_doubt_is_decided_once() {
    // Ignored after all.
    let mut play = shown();
    for overflows in [1, 1, 2, 2, 2] {
        play.count(&[(Counter::ListenOverflows, overflows), (Counter::ListenDrops, overflows)]);
    }
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (1, 1)));
    // Taken after all.
    let mut play = full(&[2]);
    play.ack(2);
    play.accept(1);
    play.ack(2);
    for _ in 0..2 {
        count(&mut play, 2, 2, 0);
    }
    assert_eq!((play.drop_count(PHANTOM), play.world.ledger.cookies_redeemed), ((0, 0), 2));
    play.accept(2);
    play.arrive(3);
    play.pass(5);
    for _ in 0..3 {
        count(&mut play, 2, 2, 0);
    }
    assert_eq!(play.world.ledger.cookies_redeemed, 2);
}

#[test]
fn no_more_cookies_came_back_twice_than_their_counter_says() {
    let mut play = full(&[2, 3]);
    for (before, id) in [(1, 2), (2, 3)] {
        play.accept(before);
        play.ack(id);
        play.pass(5);
        play.data(id);
        play.child(id);
    }
    for _ in 0..3 {
        count(&mut play, 3, 4, 2);
    }
    assert_eq!(
        play.drop_count(PHANTOM),
        (0, 0),
        "one of the two overflows is not explained by a cookie that came back twice"
    );
}

#[test]
fn acks_that_meet_a_request_that_is_just_being_reset_end_it_once() {
    // Both were looked at before the request was gone; or one of them only after it.
    for overflows in [2, 1] {
        let mut play = Play::new(0, &[(Sysctl::AbortOnOverflow, 1)]);
        play.handshake(1);
        play.drops(0);
        play.accept(1);
        play.handshake(3);
        play.handshake(2);
        play.data(2);
        play.wire(2, Toward::Client, flags::RST, (5001, 0));
        assert_eq!((play.drop_count(Cause::AckReset).0, play.world.ledger.listener_drops()), (2, 3));
        let counters = [Counter::ListenOverflows, Counter::ListenDrops].map(|counter| (counter, overflows));
        for _ in 0..2 {
            play.count(&[counters[0], counters[1], (Counter::EmbryonicRsts, 1)]);
        }
        assert_eq!(
            (play.drop_count(Cause::AckReset).0, play.world.ledger.listener_drops()),
            (overflows, overflows + 1)
        );
        assert_eq!(play.even(), Some(true), "{overflows}");
    }
}

#[test]
fn an_answer_to_a_syn_thought_dropped_is_a_cookie_where_the_kernel_answers_with_cookies() {
    for (cookies, depth, told) in [
        (2, 0, CombinedState::CookieOut),
        (1, 0, CombinedState::HalfOpen),
        (1, 2, CombinedState::CookieOut),
        (0, 0, CombinedState::HalfOpen),
    ] {
        let mut play = Play::new(1, &[(Sysctl::Syncookies, cookies)]);
        for id in 11..11 + depth {
            play.answered(id);
        }
        play.depth(2);
        play.answered(3);
        assert_eq!(play.belief(3), told, "tcp_syncookies={cookies}, {depth} half-open");
    }
}

#[test]
fn a_client_that_is_reset_twice_ends_two_requests() {
    let mut play = Play::new(0, &[(Sysctl::AbortOnOverflow, 1)]);
    play.handshake(1);
    play.drops(0);
    for round in 1..=2 {
        play.depth(0);
        play.request(2);
        play.depth(1);
        play.ack(2);
        play.wire(2, Toward::Client, flags::RST, (5001, 0));
        assert_eq!((play.drop_count(Cause::AckReset).0, play.world.ledger.listener_drops()), (round, 2 * round));
    }
}

#[test]
fn an_ack_just_after_the_reset_may_have_met_the_request_while_it_went() {
    for (apart_ms, overflows) in [(0, 1), (0, 2), (5, 2)] {
        let mut play = Play::new(0, &[(Sysctl::AbortOnOverflow, 1)]);
        play.handshake(1);
        play.drops(0);
        play.handshake(2);
        play.wire(2, Toward::Client, flags::RST, (5001, 0));
        play.now += apart_ms * 1_000_000;
        play.data(2);
        assert_eq!((play.drop_count(Cause::AckReset).0, play.world.ledger.listener_drops()), (1, 2));
        let counters = [Counter::ListenOverflows, Counter::ListenDrops].map(|counter| (counter, overflows));
        for _ in 0..2 {
            play.count(&[counters[0], counters[1], (Counter::EmbryonicRsts, 1)]);
        }
        let explained = if apart_ms == 0 { overflows } else { 1 };
        assert_eq!(
            (play.drop_count(Cause::AckReset).0, play.world.ledger.listener_drops()),
            (explained, explained + 1)
        );
        assert_eq!(play.even(), Some(explained == overflows), "{apart_ms} ms, {overflows}");
    }
}
