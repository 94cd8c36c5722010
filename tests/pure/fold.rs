//! The fold: what becomes of segments and clients, event by event.

#[path = "fold/answers.rs"]
mod answers;
#[path = "fold/arbiter.rs"]
mod arbiter;
#[path = "fold/doubts.rs"]
mod doubts;
#[path = "fold/rules.rs"]
mod rules;
#[path = "fold/waiting.rs"]
mod waiting;

use qviz::fold::connection::{CombinedState, ServerSide};
use qviz::model::cause::Cause;
use qviz::model::counters::Counter;
use qviz::model::event::{ClientEvent, Event, ServerEvent};
use qviz::model::segment::{Toward, flags};
use qviz::model::settings::Sysctl;

use crate::play::{Play, peer};

#[test]
fn a_syn_without_an_answer_on_a_full_accept_queue_is_named() {
    let mut play = Play::new(1, &[]);
    play.handshake(1);
    play.handshake(2);
    play.knock(3);
    assert_eq!(play.toll(Cause::SynAcceptQueueFull), (0, 0), "an answer may still come");
    play.pass(5);
    assert_eq!(play.toll(Cause::SynAcceptQueueFull), (1, 1));
    play.syn(3);
    play.pass(5);
    assert_eq!(play.toll(Cause::SynAcceptQueueFull), (2, 1), "packets are not clients");
    assert_eq!(play.belief(3), CombinedState::SynSent);
}

#[test]
fn an_answer_that_comes_late_takes_the_charge_back() {
    let mut play = Play::new(1, &[]);
    play.handshake(1);
    play.handshake(2);
    play.knock(3);
    play.pass(5);
    play.syn_ack(3);
    assert_eq!(play.toll(Cause::SynAcceptQueueFull), (0, 0));
    assert_eq!(play.belief(3), CombinedState::HalfOpen);
}

#[test]
fn an_ack_on_a_full_queue_makes_a_ghost_and_room_heals_it() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.life(2, ClientEvent::Connected);
    play.ack(2);
    assert_eq!(play.toll(Cause::AckAcceptQueueFull), (1, 1));
    assert_eq!(play.belief(2), CombinedState::Ghost);
    assert_eq!(play.world.clients.ghosts, 1);
    play.syn_ack(2);
    play.ack(2);
    assert_eq!(play.toll(Cause::AckAcceptQueueFull), (2, 1));
    play.accept(1);
    play.syn_ack(2);
    play.ack(2);
    assert_eq!(play.belief(2), CombinedState::Queued);
    assert_eq!(play.world.clients.ghosts, 1, "it was one at a moment of the run");
    assert_eq!((play.world.accept_queue.depth(), play.world.syn_queue.depth()), (1, 0));
}

#[test]
fn a_cookie_is_told_by_its_missing_window_scale_and_a_full_queue_makes_a_phantom() {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 2)]);
    play.knock(1);
    play.cookie(1);
    assert_eq!(play.belief(1), CombinedState::CookieOut);
    assert_eq!(play.world.syn_queue.depth(), 0, "a cookie holds no place");
    play.knock(2);
    play.cookie(2);
    play.ack(1);
    assert_eq!(play.belief(1), CombinedState::Queued);
    play.life(2, ClientEvent::Connected);
    play.ack(2);
    assert_eq!(play.belief(2), CombinedState::Phantom);
    assert_eq!(play.toll(Cause::AckCookieAcceptQueueFull), (1, 1));
    assert_eq!((play.world.ledger.cookies_sent, play.world.ledger.cookies_redeemed), (2, 2));
}

#[test]
fn abort_on_overflow_resets() {
    let mut play = Play::new(0, &[(Sysctl::AbortOnOverflow, 1)]);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.ack(2);
    play.wire(2, Toward::Client, flags::RST, (5001, 0));
    play.life(2, ClientEvent::Reset);
    assert_eq!(play.toll(Cause::AckReset), (1, 1));
    assert_eq!(play.world.clients.ghosts, 0);
    assert_eq!(play.world.syn_queue.depth(), 0);
}

#[test]
fn with_cookies_off_the_syn_queue_and_the_three_quarters_rule_refuse() {
    let mut play = Play::new(1, &[(Sysctl::Syncookies, 0)]);
    for id in [1, 2] {
        play.request(id);
    }
    play.knock(3);
    play.pass(5);
    assert_eq!(play.toll(Cause::SynSynQueueFull), (1, 1));

    let mut play = Play::new(100, &[(Sysctl::Syncookies, 0), (Sysctl::MaxSynBacklog, 8)]);
    for id in 0..7 {
        play.request(id);
    }
    play.knock(7);
    play.pass(5);
    assert_eq!(play.toll(Cause::SynMaxSynBacklog), (1, 1));
}

#[test]
fn a_reading_of_the_queue_revises_the_latest_decision() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.ack(2);
    assert_eq!(play.belief(2), CombinedState::Ghost);
    play.depth(2);
    assert_eq!(play.belief(2), CombinedState::Queued, "the kernel says that it holds two");
    assert_eq!(play.toll(Cause::AckAcceptQueueFull), (0, 0));
    assert_eq!(play.world.clients.ghosts, 0);
}

#[test]
fn a_repeated_syn_ack_proves_that_the_ack_was_ignored() {
    let mut play = Play::new(5, &[]);
    play.handshake(1);
    assert_eq!(play.belief(1), CombinedState::Queued);
    play.syn_ack(1);
    assert_eq!(play.belief(1), CombinedState::Ghost);
    assert_eq!(play.toll(Cause::AckAcceptQueueFull), (1, 1));
}

#[test]
fn accept_proves_that_the_ack_was_taken() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.handshake(2);
    play.accept(2);
    assert_eq!(play.belief(2), CombinedState::Accepted);
    assert_eq!(play.world.clients.ghosts, 0);
    assert_eq!(play.world.accept_queue.depth(), 1);
}

#[test]
fn the_counters_name_a_syn_that_stood_between_two_causes() {
    let mut play = Play::new(1, &[(Sysctl::Syncookies, 0)]);
    play.handshake(1);
    play.handshake(2);
    play.knock(3);
    play.pass(5);
    assert_eq!(play.toll(Cause::SynAcceptQueueFull), (1, 1));
    play.count(&[(Counter::ListenDrops, 1), (Counter::TCPReqQFullDrop, 1)]);
    assert_eq!(play.toll(Cause::SynAcceptQueueFull), (0, 0));
    assert_eq!(play.toll(Cause::SynSynQueueFull), (1, 1));
    assert_eq!(play.even(), Some(true));
}

#[test]
fn a_drop_that_nothing_explains_is_shown() {
    let mut play = Play::new(5, &[]);
    play.count(&[(Counter::ListenDrops, 2), (Counter::ListenOverflows, 2)]);
    assert_eq!(play.world.balance().balanced, Some(true), "the answer to it may still be on its way");
    play.pass(1000);
    let balance = play.world.balance();
    assert_eq!(balance.balanced, Some(false));
    assert_eq!(balance.unexplained.len(), 2);
}

#[test]
fn a_request_that_dumps_no_longer_list_has_expired_or_was_pruned() {
    let mut play = Play::new(5, &[(Sysctl::SynackRetries, 1)]);
    for id in [1, 2] {
        play.request(id);
    }
    play.syn_ack(1);
    play.list(&[1, 2]);
    play.list(&[]);
    assert_eq!(play.toll(Cause::RequestExpired), (0, 0), "one dump can miss a row");
    play.list(&[]);
    assert_eq!(play.toll(Cause::RequestExpired), (1, 1));
    assert_eq!(play.toll(Cause::RequestPruned), (1, 1));
    assert_eq!(play.world.syn_queue.depth(), 0);
}

#[test]
fn a_client_that_resets_while_it_waits_still_holds_its_place() {
    let mut play = Play::new(5, &[]);
    play.handshake(1);
    play.wire(1, Toward::Listener, flags::RST, (1001, 0));
    play.life(1, ClientEvent::Reset);
    assert_eq!(play.belief(1), CombinedState::ClosedInQueue);
    assert_eq!(play.world.accept_queue.depth(), 1);
    play.pass(600);
    assert!(play.world.findings.iter().any(|finding| finding.rule == "dead-in-queue"));
}

#[test]
fn connections_that_are_over_are_forgotten() {
    let mut play = Play::new(5, &[]);
    for id in 0..1000 {
        play.handshake(id);
        play.accept(id);
        play.life(id, ClientEvent::Finished);
        play.tell(Event::Served { peer: peer(id), event: ServerEvent::Closed });
        assert_eq!(play.world.connection(&peer(id)).unwrap().server, ServerSide::Closed);
    }
    assert!(play.world.roster.count() <= 256, "{}", play.world.roster.count());
    assert_eq!(play.world.clients.in_flight(), 0);
    play.pass(2000);
    assert_eq!(play.world.roster.count(), 0);
}

#[test]
fn a_cookie_for_a_client_with_timestamps_is_told_by_the_depth_of_the_syn_queue() {
    let mut play = Play::new(1, &[]);
    for id in [1, 2, 3] {
        play.answered(id);
    }
    assert_eq!((play.belief(2), play.belief(3)), (CombinedState::HalfOpen, CombinedState::CookieOut));
    assert_eq!(play.world.ledger.cookies_sent, 1);
}

#[test]
fn syns_that_come_together_are_judged_by_what_the_kernel_counts_already() {
    let mut play = Play::new(1, &[]);
    for id in [1, 2, 3] {
        play.start(id);
        play.stamped(id, Toward::Listener, flags::SYN);
    }
    for id in [1, 2, 3] {
        play.stamped(id, Toward::Client, flags::SYN | flags::ACK);
    }
    assert_eq!(play.world.syn_queue.depth(), 2, "two of backlog 1, the third is a cookie");
    assert_eq!(play.belief(3), CombinedState::CookieOut);
}

#[test]
fn a_request_that_no_dump_ever_lists_was_a_cookie_if_the_counters_say_so() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.start(2);
    play.tell(Event::Sysctl { name: Sysctl::Syncookies, value: 1 });
    play.stamped(2, Toward::Listener, flags::SYN);
    play.stamped(2, Toward::Client, flags::SYN | flags::ACK);
    play.ack(2);
    assert_eq!(play.belief(2), CombinedState::Ghost);
    play.count(&[
        (Counter::SyncookiesSent, 1),
        (Counter::SyncookiesRecv, 1),
        (Counter::ListenOverflows, 1),
        (Counter::ListenDrops, 1),
    ]);
    play.list(&[]);
    play.list(&[]);
    assert_eq!(play.belief(2), CombinedState::Phantom);
    assert_eq!((play.toll(Cause::AckAcceptQueueFull), play.toll(Cause::AckCookieAcceptQueueFull)), ((0, 0), (1, 1)));
    assert_eq!((play.world.clients.ghosts, play.world.clients.phantoms), (0, 1));
    assert_eq!(play.even(), Some(true));
}

#[test]
fn a_cookie_that_made_a_connection_at_once_is_known_by_the_counters() {
    let mut play = Play::new(5, &[]);
    play.answered(1);
    play.ack(1);
    for _ in 0..2 {
        play.count(&[(Counter::SyncookiesSent, 1), (Counter::SyncookiesRecv, 1)]);
    }
    assert_eq!(play.even(), Some(true));
    play.count(&[(Counter::SyncookiesSent, 2), (Counter::SyncookiesRecv, 2)]);
    play.pass(1000);
    assert_eq!(play.world.balance().balanced, Some(false), "there was only one connection that it could be");
}

#[test]
fn an_ack_answered_with_rst_met_no_request_and_is_no_victim_of_the_queue() {
    let mut play = Play::new(0, &[(Sysctl::SynackRetries, 1)]);
    play.handshake(1);
    play.knock(2);
    play.accept(1);
    play.syn_ack(2);
    play.handshake(3);
    play.syn_ack(2);
    play.ack(2);
    assert_eq!(play.belief(2), CombinedState::Ghost);
    play.wire(2, Toward::Client, flags::RST, (5001, 0));
    assert_eq!(play.toll(Cause::AckAcceptQueueFull), (0, 0));
    assert_eq!(play.toll(Cause::RequestExpired), (1, 1));
    assert_eq!(play.world.clients.ghosts, 0);
    assert_eq!(play.world.syn_queue.depth(), 0);
}

#[test]
fn a_half_open_client_that_resets_ends_its_request() {
    let mut play = Play::new(5, &[]);
    play.request(1);
    play.wire(1, Toward::Listener, flags::RST, (1001, 0));
    assert_eq!(play.world.syn_queue.depth(), 0);
    play.count(&[(Counter::EmbryonicRsts, 1)]);
    assert_eq!(play.even(), Some(true));
}

#[test]
fn what_our_own_network_loses_is_named_and_is_no_drop_of_the_kernel() {
    let mut play = Play::new(5, &[]);
    play.start(1);
    play.life(1, ClientEvent::Lost { kind: qviz::model::segment::Kind::Syn, outbound: true });
    play.life(1, ClientEvent::Lost { kind: qviz::model::segment::Kind::Syn, outbound: true });
    assert_eq!(play.toll(Cause::ClientLost), (2, 1));
    assert_eq!(play.world.ledger.kernel_drops(), 0);
}

#[test]
fn an_attribution_names_its_witnesses() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.knock(2);
    play.pass(5);
    let witnesses = |play: &Play| play.world.ledger.witnesses(Cause::SynAcceptQueueFull);
    assert_eq!((witnesses(&play).wire, witnesses(&play).counters, witnesses(&play).client), (1, 0, 0));
    play.count(&[(Counter::ListenOverflows, 1), (Counter::ListenDrops, 1)]);
    assert_eq!((witnesses(&play).wire, witnesses(&play).counters, witnesses(&play).client), (1, 1, 0));
    play.syn(2);
    assert_eq!(witnesses(&play).client, 1, "the client tried again");
}

#[test]
fn a_burst_that_fills_and_drains_the_queue_between_two_readings_is_seen_whole() {
    let mut play = Play::new(1, &[]);
    play.depth(0);
    let before = play.now;
    for id in [1, 2] {
        play.handshake(id);
    }
    play.knock(3);
    play.accept(1);
    play.accept(2);
    play.depth(0);
    play.pass(5);
    assert!(play.now - before < 10_000_000);
    assert_eq!(play.world.accept_queue.max(), 2);
    assert!(play.world.accept_queue.full(play.world.now) >= std::time::Duration::from_micros(200));
    assert_eq!(play.toll(Cause::SynAcceptQueueFull), (1, 1));
    assert_eq!(play.world.accept_queue.corrections, 0);
}

#[test]
fn with_both_queues_full_the_kernel_asks_for_the_syn_queue_first() {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 0)]);
    for id in [1, 2] {
        play.request(id);
        play.ack(id);
    }
    assert!(play.world.accept_queue.is_full() && play.world.syn_queue.is_full());
    play.knock(3);
    play.pass(5);
    assert_eq!((play.toll(Cause::SynSynQueueFull), play.toll(Cause::SynAcceptQueueFull)), ((1, 1), (0, 0)));
}

#[test]
fn the_three_quarters_rule_is_not_taken_for_a_nearly_full_accept_queue() {
    let mut play = Play::new(10, &[(Sysctl::Syncookies, 0), (Sysctl::MaxSynBacklog, 8)]);
    for id in 0..10 {
        play.handshake(id);
    }
    for id in 10..17 {
        play.request(id);
    }
    assert_eq!(play.world.accept_queue.depth(), 10, "one place is left");
    play.knock(17);
    play.pass(5);
    assert_eq!((play.toll(Cause::SynMaxSynBacklog), play.toll(Cause::SynAcceptQueueFull)), ((1, 1), (0, 0)));
}

#[test]
fn a_silence_that_the_counters_had_named_is_taken_back_when_the_answer_comes_late() {
    let mut play = Play::new(5, &[]);
    play.knock(1);
    play.pass(5);
    assert_eq!(play.world.ledger.syns_without_cause, 1, "no queue was near its limit");
    play.count(&[(Counter::ListenDrops, 1), (Counter::ListenOverflows, 1)]);
    assert_eq!(play.toll(Cause::SynAcceptQueueFull), (1, 1));
    play.syn_ack(1);
    assert_eq!((play.toll(Cause::SynAcceptQueueFull), play.world.ledger.syns_without_cause), ((0, 0), 0));
    play.knock(2);
    play.pass(5);
    play.syn_ack(2);
    assert_eq!(play.world.ledger.syns_without_cause, 0);
}

#[test]
fn a_syn_without_an_answer_that_no_counter_knows_is_not_hidden() {
    let mut play = Play::new(5, &[]);
    play.knock(1);
    play.pass(5);
    play.count(&[]);
    play.tell(Event::Ended);
    let balance = play.world.balance();
    assert_eq!(balance.balanced, None);
    assert!(balance.reason.is_some());
}

/// A repeated SYN of a queued request and a RST that ends one move the listener's drop count, and they are no drops.
#[test]
fn the_noise_of_the_listeners_drop_count_is_known() {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 0)]);
    play.drops(7);
    for id in [1, 2] {
        play.request(id);
    }
    play.syn(1);
    play.syn_ack(1);
    assert_eq!((play.world.ledger.listener_drops(), play.world.ledger.kernel_drops()), (1, 0));
    play.ack(1);
    play.ack(2);
    assert_eq!(play.world.ledger.listener_drops(), 3, "an ignored final ACK counts twice");
    play.knock(3);
    play.pass(5);
    assert_eq!(play.world.ledger.listener_drops(), 4);
    play.wire(2, Toward::Listener, flags::RST, (1001, 5001));
    assert_eq!(play.world.ledger.listener_drops(), 5);
    play.drops(12);
    assert_eq!(play.world.listener_drops.total(), Some(5));
    let witnesses = |cause| play.world.ledger.witnesses(cause).listener;
    assert_eq!((witnesses(Cause::SynSynQueueFull), witnesses(Cause::AckAcceptQueueFull)), (1, 1));
}

#[test]
fn a_drop_that_only_the_listener_counts_is_unexplained() {
    let mut play = Play::new(5, &[]);
    play.drops(0);
    play.handshake(1);
    play.drops(2);
    play.tell(Event::Ended);
    let balance = play.world.balance();
    assert_eq!((balance.balanced, balance.unexplained.len()), (Some(false), 1));
    assert_eq!((balance.unexplained[0].counter, balance.unexplained[0].kernel), ("sk_drops", 2));
}

/// Two processors can look at the same last place of the queue: it then holds one more than it should.
#[test]
fn an_ack_and_its_data_on_a_full_queue_were_not_ignored_when_the_child_answers_without_an_accept() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.ack(2);
    play.data(2);
    assert_eq!(play.toll(Cause::AckAcceptQueueFull), (2, 1));
    play.child(2);
    assert_eq!((play.belief(2), play.toll(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (0, 0)));
    assert_eq!((play.world.accept_queue.depth(), play.world.clients.ghosts), (2, 0));
    // With an accept() in between, the data took the place, and the ACK had been ignored.
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.ack(2);
    play.data(2);
    play.accept(1);
    play.data(2);
    play.child(2);
    assert_eq!((play.belief(2), play.toll(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (2, 1)));
}

#[test]
fn what_was_wrongly_taken_for_a_cookie_is_known_by_the_counters() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.answered(id);
    }
    play.ack(2);
    assert_eq!((play.world.ledger.cookies_sent, play.world.ledger.cookies_redeemed), (1, 1));
    play.count(&[]);
    assert_eq!(play.world.ledger.cookies_sent, 1, "one reading is not enough: the counters may be behind");
    play.count(&[]);
    assert_eq!((play.world.ledger.cookies_sent, play.world.ledger.cookies_redeemed), (0, 0));
    assert_eq!(play.even(), Some(true));
}

#[test]
fn what_was_taken_for_a_cookie_and_is_listed_was_a_request() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.answered(id);
    }
    play.ack(1);
    play.ack(2);
    assert_eq!((play.belief(2), play.toll(Cause::AckCookieAcceptQueueFull)), (CombinedState::Phantom, (1, 1)));
    play.list(&[2]);
    assert_eq!((play.belief(2), play.toll(Cause::AckCookieAcceptQueueFull)), (CombinedState::Ghost, (0, 0)));
    assert_eq!(play.toll(Cause::AckAcceptQueueFull), (1, 1));
    assert_eq!((play.world.clients.ghosts, play.world.clients.phantoms), (1, 0));
    assert_eq!((play.world.ledger.cookies_sent, play.world.ledger.cookies_redeemed), (0, 0));
    assert_eq!(play.world.syn_queue.depth(), 1);
}

#[test]
fn a_syn_whose_request_was_listed_before_it_was_seen_is_no_repeated_one() {
    let mut play = Play::new(5, &[]);
    play.start(1);
    play.list(&[1]);
    play.syn(1);
    assert_eq!(play.world.ledger.listener_drops(), 0);
    play.syn_ack(1);
    play.syn(1);
    assert_eq!(play.world.ledger.listener_drops(), 1, "now it is a repeated one");
}

#[test]
fn a_request_and_a_guessed_cookie_that_changed_places_are_put_right() {
    let mut play = Play::new(1, &[]);
    for id in [1, 2, 3] {
        play.answered(id);
    }
    assert_eq!((play.belief(2), play.belief(3)), (CombinedState::HalfOpen, CombinedState::CookieOut));
    for id in [3, 1, 2] {
        play.ack(id);
    }
    assert_eq!(play.belief(2), CombinedState::Ghost);
    play.count(&[
        (Counter::ListenOverflows, 1),
        (Counter::ListenDrops, 1),
        (Counter::SyncookiesSent, 1),
        (Counter::SyncookiesRecv, 1),
    ]);
    play.list(&[]);
    play.list(&[]);
    assert_eq!((play.belief(2), play.toll(Cause::AckCookieAcceptQueueFull)), (CombinedState::Phantom, (1, 1)));
    assert_eq!((play.world.ledger.cookies_sent, play.world.ledger.cookies_redeemed), (1, 1));
    assert_eq!(play.even(), Some(true));
}

#[test]
fn what_no_list_shows_within_a_second_was_a_cookie_also_before_the_counters_tell() {
    let mut play = Play::new(0, &[]);
    play.handshake(1);
    play.answered(2);
    play.ack(2);
    assert_eq!(play.belief(2), CombinedState::Ghost);
    play.list(&[]);
    play.list(&[]);
    assert_eq!((play.belief(2), play.toll(Cause::RequestPruned)), (CombinedState::Phantom, (0, 0)));
}

/// What an ignored ACK weighs is certain only where the wire tells a cookie from a request.
#[test]
fn where_cookies_are_guessed_the_listeners_drop_count_decides_no_ack() {
    let mut play = Play::new(1, &[]);
    play.drops(0);
    for id in [1, 2, 3] {
        play.answered(id);
    }
    play.ack(1);
    play.ack(3);
    play.accept(1);
    play.ack(2);
    play.drops(2);
    play.drops(2);
    assert_eq!((play.belief(2), play.toll(Cause::AckAcceptQueueFull)), (CombinedState::Queued, (0, 0)));
}
