//! What is open about segments that are only seen, and what decides it.

use super::*;

/// A watch of a full queue, its drop count at 0.
fn full() -> Watch {
    let mut watch = Watch::began(true);
    watch.after(100).connects(1).connects(2).connects(3).depth(3, 0).after(60);
    watch
}

impl Watch {
    fn lost(&self, cause: Cause) -> (u64, u64) {
        let lost = self.world.lost(cause);
        (lost.segments, lost.clients)
    }

    /// A client that was let in while there was room, and answers now.
    fn late(&mut self, port: u16) -> &mut Self {
        self.segment(port, Toward::Listener, flags::ACK, 0)
    }

    fn repeats(&mut self, port: u16) -> &mut Self {
        self.segment(port, Toward::Client, flags::SYN | flags::ACK, 0)
    }
}

/// A full queue, and a request of client 4 that was made before it was full.
fn with_request() -> Watch {
    let mut watch = Watch::began(true);
    watch.after(100).syn(4).repeats(4);
    watch.connects(1).connects(2).connects(3).depth(3, 0).after(60);
    watch
}

#[test]
fn a_syn_without_an_answer_is_no_drop_while_the_listeners_count_stands_still() {
    let mut watch = full();
    watch.syn(4).after(60).depth(3, 0).after(60);
    assert_eq!((watch.lost(Cause::SynAcceptQueueFull), watch.world.ledger.unanswered), ((0, 0), 1));
    assert_eq!(watch.world.not_attributed(), Some(0));
    watch.syn(4).after(60).depth(3, 1).after(60);
    assert_eq!((watch.lost(Cause::SynAcceptQueueFull), watch.world.ledger.unanswered), ((1, 1), 1));
    assert_eq!(watch.world.connection(&peer(4)).unwrap().last_drop.unwrap().cause, Cause::SynAcceptQueueFull);
}

#[test]
fn which_of_two_silent_syns_was_dropped_is_not_guessed() {
    let mut watch = full();
    watch.syn(4).syn(5).after(60).depth(3, 1).after(60);
    assert_eq!((watch.lost(Cause::SynAcceptQueueFull), watch.world.not_attributed()), ((0, 0), Some(1)));
    assert_eq!(watch.world.chosen_drops(), None, "the wire does not explain all of it");
    watch.after(4000).depth(3, 1).after(60);
    assert_eq!((watch.lost(Cause::SynAcceptQueueFull), watch.world.not_attributed()), ((0, 0), Some(1)));
    watch.syn(6).after(10).depth(3, 2).after(60);
    assert_eq!(watch.lost(Cause::SynAcceptQueueFull), (1, 1), "what could not be decided does not stand in the way");
}

#[test]
fn a_silent_syn_of_a_queue_with_room_has_no_cause() {
    let mut watch = Watch::began(true);
    watch.after(100).connects(1).depth(1, 0).after(60).syn(4).after(60).depth(1, 1).after(60);
    assert!(watch.world.ledger.lost_by_cause().all(|(_, lost)| lost.segments == 0));
    assert_eq!(watch.world.not_attributed(), Some(1));
}

#[test]
fn where_two_tests_may_have_refused_a_syn_the_counters_take_one_away() {
    for (moved, cause) in
        [([1, 0], Some(Cause::SynAcceptQueueFull)), ([0, 1], Some(Cause::SynSynQueueFull)), ([1, 1], None)]
    {
        let mut watch = Watch::began(true);
        watch.apply(&Event::Sysctl { name: Sysctl::Syncookies, value: 0 });
        let mut counters = Counters::default();
        let both = [Counter::ListenOverflows, Counter::TCPReqQFullDrop];
        for counter in both {
            counters.set(counter, 7);
        }
        watch.apply(&Event::Counters(Box::new(counters.clone())));
        for port in [11, 12, 13] {
            watch.syn(port).repeats(port);
        }
        watch.connects(1).connects(2).connects(3).depth(3, 0).after(60).syn(4).after(10).depth(3, 1);
        for (counter, moved) in both.into_iter().zip(moved) {
            counters.set(counter, 7 + moved);
        }
        watch.apply(&Event::Counters(Box::new(counters)));
        watch.after(60);
        let charged: Vec<_> =
            watch.world.ledger.lost_by_cause().filter(|(_, lost)| lost.segments > 0).map(|(cause, _)| cause).collect();
        assert_eq!(charged, cause.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_repeated_syn_ack_proves_that_the_ack_was_ignored() {
    let mut watch = with_request();
    watch.late(4).after(60).depth(3, 2).after(60);
    assert_eq!(watch.lost(Cause::AckAcceptQueueFull), (0, 0), "it may have been taken, and others repeated");
    watch.after(900).repeats(4).depth(3, 2).after(60);
    assert_eq!(watch.lost(Cause::AckAcceptQueueFull), (1, 1));
    assert_eq!(watch.world.connection(&peer(4)).map(Connection::belief), Some(CombinedState::Ghost));
    assert_eq!((watch.world.clients.ghosts, watch.world.not_attributed()), (1, Some(0)));
}

#[test]
fn a_request_that_is_listed_after_its_ack_had_it_ignored() {
    let mut watch = with_request();
    watch.late(4).after(20).half_open(&[(4, 0)]);
    assert_eq!(watch.world.clients.ghosts, 0, "the list may be older");
    watch.after(60).half_open(&[(4, 0)]).depth(3, 2).after(60);
    assert_eq!((watch.lost(Cause::AckAcceptQueueFull), watch.world.clients.ghosts), ((1, 1), 1));
}

#[test]
fn what_the_kernel_sends_for_a_connection_proves_that_its_ack_was_taken() {
    let mut watch = with_request();
    watch.late(4).segment(4, Toward::Client, flags::ACK, 0);
    assert_eq!(watch.server(4), Some(ServerSide::Queued));
    watch.after(60).depth(3, 0).after(60);
    assert_eq!((watch.lost(Cause::AckAcceptQueueFull), watch.world.not_attributed()), ((0, 0), Some(0)));
}

#[test]
fn an_ignored_ack_is_attributed_only_within_what_the_listener_counted() {
    let mut watch = with_request();
    watch.late(4).after(900).repeats(4).depth(3, 1).after(60);
    assert_eq!(watch.lost(Cause::AckAcceptQueueFull), (0, 0), "it weighs two");
    watch.after(4000).depth(3, 1).after(60);
    assert_eq!((watch.lost(Cause::AckAcceptQueueFull), watch.world.not_attributed()), ((0, 0), Some(1)));
}

#[test]
fn repeated_syns_of_a_request_are_noise_where_the_count_shows_how_many() {
    let mut watch = with_request();
    watch.syn(4).repeats(4).after(60).depth(3, 1).after(60);
    assert_eq!((watch.world.ledger.ended_at_request, watch.world.not_attributed()), (1, Some(0)));
    let drops = watch.world.chosen_drops().unwrap();
    assert_eq!((drops.listener, drops.noise), (0, 1));
    assert_eq!(watch.world.clients.ghosts, 0);
}

#[test]
fn a_syn_ack_with_timestamps_tells_a_request_only_while_the_syn_queue_has_room() {
    let mut watch = Watch::began(true);
    for port in 1..=3 {
        watch.syn(port).repeats(port);
    }
    assert_eq!((watch.world.ledger.answers_untold, watch.world.ledger.cookies_sent), (0, 0));
    watch.syn(4).repeats(4);
    assert_eq!((watch.world.ledger.answers_untold, watch.world.ledger.cookies_sent), (1, 0), "unknown");
    for _ in 0..2 {
        watch.after(60).half_open(&[(1, 0), (2, 0), (3, 0)]);
    }
    assert_eq!(watch.server(4), Some(ServerSide::CookieSent), "no list has ever had it");
    assert_eq!(watch.lost(Cause::RequestPruned), (0, 0));
}

#[test]
fn a_reset_on_overflow_is_seen_by_its_rst() {
    let mut watch = with_request();
    watch.apply(&Event::Sysctl { name: Sysctl::AbortOnOverflow, value: 1 });
    watch.late(4).segment(4, Toward::Client, flags::RST, 0).after(10).depth(3, 2).after(60);
    assert_eq!(watch.lost(Cause::AckReset), (1, 1));
    assert_eq!(watch.server(4), Some(ServerSide::ResetAway));
}

#[test]
fn an_ack_answered_with_rst_met_no_request_and_is_no_victim_of_the_queue() {
    let mut watch = with_request();
    watch.late(4).segment(4, Toward::Client, flags::RST, 0).after(10).depth(3, 0).after(60);
    assert_eq!((watch.lost(Cause::RequestPruned), watch.lost(Cause::AckAcceptQueueFull)), ((1, 1), (0, 0)));
}

#[test]
fn the_end_decides_what_can_be_decided() {
    let mut watch = full();
    watch.syn(4).after(60).depth(3, 1);
    watch.apply(&Event::Ended);
    assert_eq!(watch.lost(Cause::SynAcceptQueueFull), (1, 1));
}
