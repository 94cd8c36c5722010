//! Tests of `fold::what_if`.

use std::time::Duration;

use qviz::fold::what_if::TrafficLog;
use qviz::model::stamp::Stamp;

fn at(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

/// 100 clients at once meet a queue of 5 and a server that takes one each 20 ms: six were seen to be taken.
fn paced() -> TrafficLog {
    let mut log = TrafficLog::default();
    (0..100).for_each(|_| log.arrived(at(1000)));
    (0..6).for_each(|turn| log.accepted(at(1020 + 20 * turn), 1, turn == 5));
    log
}

#[test]
fn a_paced_server_takes_its_time_for_a_longer_queue_too() {
    let log = paced();
    let short = log.with_backlog(5).unwrap();
    assert_eq!((short.clients, short.lost), (100, 94));
    let longer = log.with_backlog(200).unwrap();
    assert_eq!((longer.lost, longer.longest_wait), (0, Some(Duration::from_secs(2))));
    assert_eq!([98, 99].map(|backlog| log.with_backlog(backlog).unwrap().lost), [1, 0]);
}

/// A process that is off the processor for 250 of 350 ms, 200 arrivals a second, backlog 20: what it takes is held down by the queue itself.
#[test]
fn what_the_queue_itself_held_down_is_not_taken_for_the_servers_pace() {
    let mut log = TrafficLog::default();
    for cycle in 0..10_u64 {
        let begins = cycle * 350;
        (0..70).for_each(|client| log.arrived(at(begins + client * 5)));
        // Off for 250 ms: 21 are in the queue, taken within 2 ms; then each as it comes.
        log.accepted(at(begins + 250), 10, false);
        log.accepted(at(begins + 251), 11, true);
        (51..70).for_each(|client| log.accepted(at(begins + client * 5), 1, true));
    }
    let short = log.with_backlog(20).unwrap();
    assert!((200..=350).contains(&short.lost), "{short:?}");
    let longer = log.with_backlog(128).unwrap();
    assert_eq!(longer.lost, 0, "{longer:?}");
}

/// Three workers of a second each, ten clients a second.
#[test]
fn workers_that_are_too_few_lose_clients_with_any_queue_that_fills() {
    let mut log = TrafficLog::default();
    (0..300).for_each(|client| log.arrived(at(client * 100)));
    (0..30).for_each(|second| log.accepted(at(second * 1000 + 500), 3, false));
    let short = log.with_backlog(10).unwrap();
    assert!((195..=240).contains(&short.lost), "{short:?}");
    let longer = log.with_backlog(1000).unwrap();
    assert!(longer.lost == 0 && longer.longest_wait > Some(Duration::from_secs(60)), "{longer:?}");
}

#[test]
fn the_present_limits_losses_are_those_seen_and_others_have_a_range() {
    let mut log = paced();
    (0..90).for_each(|_| log.refused(at(1001)));
    assert_eq!(log.as_it_was(5).map(|what| (what.lost, what.range)), Some((90, (90, 90))));
    let tried = log.in_range(log.with_backlog(50).unwrap());
    assert!(tried.range.0 <= tried.lost && tried.lost <= tried.range.1, "{tried:?}");
    // Ten clients a second, taken one by one each 100 ms: a tenth slower they are too many.
    let mut close = TrafficLog::default();
    (0..300).for_each(|client| close.arrived(at(client * 100)));
    (0..300).for_each(|client| close.accepted(at(client * 100 + 99), 1, client % 10 == 9));
    let tried = close.in_range(close.with_backlog(5).unwrap());
    assert!(tried.range.1 > tried.range.0 + 10, "{tried:?}");
}

#[test]
fn a_client_that_never_answers_is_none_of_the_queues() {
    let mut log = paced();
    log.withdrawn(at(1000));
    assert_eq!(log.with_backlog(5).map(|what| what.clients), Some(99));
    log.withdrawn(at(1500));
    assert_eq!(log.with_backlog(5).map(|what| what.clients), Some(99), "nobody came then");
}

#[test]
fn too_little_gives_no_prediction() {
    let mut log = TrafficLog::default();
    (0..4).for_each(|_| log.arrived(at(0)));
    assert_eq!(log.with_backlog(5), None);
    let stuck = (0..9).fold(TrafficLog::default(), |mut log, _| {
        log.arrived(at(0));
        log
    });
    assert_eq!(stuck.with_backlog(5).map(|what| (what.lost, what.longest_wait)), Some((3, None)));
}

/// Two workers of 80 ms each, a backlog of 30, 60 clients at once: the first two are taken within one reading, and nobody was left then.
fn two_workers() -> TrafficLog {
    let mut log = TrafficLog::default();
    for burst in [1000, 5000] {
        (0..2).for_each(|_| log.arrived(at(burst)));
        log.accepted(at(burst + 1), 2, true);
        (0..58).for_each(|_| log.arrived(at(burst + 2)));
        (0..27).for_each(|_| log.refused(at(burst + 2)));
        (0..15).for_each(|turn| log.accepted(at(burst + 80 + turn * 80), 2, false));
        log.accepted(at(burst + 1280), 1, true);
        // Of the others 27 come again after a second, and all find room.
        (0..13).for_each(|turn| log.accepted(at(burst + 1360 + turn * 80), 2, false));
        log.accepted(at(burst + 2400), 1, true);
    }
    log
}

#[test]
fn two_taken_at_once_do_not_show_a_server_that_takes_any_number_at_once() {
    let log = two_workers();
    assert!(log.is_understood(30), "{:?}", log.with_backlog(30));
    // Each burst has 8 places and two workers.
    let shorter = log.with_backlog(7).unwrap();
    assert!((94..=102).contains(&shorter.lost), "{shorter:?}");
    let longer = log.predicted(60, true).map(|one| log.in_range(one)).unwrap();
    assert_eq!((longer.lost, longer.range), (0, (0, 0)));
}

#[test]
fn of_a_server_that_does_not_lose_on_paper_what_it_lost_only_room_for_all_is_told() {
    let mut log = paced();
    (0..94).for_each(|_| log.refused(at(1001)));
    assert!(log.is_understood(5));
    (0..60).for_each(|client| log.arrived(at(9000 + client * 100)));
    (0..60).for_each(|client| log.accepted(at(9001 + client * 100), 1, true));
    (0..40).for_each(|_| log.refused(at(9500)));
    assert!(!log.is_understood(5), "forty were lost though each was taken at once: {:?}", log.with_backlog(5));
    assert_eq!(log.predicted(100, log.is_understood(5)), None);
    let room = log.predicted(200, log.is_understood(5)).unwrap();
    assert_eq!((room.lost, room.longest_wait), (0, None));
}

#[test]
fn a_server_that_is_busy_is_free_again_when_it_was() {
    // One worker of 100 ms, a client each 120 ms; every fifth comes 20 ms after the one before and waits for 80 ms.
    let mut log = TrafficLog::default();
    for turn in 0..40_u64 {
        let begins = turn * 600;
        for client in [0, 120, 240, 360, 380] {
            log.arrived(at(begins + client));
            log.accepted(at(begins + if client == 380 { 460 } else { client }), 1, true);
        }
    }
    let played = log.with_backlog(3).unwrap();
    assert_eq!((played.lost, played.longest_wait), (0, Some(Duration::from_millis(80))));
}
