//! The fold: what becomes of segments and clients, event by event.

#[path = "fold/course.rs"]
mod course;
#[path = "fold/delivered.rs"]
mod delivered;
#[path = "fold/fail_on.rs"]
mod fail_on;
#[path = "fold/finding_watch.rs"]
mod finding_watch;
#[path = "fold/gate.rs"]
mod gate;
#[path = "fold/listeners.rs"]
mod listeners;
#[path = "fold/memory.rs"]
mod memory;
#[path = "fold/nearby.rs"]
mod nearby;
#[path = "fold/occupancy.rs"]
mod occupancy;
#[path = "fold/prediction.rs"]
mod prediction;
#[path = "fold/programs.rs"]
mod programs;
#[path = "fold/rules.rs"]
mod rules;
#[path = "fold/spread.rs"]
mod spread;
#[path = "fold/what_if.rs"]
mod what_if;
#[path = "fold/world_watched.rs"]
mod world_watched;

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
    play.arrive(3);
    assert_eq!(play.drop_count(Cause::SynAcceptQueueFull), (1, 1));
    play.syn(3);
    assert_eq!(play.drop_count(Cause::SynAcceptQueueFull), (2, 1), "packets are not clients");
    assert_eq!(play.belief(3), CombinedState::SynSent);
}

#[test]
fn an_ack_on_a_full_queue_makes_a_ghost_and_room_heals_it() {
    let mut play = Play::new(0, &[]);
    for id in [1, 2] {
        play.request(id);
    }
    play.ack(1);
    play.client_event(2, ClientEvent::Connected);
    play.ack(2);
    assert_eq!(play.drop_count(Cause::AckAcceptQueueFull), (1, 1));
    assert_eq!(play.belief(2), CombinedState::Ghost);
    assert_eq!(play.world.clients.ghosts, 1);
    play.syn_ack(2);
    play.ack(2);
    assert_eq!(play.drop_count(Cause::AckAcceptQueueFull), (2, 1));
    play.accept(1);
    play.syn_ack(2);
    play.ack(2);
    assert_eq!(play.belief(2), CombinedState::Queued);
    assert_eq!(play.world.clients.ghosts, 1, "it was one at a moment of the run");
    assert_eq!((play.world.accept_queue.depth(), play.world.syn_queue.depth()), (1, 0));
}

#[test]
fn a_cookie_holds_no_place_and_on_a_full_queue_makes_a_phantom() {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 2)]);
    play.cookie_holder(1);
    assert_eq!(play.belief(1), CombinedState::CookieOut);
    assert_eq!(play.world.syn_queue.depth(), 0, "a cookie holds no place");
    play.cookie_holder(2);
    play.ack(1);
    assert_eq!(play.belief(1), CombinedState::Queued);
    play.client_event(2, ClientEvent::Connected);
    play.ack(2);
    assert_eq!(play.belief(2), CombinedState::Phantom);
    assert_eq!(play.drop_count(Cause::AckCookieAcceptQueueFull), (1, 1));
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
    play.client_event(2, ClientEvent::Reset);
    assert_eq!(play.drop_count(Cause::AckReset), (1, 1));
    assert_eq!(play.world.clients.ghosts, 0);
    assert_eq!(play.world.syn_queue.depth(), 0);
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
    assert_eq!(play.drop_count(Cause::RequestExpired), (0, 0), "one dump can miss a row");
    play.list(&[]);
    assert_eq!(play.drop_count(Cause::RequestExpired), (1, 1));
    assert_eq!(play.drop_count(Cause::RequestPruned), (1, 1));
    assert_eq!(play.world.syn_queue.depth(), 0);
}

#[test]
fn a_client_that_resets_while_it_waits_still_holds_its_place() {
    let mut play = Play::new(5, &[]);
    play.handshake(1);
    play.wire(1, Toward::Listener, flags::RST, (1001, 0));
    play.client_event(1, ClientEvent::Reset);
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
        play.client_event(id, ClientEvent::Finished);
        play.emit(Event::Served { peer: peer(id), event: ServerEvent::Closed });
        assert_eq!(play.world.connection(&peer(id)).unwrap().server, ServerSide::Closed);
    }
    assert!(play.world.roster.count() <= 256, "{}", play.world.roster.count());
    assert_eq!(play.world.clients.in_flight(), 0);
    play.pass(2000);
    assert_eq!(play.world.roster.count(), 0);
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
    play.client_event(1, ClientEvent::Lost { kind: qviz::model::segment::Kind::Syn, outbound: true });
    play.client_event(1, ClientEvent::Lost { kind: qviz::model::segment::Kind::Syn, outbound: true });
    assert_eq!(play.drop_count(Cause::ClientLost), (2, 1));
    assert_eq!(play.world.ledger.kernel_drops(), 0);
}

#[test]
fn a_burst_that_fills_and_drains_the_queue_between_two_readings_is_seen_whole() {
    let mut play = Play::new(1, &[]);
    play.depth(0);
    let before = play.now;
    for id in [1, 2] {
        play.handshake(id);
    }
    play.arrive(3);
    play.accept(1);
    play.accept(2);
    play.depth(0);
    play.pass(5);
    assert!(play.now - before < 10_000_000);
    assert_eq!(play.world.accept_queue.max(), 2);
    assert!(play.world.accept_queue.full(play.world.now) >= std::time::Duration::from_micros(200));
    assert_eq!(play.drop_count(Cause::SynAcceptQueueFull), (1, 1));
    assert_eq!(play.world.accept_queue.corrections, 0);
}

#[test]
fn a_drop_that_only_the_listener_counts_is_unexplained() {
    let mut play = Play::new(5, &[]);
    play.drops(0);
    play.handshake(1);
    play.drops(2);
    play.emit(Event::Ended);
    let balance = play.world.balance();
    assert_eq!((balance.balanced, balance.unexplained.len()), (Some(false), 1));
    assert_eq!((balance.unexplained[0].counter, balance.unexplained[0].kernel), ("sk_drops", 2));
}
