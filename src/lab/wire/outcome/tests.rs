use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::Judgement::{Decided, NotYet, Nothing, ReadCounters};
use super::*;
use crate::model::delivery::Proof;
use crate::model::segment::flags::{ACK, FIN, PSH, RST, SYN};

const CLIENT_ISN: u32 = 1_000;
const SERVER_ISN: u32 = 5_000;

fn peer(port: u16) -> Peer {
    Peer::v4(Ipv4Addr::new(198, 18, 0, 1), port)
}

fn segment(port: u16, flags: u8, seq: u32, ack: u32) -> Segment {
    let payload = if flags & PSH == 0 { 0 } else { 10 };
    let (toward, timestamps) = (Toward::Listener, false);
    let window_scale = flags & SYN != 0;
    Segment { peer: peer(port), toward, flags, seq, ack, payload, window_scale, timestamps }
}

fn syn(port: u16) -> Segment {
    segment(port, SYN, CLIENT_ISN, 0)
}

fn final_ack(port: u16) -> Segment {
    segment(port, ACK, CLIENT_ISN + 1, SERVER_ISN + 1)
}

fn syn_ack(window_scale: bool) -> Answer {
    Answer { kind: Kind::SynAck, seq: SERVER_ISN, window_scale }
}

const fn at(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

/// A listener with backlog 5, `depth` waiting and these settings.
fn listener(depth: u32, settings: &[(Sysctl, i64)]) -> Outcomes {
    let mut sysctls = Sysctls::default();
    sysctls.set(Sysctl::MaxSynBacklog, 128);
    for (sysctl, value) in settings {
        sysctls.set(*sysctl, *value);
    }
    let mut outcomes = Outcomes::default();
    outcomes.set_sysctls(&sysctls);
    outcomes.set_queue(depth, 5);
    outcomes.rebase(&counters(&[]));
    outcomes
}

fn counters(moved: &[(Counter, u64)]) -> Counters {
    let mut counters = Counters::default();
    for counter in Counter::ALL {
        let by = moved.iter().find(|(which, _)| *which == counter).map_or(0, |(_, by)| *by);
        counters.set(counter, 1_000 + by);
    }
    counters
}

/// The same listener with this many requests, of the clients 1, 2, …
fn with_requests(mut outcomes: Outcomes, count: u16) -> Outcomes {
    for port in 1..=count {
        outcomes.settle(at(0), &syn(port), Outcome::Request, Some(syn_ack(true)));
    }
    outcomes
}

fn seen(drops: u32, growth: i64, answer: Option<Answer>, processed: bool) -> Evidence {
    Evidence { drops, growth: Some(growth), answer, processed }
}

fn dropped(cause: Cause, proof: Proof) -> Judgement {
    Decided(Outcome::Dropped(cause), proof)
}

#[test]
fn where_nothing_can_be_full_a_syn_has_one_outcome() {
    let certain = |settings: &[(Sysctl, i64)]| listener(5, settings).foresee(at(0), &syn(1));
    assert_eq!(certain(&[]), Foreseen::Certain(Outcome::Request, Proof::Room));
    assert_eq!(certain(&[(Sysctl::Syncookies, 0)]), Foreseen::Certain(Outcome::Request, Proof::Room));
    assert_eq!(certain(&[(Sysctl::Syncookies, 2)]), Foreseen::Certain(Outcome::Cookie, Proof::Room));
    assert_eq!(listener(6, &[]).foresee(at(0), &syn(1)), Foreseen::Open(Question::Syn));
}

#[test]
fn each_queue_that_may_be_full_opens_the_question() {
    let nearly = with_requests(listener(0, &[]), 5);
    assert_eq!(nearly.foresee(at(0), &syn(9)), Foreseen::Open(Question::Syn), "by the older rule five are full");
    let quarter = listener(0, &[(Sysctl::Syncookies, 0), (Sysctl::MaxSynBacklog, 4)]);
    assert_eq!(with_requests(quarter, 4).foresee(at(0), &syn(9)), Foreseen::Open(Question::Syn));
}

#[test]
fn a_silent_syn_is_dropped_for_the_only_possible_cause_or_the_counters_say_which() {
    let silent = seen(1, 0, None, false);
    assert_eq!(
        listener(6, &[]).judge(Question::Syn, &syn(1), &silent),
        dropped(Cause::SynAcceptQueueFull, Proof::Drops)
    );
    let off = [(Sysctl::Syncookies, 0)];
    let full = with_requests(listener(0, &off), 6);
    assert_eq!(full.judge(Question::Syn, &syn(9), &silent), dropped(Cause::SynSynQueueFull, Proof::Drops));
    let both = || with_requests(listener(6, &off), 6);
    assert_eq!(both().judge(Question::Syn, &syn(9), &silent), ReadCounters);
    for (moved, cause) in [
        (vec![(Counter::ListenDrops, 1), (Counter::ListenOverflows, 1)], Cause::SynAcceptQueueFull),
        (vec![(Counter::ListenDrops, 1), (Counter::TCPReqQFullDrop, 1)], Cause::SynSynQueueFull),
        (vec![(Counter::ListenDrops, 1)], Cause::SynMaxSynBacklog),
    ] {
        let judged = both().judge_by_counters(Question::Syn, &silent, &counters(&moved));
        assert_eq!(judged, dropped(cause, Proof::Counters));
    }
}

#[test]
fn a_cookie_is_known_by_its_options_or_by_the_counters() {
    let full = || with_requests(listener(0, &[]), 6);
    let judge =
        |segment: &Segment, scale| full().judge(Question::Syn, segment, &seen(0, 0, Some(syn_ack(scale)), false));
    assert_eq!(judge(&syn(9), false), Decided(Outcome::Cookie, Proof::Answer));
    assert_eq!(judge(&syn(9), true), Decided(Outcome::Request, Proof::Answer));
    let real = Segment { timestamps: true, ..syn(9) };
    assert_eq!(judge(&real, true), ReadCounters, "timestamps keep the option in a cookie, too");
    let answered = seen(0, 0, Some(syn_ack(true)), false);
    let sent = counters(&[(Counter::SyncookiesSent, 1)]);
    assert_eq!(full().judge_by_counters(Question::Syn, &answered, &sent), Decided(Outcome::Cookie, Proof::Counters));
    let request = full().judge_by_counters(Question::Syn, &answered, &counters(&[]));
    assert_eq!(request, Decided(Outcome::Request, Proof::Counters));
}

#[test]
fn counters_are_compared_with_all_outcomes_before() {
    let mut outcomes = with_requests(listener(6, &[(Sysctl::Syncookies, 0)]), 6);
    let silent = seen(1, 0, None, false);
    outcomes.settle(at(1), &syn(20), Outcome::Dropped(Cause::SynAcceptQueueFull), None);
    let moved = [(Counter::ListenDrops, 2), (Counter::ListenOverflows, 1), (Counter::TCPReqQFullDrop, 1)];
    let judged = outcomes.judge_by_counters(Question::Syn, &silent, &counters(&moved));
    assert_eq!(judged, dropped(Cause::SynSynQueueFull, Proof::Counters));
    outcomes.settle(at(2), &syn(21), Outcome::Dropped(Cause::SynSynQueueFull), None);
    let moved = [(Counter::ListenDrops, 3), (Counter::ListenOverflows, 2), (Counter::TCPReqQFullDrop, 1)];
    let judged = outcomes.judge_by_counters(Question::Syn, &silent, &counters(&moved));
    assert_eq!(judged, dropped(Cause::SynAcceptQueueFull, Proof::Counters));
}

#[test]
fn a_final_ack_is_taken_ignored_or_too_late() {
    let outcomes = with_requests(listener(6, &[]), 1);
    assert_eq!(outcomes.foresee(at(10), &final_ack(1)), Foreseen::Open(Question::AckAtRequest));
    let judge = |evidence| outcomes.judge(Question::AckAtRequest, &final_ack(1), &evidence);
    assert_eq!(judge(seen(2, 0, None, false)), dropped(Cause::AckAcceptQueueFull, Proof::Drops));
    assert_eq!(judge(seen(0, 1, None, false)), Decided(Outcome::Queued, Proof::Depth));
    assert_eq!(judge(seen(0, 0, None, false)), NotYet, "accepted at once, or not processed yet");
    assert_eq!(judge(seen(0, -1, None, true)), Decided(Outcome::Queued, Proof::Processed));
    let reset = Answer { kind: Kind::Rst, seq: 0, window_scale: false };
    assert_eq!(judge(seen(0, 0, Some(reset), false)), Decided(Outcome::AnsweredByReset, Proof::Answer));
    assert_eq!(judge(seen(1, 0, None, false)), NotYet, "half of what an ignored one moves");
    assert_eq!(judge(seen(1, 0, None, true)), Decided(Outcome::Discarded, Proof::Drops));
}

#[test]
fn with_abort_on_overflow_the_reset_belongs_to_the_drop() {
    let outcomes = with_requests(listener(6, &[(Sysctl::AbortOnOverflow, 1)]), 1);
    let reset = Answer { kind: Kind::Rst, seq: 0, window_scale: false };
    let judge = |evidence| outcomes.judge(Question::AckAtRequest, &final_ack(1), &evidence);
    assert_eq!(judge(seen(2, 0, Some(reset), false)), dropped(Cause::AckReset, Proof::Answer));
    assert_eq!(judge(seen(2, 0, None, false)), NotYet);
}

#[test]
fn an_ack_into_a_queue_with_room_is_certain_while_its_request_cannot_have_ended() {
    let mut outcomes = with_requests(listener(5, &[]), 1);
    let certain = Foreseen::Certain(Outcome::Queued, Proof::Room);
    assert_eq!(outcomes.foresee(at(899), &final_ack(1)), certain);
    assert_eq!(outcomes.foresee(at(900), &final_ack(1)), Foreseen::Open(Question::AckAtRequest));
    outcomes.settle(at(10), &final_ack(1), Outcome::Queued, None);
    assert_eq!(outcomes.foresee(at(11), &final_ack(1)), Foreseen::Nothing, "it belongs to the socket");
    assert_eq!(outcomes.foresee(at(11), &syn(2)), Foreseen::Open(Question::Syn), "that was the last place");
}

#[test]
fn a_repeated_syn_ends_at_its_request_unless_that_is_gone() {
    let outcomes = with_requests(listener(6, &[]), 1);
    let young = Question::SynAtRequest { isn: Some(SERVER_ISN), old: false };
    assert_eq!(outcomes.foresee(at(500), &syn(1)), Foreseen::Open(young));
    let old = Question::SynAtRequest { isn: Some(SERVER_ISN), old: true };
    assert_eq!(outcomes.foresee(at(3_000), &syn(1)), Foreseen::Open(old));
    let judge = |question, evidence| outcomes.judge(question, &syn(1), &evidence);
    assert_eq!(judge(young, seen(1, 0, None, false)), Decided(Outcome::Discarded, Proof::Drops));
    assert_eq!(judge(old, seen(1, 0, Some(syn_ack(true)), false)), Decided(Outcome::Discarded, Proof::Drops));
    assert_eq!(
        judge(old, seen(1, 0, None, false)),
        ReadCounters,
        "discarded, or dropped after the request had expired"
    );
    let another = Answer { seq: 77, ..syn_ack(true) };
    let anew = judge(old, seen(0, 0, Some(another), false));
    assert_eq!(anew, Decided(Outcome::Request, Proof::Answer), "another number: a new request");
}

#[test]
fn a_listing_forgets_old_requests_that_it_lacks() {
    let mut outcomes = with_requests(listener(6, &[]), 3);
    outcomes.keep_requests(at(500), |_| false);
    assert!(outcomes.syn_queue_may_be_full() == (3 >= 5) && outcomes.requests == 3, "too young to have ended");
    outcomes.keep_requests(at(1_000), |listed| *listed == peer(2));
    assert_eq!(outcomes.requests, 1);
    assert_eq!(outcomes.foresee(at(1_000), &final_ack(1)), Foreseen::Nothing);
}

#[test]
fn a_cookie_comes_back_once_and_a_phantom_again_and_again() {
    let mut outcomes = listener(6, &[(Sysctl::Syncookies, 2)]);
    outcomes.settle(at(0), &syn(1), Outcome::Cookie, Some(syn_ack(false)));
    assert_eq!(outcomes.foresee(at(10), &final_ack(1)), Foreseen::Open(Question::AckOfCookie));
    let judge = |evidence| outcomes.judge(Question::AckOfCookie, &final_ack(1), &evidence);
    let phantom = dropped(Cause::AckCookieAcceptQueueFull, Proof::Drops);
    assert_eq!(judge(seen(1, 0, None, false)), phantom);
    outcomes.settle(at(10), &final_ack(1), Outcome::Dropped(Cause::AckCookieAcceptQueueFull), None);
    outcomes.set_queue(2, 5);
    let data = segment(1, ACK | PSH, CLIENT_ISN + 1, SERVER_ISN + 1);
    assert_eq!(outcomes.foresee(at(11), &data), Foreseen::Certain(Outcome::Queued, Proof::Room));
}

#[test]
fn a_cookie_that_comes_back_while_a_later_request_stands_is_known_by_its_number() {
    let mut outcomes = listener(2, &[]);
    outcomes.settle(at(0), &syn(1), Outcome::Cookie, Some(syn_ack(false)));
    outcomes.settle(at(1), &syn(1), Outcome::Request, Some(Answer { seq: SERVER_ISN + 100, ..syn_ack(true) }));
    assert_eq!(outcomes.foresee(at(2), &final_ack(1)), Foreseen::Open(Question::AckPastRequest));
    assert!(outcomes.redeems(&final_ack(1), Outcome::Queued), "it acknowledges the cookie");
    let of_request = segment(1, ACK, CLIENT_ISN + 1, SERVER_ISN + 101);
    assert!(!outcomes.redeems(&of_request, Outcome::Queued), "it acknowledges the request");
    // The request has ended, the cookie has not.
    outcomes.keep_requests(at(1_000), |_| false);
    assert_eq!(outcomes.foresee(at(1_000), &final_ack(1)), Foreseen::Certain(Outcome::Queued, Proof::Room));
}

#[test]
fn what_a_closed_socket_leaves_may_bring_the_cookie_too() {
    let mut outcomes = listener(2, &[(Sysctl::Syncookies, 2)]);
    outcomes.settle(at(0), &syn(1), Outcome::Cookie, Some(syn_ack(false)));
    outcomes.settle(at(1), &final_ack(1), Outcome::Queued, None);
    outcomes.sent(&Segment { toward: Toward::Client, ..segment(1, FIN | ACK, SERVER_ISN + 1, 0) });
    let data = segment(1, ACK | PSH, CLIENT_ISN + 1, SERVER_ISN + 1);
    assert_eq!(outcomes.foresee(at(2), &data), Foreseen::Open(Question::AckOfCookie), "it resets an orphan");
    let late = segment(1, ACK, CLIENT_ISN + 8, SERVER_ISN + 9);
    assert_eq!(outcomes.foresee(at(2), &late), Foreseen::Nothing, "the first one meets the socket");
    outcomes.passed(&late);
    assert_eq!(outcomes.foresee(at(2), &late), Foreseen::Open(Question::AckOfCookie));
    let judge = |evidence| outcomes.judge(Question::AckOfCookie, &late, &evidence);
    assert_eq!(judge(seen(0, 0, None, true)), ReadCounters, "the socket has taken it, or accept() already");
    assert_eq!(judge(seen(0, 1, None, false)), Decided(Outcome::Queued, Proof::Depth));
    let silent = seen(0, 0, None, true);
    let redeemed = counters(&[(Counter::SyncookiesRecv, 2)]);
    let judged = outcomes.judge_by_counters(Question::AckOfCookie, &silent, &redeemed);
    assert_eq!(judged, Decided(Outcome::Queued, Proof::Counters));
    assert_eq!(outcomes.judge_by_counters(Question::AckOfCookie, &silent, &redeemed), Nothing);
}

#[test]
fn what_does_not_redeem_a_cookie_is_reset_and_leaves_it_valid() {
    let mut outcomes = listener(2, &[(Sysctl::Syncookies, 2)]);
    outcomes.settle(at(0), &syn(1), Outcome::Cookie, Some(syn_ack(false)));
    // Behind data that was dropped: its sequence number is not the next one after the SYN's.
    let fin = segment(1, ACK | FIN, CLIENT_ISN + 11, SERVER_ISN + 1);
    assert_eq!(outcomes.foresee(at(10), &fin), Foreseen::Open(Question::AckOfCookie));
    let reset = Answer { kind: Kind::Rst, seq: SERVER_ISN + 1, window_scale: false };
    let judged = outcomes.judge(Question::AckOfCookie, &fin, &seen(0, 0, Some(reset), false));
    assert_eq!(judged, Decided(Outcome::AnsweredByReset, Proof::Answer));
    outcomes.settle(at(10), &fin, Outcome::AnsweredByReset, Some(reset));
    let data = segment(1, ACK | PSH, CLIENT_ISN + 1, SERVER_ISN + 1);
    assert_eq!(outcomes.foresee(at(11), &data), Foreseen::Certain(Outcome::Queued, Proof::Room));
    assert!(outcomes.redeems(&data, Outcome::Queued));
}

#[test]
fn a_cookie_outlives_the_connection_that_was_made_of_it() {
    let mut outcomes = listener(2, &[(Sysctl::Syncookies, 2)]);
    outcomes.settle(at(0), &syn(1), Outcome::Cookie, Some(syn_ack(false)));
    outcomes.settle(at(1), &final_ack(1), Outcome::Queued, None);
    assert_eq!(outcomes.foresee(at(2), &final_ack(1)), Foreseen::Nothing, "it belongs to the socket");
    outcomes.sent(&Segment { toward: Toward::Client, ..segment(1, RST, SERVER_ISN + 1, 0) });
    outcomes.set_queue(2, 5);
    assert_eq!(outcomes.foresee(at(3), &final_ack(1)), Foreseen::Certain(Outcome::Queued, Proof::Room));
    outcomes.keep_requests(at(119_999), |_| false);
    assert_eq!(outcomes.foresee(at(119_999), &final_ack(1)), Foreseen::Open(Question::AckOfCookie), "perhaps too old");
    outcomes.keep_requests(at(120_000), |_| false);
    assert_eq!(outcomes.foresee(at(120_000), &final_ack(1)), Foreseen::Nothing);
}

#[test]
fn an_ack_of_an_earlier_cookie_passes_by_the_request_which_stays() {
    let mut outcomes = with_requests(listener(2, &[]), 1);
    let earlier = segment(1, ACK, CLIENT_ISN + 1, SERVER_ISN + 7);
    assert_eq!(outcomes.foresee(at(10), &earlier), Foreseen::Open(Question::AckPastRequest));
    let judge = |evidence| outcomes.judge(Question::AckPastRequest, &earlier, &evidence);
    assert_eq!(judge(seen(0, 0, None, false)), NotYet);
    assert_eq!(judge(seen(0, 0, None, true)), ReadCounters, "the cookie may not be valid");
    let phantom = dropped(Cause::AckCookieAcceptQueueFull, Proof::Drops);
    assert_eq!(judge(seen(1, 0, None, false)), phantom);
    let silent = seen(0, 0, None, true);
    let redeemed = counters(&[(Counter::SyncookiesRecv, 1)]);
    let judged = outcomes.judge_by_counters(Question::AckPastRequest, &silent, &redeemed);
    assert_eq!(judged, Decided(Outcome::Shadowed, Proof::Counters));
    outcomes.settle(at(10), &earlier, Outcome::Shadowed, None);
    assert_eq!(outcomes.requests, 1, "the request stays");
    // What does not move the counter decides nothing.
    assert_eq!(outcomes.judge_by_counters(Question::AckPastRequest, &silent, &redeemed), Nothing);
}

#[test]
fn a_reset_of_the_client_ends_its_request() {
    let outcomes = with_requests(listener(0, &[]), 1);
    let reset = segment(1, RST, CLIENT_ISN + 1, 0);
    let question = Question::ResetAtRequest { certain: true };
    assert_eq!(outcomes.foresee(at(10), &reset), Foreseen::Open(question));
    assert_eq!(
        outcomes.judge(question, &reset, &seen(1, 0, None, false)),
        Decided(Outcome::RequestReset, Proof::Drops)
    );
    assert_eq!(outcomes.judge(question, &reset, &seen(0, 0, None, true)), Nothing, "it had gone");
}

#[test]
fn a_reset_for_what_is_not_there_moves_the_drop_count() {
    let mut outcomes = listener(2, &[(Sysctl::Syncookies, 2)]);
    let reset = segment(1, RST, CLIENT_ISN + 1, 0);
    assert_eq!(outcomes.foresee(at(0), &reset), Foreseen::Open(Question::ResetAtListener));
    outcomes.settle(at(0), &syn(1), Outcome::Cookie, Some(syn_ack(false)));
    assert_eq!(outcomes.foresee(at(1), &reset), Foreseen::Open(Question::ResetAtListener));
    let judge = |evidence| outcomes.judge(Question::ResetAtListener, &reset, &evidence);
    assert_eq!(judge(seen(0, 0, None, false)), NotYet);
    assert_eq!(judge(seen(1, 0, None, false)), ReadCounters, "a request may stand there unseen");
    assert_eq!(judge(seen(0, 0, None, true)), Nothing, "a socket in TIME_WAIT has taken it");
    let with_ack = segment(1, RST | ACK, CLIENT_ISN + 1, SERVER_ISN + 1);
    assert_eq!(outcomes.foresee(at(1), &with_ack), Foreseen::Nothing, "the listener's count leaves that out");
}

#[test]
fn what_is_on_its_way_into_the_queue_counts_until_it_is_there() {
    let mut outcomes = with_requests(listener(4, &[]), 3);
    let settle = |outcomes: &mut Outcomes, port| {
        assert_eq!(outcomes.foresee(at(1), &final_ack(port)), Foreseen::Certain(Outcome::Queued, Proof::Room));
        outcomes.settle_unseen(at(1), &final_ack(port), Outcome::Queued);
    };
    settle(&mut outcomes, 1);
    // The kernel has not taken it yet.
    outcomes.set_queue(4, 5);
    settle(&mut outcomes, 2);
    outcomes.set_queue(4, 5);
    assert_eq!(outcomes.foresee(at(1), &final_ack(3)), Foreseen::Open(Question::AckAtRequest));
    assert!(outcomes.any_entering(), "the growth of the queue may be theirs");
    outcomes.all_entered();
    outcomes.set_queue(5, 5);
    settle(&mut outcomes, 3);
}

#[test]
fn a_socket_is_forgotten_when_both_sides_have_closed() {
    let mut outcomes = with_requests(listener(0, &[]), 1);
    outcomes.settle(at(1), &final_ack(1), Outcome::Queued, None);
    outcomes.sent(&Segment { toward: Toward::Client, ..segment(1, FIN | ACK, SERVER_ISN + 1, 0) });
    assert_eq!(outcomes.peers.len(), 1);
    outcomes.passed(&segment(1, FIN | ACK, CLIENT_ISN + 1, 0));
    assert_eq!((outcomes.peers.len(), outcomes.requests), (0, 0));
}

proptest! {
    /// Whatever is read: where it does not fit, it is looked at again, and what is processed is decided one way or the other.
    #[test]
    fn what_has_been_processed_never_stays_open(
        question in prop_oneof![
            Just(Question::Syn),
            any::<bool>().prop_map(|old| Question::SynAtRequest { isn: Some(SERVER_ISN), old }),
            Just(Question::AckAtRequest),
            Just(Question::AckOfCookie),
            Just(Question::AckPastRequest),
            any::<bool>().prop_map(|certain| Question::ResetAtRequest { certain }),
            Just(Question::ResetAtListener),
        ],
        drops in 0..4_u32,
        growth in -3..3_i64,
        kind in prop::option::of(prop_oneof![Just(Kind::SynAck), Just(Kind::Rst), Just(Kind::Ack)]),
        abort in 0..2_i64,
    ) {
        let outcomes = with_requests(listener(6, &[(Sysctl::AbortOnOverflow, abort)]), 6);
        let answer = kind.map(|kind| Answer { kind, seq: SERVER_ISN + 1, window_scale: true });
        let judged = outcomes.judge(question, &syn(9), &seen(drops, growth, answer, true));
        prop_assert_ne!(judged, NotYet);
    }
}
