//! What a SYN-ACK to a client with timestamps is: a cookie keeps the client's options in the low bits of its timestamp.

use qviz::fold::connection::CombinedState;
use qviz::model::cause::Cause;
use qviz::model::counters::Counter;
use qviz::model::event::Event;
use qviz::model::segment::{Segment, Toward, flags};
use qviz::model::stamp::Stamp;

use crate::play::{Play, peer};

/// What the options of every client are in a cookie.
const OFFERED: u8 = 0x1a;

/// The kernel's clock at the session's beginning.
const CLOCK: u64 = 1_000_003;

fn handshake(play: &mut Play, id: u16, toward: Toward, bits: u8) {
    let (seq, ack, answer) = if toward == Toward::Listener { (1000, 0, 0) } else { (5000, 1001, flags::ACK) };
    let (window_scale, timestamps, cookie_bits) = (true, true, Some(bits));
    let flags = flags::SYN | answer;
    let peer = peer(id);
    let segment = Segment { peer, toward, flags, seq, ack, payload: 0, window_scale, timestamps, cookie_bits };
    play.world.apply(Stamp::from_nanos(play.now), &Event::Segment(segment));
}

fn syn(play: &mut Play, id: u16) {
    play.start(id);
    handshake(play, id, Toward::Listener, OFFERED);
}

/// A request's SYN-ACK carries the kernel's clock.
fn request(play: &mut Play, id: u16) {
    let clock = CLOCK + play.now / 1_000_000;
    handshake(play, id, Toward::Client, clock as u8 & 0x3f);
}

fn cookie(play: &mut Play, id: u16) {
    handshake(play, id, Toward::Client, OFFERED);
}

/// Lets time pass until a request's timestamp would have just the bits of a cookie, or a few milliseconds more.
fn until_the_clock_has_the_offered_bits(play: &mut Play, more_ms: u64) {
    let clock = CLOCK + play.now / 1_000_000;
    let wait = (u64::from(OFFERED) + 128 - clock % 64) % 64 + more_ms;
    play.now += wait * 1_000_000;
}

#[test]
fn an_answer_with_other_bits_is_a_request_though_the_syn_queue_seems_full() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        syn(&mut play, id);
        request(&mut play, id);
    }
    assert_eq!((play.belief(2), play.world.ledger.cookies_sent), (CombinedState::HalfOpen, 0));
    play.list(&[2]);
    play.list(&[]);
    play.list(&[]);
    assert_eq!(play.world.ledger.cookies_sent, 0, "what has told stays told");
}

#[test]
fn an_answer_whose_clock_was_turned_back_to_the_offered_bits_is_a_cookie_though_the_syn_queue_seems_empty() {
    for (more_ms, told) in [
        (0, CombinedState::HalfOpen),
        (1, CombinedState::HalfOpen),
        (2, CombinedState::CookieOut),
        (40, CombinedState::CookieOut),
    ] {
        let mut play = Play::new(5, &[]);
        syn(&mut play, 1);
        request(&mut play, 1);
        syn(&mut play, 2);
        until_the_clock_has_the_offered_bits(&mut play, more_ms);
        cookie(&mut play, 2);
        assert_eq!(
            play.belief(2),
            told,
            "{more_ms} ms: a request may have these bits by chance when its clock has them"
        );
    }
}

/// Timestamps are cut to milliseconds: the first request may come at the end of one, the second at the beginning of the next.
#[test]
fn a_request_that_has_the_offered_bits_by_chance_stays_one_whenever_in_its_millisecond_it_comes() {
    for (first_us, second_us) in [(0, 999), (999, 0)] {
        let mut play = Play::new(5, &[]);
        syn(&mut play, 1);
        play.now = 2_000_000 + first_us * 1_000;
        request(&mut play, 1);
        until_the_clock_has_the_offered_bits(&mut play, 0);
        play.now = play.now / 1_000_000 * 1_000_000 + second_us * 1_000;
        syn(&mut play, 2);
        request(&mut play, 2);
        assert_eq!(
            (play.belief(2), play.world.ledger.cookies_sent),
            (CombinedState::HalfOpen, 0),
            "{first_us} {second_us}"
        );
    }
}

/// One wrong stamp among those of requests makes no cookie of a later one.
#[test]
fn one_late_stamp_of_a_request_makes_no_cookie_of_another() {
    let mut play = Play::new(5, &[]);
    for (id, late_ms) in [(1, 0), (2, 12)] {
        syn(&mut play, id);
        let clock = CLOCK + play.now / 1_000_000;
        play.now += late_ms * 1_000_000;
        handshake(&mut play, id, Toward::Client, clock as u8 & 0x3f);
    }
    until_the_clock_has_the_offered_bits(&mut play, 0);
    syn(&mut play, 3);
    request(&mut play, 3);
    assert_eq!((play.belief(3), play.world.ledger.cookies_sent), (CombinedState::HalfOpen, 0));
}

#[test]
fn a_cookie_by_the_wire_where_the_syn_queue_had_room_is_a_request_if_it_is_listed() {
    let mut play = Play::new(5, &[]);
    syn(&mut play, 1);
    request(&mut play, 1);
    syn(&mut play, 2);
    until_the_clock_has_the_offered_bits(&mut play, 9);
    cookie(&mut play, 2);
    assert_eq!(play.belief(2), CombinedState::CookieOut);
    play.list(&[1, 2]);
    assert_eq!((play.belief(2), play.world.ledger.cookies_sent), (CombinedState::HalfOpen, 0));
}

#[test]
fn a_cookie_that_was_told_is_no_request_because_a_later_list_has_its_client() {
    let mut play = Play::new(0, &[]);
    syn(&mut play, 1);
    request(&mut play, 1);
    syn(&mut play, 2);
    until_the_clock_has_the_offered_bits(&mut play, 9);
    cookie(&mut play, 2);
    play.list(&[1, 2]);
    assert_eq!(play.world.ledger.cookies_sent, 1);
}

#[test]
fn where_every_cookie_is_told_the_listeners_drop_count_decides_doubtful_acks_of_real_clients() {
    let mut play = Play::new(1, &[]);
    play.drops(0);
    for id in [1, 2] {
        syn(&mut play, id);
        request(&mut play, id);
    }
    syn(&mut play, 3);
    until_the_clock_has_the_offered_bits(&mut play, 9);
    cookie(&mut play, 3);
    play.ack(1);
    play.ack(3);
    play.accept(1);
    play.ack(2);
    play.drops(2);
    play.drops(2);
    assert_eq!((play.belief(2), play.drop_count(Cause::AckAcceptQueueFull)), (CombinedState::Ghost, (1, 1)));
}

/// Two processors look at the ACK and the data of one client at the same time: `cookie_v4_check` counts both (SyncookiesRecv), and the
/// connection that comes second is found to exist already (`inet_ehash_nolisten`). Seen on Linux 6.18.
#[test]
fn a_cookie_that_two_segments_redeemed_at_once_is_told_by_the_counters() {
    for (apart_ms, valid, balanced) in [(0, 2, Some(true)), (0, 3, Some(false)), (10, 2, Some(false))] {
        let mut play = Play::new(0, &[(qviz::model::settings::Sysctl::Syncookies, 2)]);
        play.arrive(1);
        play.cookie(1);
        play.data(1);
        play.now += apart_ms * 1_000_000;
        play.ack(1);
        play.count(&[(Counter::SyncookiesSent, 1), (Counter::SyncookiesRecv, valid)]);
        play.emit(Event::Ended);
        assert_eq!(play.world.balance().balanced, balanced, "{apart_ms} ms apart, {valid} valid cookies");
    }
}
