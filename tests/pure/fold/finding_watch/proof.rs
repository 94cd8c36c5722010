//! What waits long, is stalled, stopped, or at a limit, is said on proof.

use super::*;
use qviz::model::watch::HolderProcess;

#[test]
fn a_stalled_server_is_found_after_three_seconds_with_its_pid() {
    let mut watch = Watch::of(listener(1, 0, 300));
    watch.owned(0, 1, "nginx");
    watch.snapshot(100, vec![listener(1, 3, 300)]);
    for ms in (250..=3000).step_by(250) {
        watch.crowded(ms, 0, Some((ms - 90) as u32));
        assert!(!watch.names(ms + 10).contains("server-stalled"), "a worker may take so long for one client");
    }
    let finding = watch.only(3300, "server-stalled");
    assert_eq!(finding.severity, Severity::Problem);
    assert!(finding.sentence.to_string().contains("pid 4242 (nginx)"), "{}", finding.sentence);
    assert!(!watch.names(3600).contains("long-wait"), "one account of the same wait");
    assert_eq!(
        (finding.evidence["port"], finding.evidence["pid"], finding.evidence["listener_id"]),
        (80.0, 4242.0, 1.0)
    );
    assert_eq!(finding.subject.unwrap().id, ListenerId(1));
}

#[test]
fn a_server_that_accepts_is_not_stalled_however_long_clients_wait() {
    let mut watch = Watch::of(listener(1, 50, 300));
    for ms in (0..4000).step_by(250) {
        watch.crowded(ms, 0, Some(5000 + (ms % 500) as u32));
        assert!(!watch.names(ms + 10).contains("server-stalled"), "at {ms} ms");
    }
    for ms in (4000..6000).step_by(250) {
        watch.snapshot(ms, vec![listener(1, 60 - (ms / 200) as u32, 300)]);
        watch.crowded(ms, 0, Some((ms + 5000) as u32));
        assert!(!watch.names(ms + 10).contains("server-stalled"), "shorter at each look, at {ms} ms");
    }
}

#[test]
fn one_look_shows_a_long_wait_and_no_stall() {
    let mut watch = Watch::of(listener(1, 6, 5));
    watch.crowded(0, 0, Some(60_000));
    let names = watch.names(300);
    assert!(names.contains("accept-queue-full") && !names.contains("server-stalled"), "{names:?}");
    let mut watch = Watch::of(listener(1, 6, 500));
    watch.crowded(0, 0, Some(60_000));
    let finding = watch.only(300, "long-wait");
    assert!(finding.sentence.to_string().starts_with("6 waiting, the oldest for 60 s"), "{}", finding.sentence);
    assert!(!watch.names(600).contains("server-stalled"), "500 may have been accepted since");
}

#[test]
fn a_queue_that_is_a_tenth_full_and_drains_slowly_is_a_long_wait_with_its_rate() {
    let mut watch = Watch::of(listener(1, 200, 2048));
    for second in 1..=4_u32 {
        watch.snapshot(u64::from(second) * 1000, vec![listener(1, 200 - 3 * second, 2048)]);
    }
    let finding = watch.only(4300, "long-wait");
    assert_eq!(finding.severity, Severity::Problem);
    let said = finding.sentence.to_string();
    assert!(
        said.starts_with("3.0 accepts/s, 188 waiting, the oldest for at least 4.3 s: the last one waits about 63 s"),
        "{said}"
    );
    assert!(said.contains("not a longer queue") && finding.actions.is_empty(), "{said}");
    let mut quick = Watch::of(listener(1, 200, 2048));
    for turn in 1..=4_u32 {
        quick.snapshot(u64::from(turn) * 1000, vec![listener(1, 1000 - 220 * turn, 2048)]);
    }
    assert!(!quick.names(4300).contains("long-wait"), "220 a second, 120 waiting");
}

#[test]
fn a_queue_that_empties_in_between_gets_a_longer_one_and_one_that_never_does_gets_none() {
    let mut watch = Watch::of(listener(1, 0, 5));
    watch.owned(0, 1, "nginx");
    watch.snapshot(3400, vec![listener(1, 6, 5)]);
    let finding = watch.only(3700, "accept-queue-full");
    assert!(finding.sentence.to_string().contains("empty in between"), "{}", finding.sentence);
    let commands: Vec<_> = finding.actions.iter().map(|action| action.command.as_str()).collect();
    let expected =
        ["listen 127.0.0.1:80 backlog=1024;", "nginx -t && nginx -s reload", "qviz tune 127.0.0.1:80 --backlog 1024"];
    assert_eq!(commands, expected);
    assert!(finding.actions.iter().all(|action| action.live));
    for ms in (4000..=7500).step_by(500) {
        watch.snapshot(ms, vec![listener(1, if ms % 1000 == 0 { 5 } else { 6 }, 5)]);
    }
    let finding = watch.only(7900, "accept-queue-full");
    assert!(finding.sentence.to_string().contains("never empty"), "{}", finding.sentence);
    assert_eq!(finding.actions, []);
}

fn process(pid: u32, state: char) -> HolderProcess {
    HolderProcess { pid, state, command: "gunicorn".into(), parent: 1, ..HolderProcess::default() }
}

#[test]
fn a_stopped_owner_is_reported_with_the_line_that_lets_it_run() {
    let mut watch = Watch::of(listener(1, 3, 300));
    let holders = vec![process(41, 'T'), process(42, 'T')];
    watch.apply(1, &Event::Holders { id: ListenerId(1), holders, served: None });
    let finding = watch.only(300, "owner-stopped");
    assert_eq!((finding.severity, finding.actions[0].command.as_str()), (Severity::Problem, "kill -CONT 41 42"));
    assert!(!watch.names(4000).contains("server-stalled"), "its reason is known");
    let holders = vec![process(41, 'T'), process(42, 'S')];
    watch.apply(4100, &Event::Holders { id: ListenerId(1), holders, served: None });
    watch.crowded(5100, 0, Some(5100));
    let finding = watch.only(5400, "owner-stopped");
    assert_eq!(finding.actions[0].command, "kill -CONT 41", "nobody accepts, and only this one is stopped");
    watch.snapshot(5500, vec![listener(1, 2, 300)]);
    assert!(!watch.names(5800).contains("owner-stopped"), "the other one accepts");
}

#[test]
fn a_throttled_owner_is_reported_with_its_share_of_the_time() {
    let mut watch = Watch::of(listener(1, 3, 300));
    let at = |throttled_ms| HolderProcess { throttled_ms: Some(throttled_ms), ..process(41, 'S') };
    for (ms, throttled) in [(0, 1000), (2000, 1100), (4000, 1150)] {
        watch.apply(ms, &Event::Holders { id: ListenerId(1), holders: vec![at(throttled)], served: None });
    }
    assert!(!watch.names(4300).contains("owner-throttled"), "under four percent");
    watch.apply(6000, &Event::Holders { id: ListenerId(1), holders: vec![at(4000)], served: None });
    let finding = watch.only(6300, "owner-throttled");
    assert!(finding.sentence.to_string().contains("50 % of the last 6.0 s"), "{}", finding.sentence);
}

#[test]
fn a_socket_that_closes_with_connections_waiting_is_reported_once_they_were_reset() {
    let mut watch = Watch::began(Some(":80"));
    watch.snapshot(0, vec![listener(1, 0, 300), listener(2, 7, 300)]);
    watch.counters(0, &[(Counter::OutRsts, 3)]);
    watch.gone(1000, 2);
    assert!(!watch.names(1300).contains("reset-on-close"), "they may have been accepted before");
    watch.counters(1400, &[(Counter::OutRsts, 10)]);
    let finding = watch.only(1700, "reset-on-close");
    assert!(finding.sentence.to_string().contains("7 connections waited"), "{}", finding.sentence);
    assert_eq!(finding.actions[0].command, "sysctl -w net.ipv4.tcp_migrate_req=1");
}

#[test]
fn a_single_process_with_one_connection_is_not_called_busy_with_it() {
    let mut watch = Watch::of(listener(1, 3, 300));
    let sleeping = HolderProcess { served: Some(1), sleeps_in: Some("clock_nanosleep".into()), ..process(41, 'S') };
    watch.apply(1, &Event::Holders { id: ListenerId(1), holders: vec![sleeping], served: Some(1) });
    watch.crowded(2500, 0, Some(3000));
    let said = watch.only(4000, "server-stalled").sentence.to_string();
    assert!(said.contains("clock_nanosleep()") && !said.contains("after it"), "{said}");
}

#[test]
fn a_process_at_its_limit_of_descriptors_is_reported_only_when_it_has_none_left() {
    let mut watch = Watch::of(listener(1, 3, 300));
    let with = |used| HolderProcess { descriptors: Some(used), descriptor_limit: Some(40), ..process(41, 'R') };
    watch.apply(1, &Event::Holders { id: ListenerId(1), holders: vec![with(39)], served: Some(30) });
    assert!(!watch.names(300).contains("owner-out-of-descriptors"));
    watch.apply(400, &Event::Holders { id: ListenerId(1), holders: vec![with(40)], served: Some(30) });
    let finding = watch.only(700, "owner-out-of-descriptors");
    assert!(finding.sentence.to_string().contains("40 of 40 descriptors"), "{}", finding.sentence);
    assert_eq!(finding.actions[0].command, "prlimit --pid 41 --nofile=1024:1024");
}

#[test]
fn a_round_number_of_connections_is_asked_about_only_when_nothing_is_accepted() {
    let mut watch = Watch::of(listener(1, 3, 300));
    let holds = |served| Event::Holders { id: ListenerId(1), holders: vec![process(41, 'S')], served: Some(served) };
    watch.apply(1, &holds(40));
    assert!(!watch.names(2000).contains("at-its-connection-limit"));
    watch.crowded(2500, 0, Some(3000));
    assert!(watch.names(4000).contains("at-its-connection-limit"));
    watch.apply(4100, &holds(37));
    assert!(!watch.names(4400).contains("at-its-connection-limit"));
}

#[test]
fn two_programs_on_one_port_are_reported_whether_they_share_the_address_or_not() {
    let mut watch = Watch::began(Some(":80"));
    watch.snapshot(0, vec![listener(1, 0, 300), listener(2, 0, 300)]);
    watch.owned(0, 1, "nginx");
    watch.owned(0, 2, "nginx");
    assert!(!watch.names(300).contains("two-programs-one-port"), "workers of one program");
    watch.owned(400, 2, "apache2");
    let found = watch.found(700);
    let told: Vec<_> = found.iter().filter(|finding| finding.rule == "two-programs-one-port").collect();
    assert_eq!((told.len(), told[0].severity), (2, Severity::Warning), "{found:#?}");
}

#[test]
fn of_several_sockets_none_is_called_stalled_where_two_hold_connections() {
    let mut watch = Watch::began(Some(":80"));
    watch.snapshot(0, vec![listener(1, 3, 300), listener(2, 1, 300)]);
    watch.crowded(0, 0, Some(1000));
    watch.crowded(1500, 0, Some(2500));
    assert!(!watch.names(2000).contains("server-stalled"));
    watch.snapshot(2100, vec![listener(2, 0, 300)]);
    assert!(watch.names(3500).contains("server-stalled"));
}

#[test]
fn a_queue_that_is_full_for_a_moment_and_drops_nothing_is_no_problem_of_the_first_rank() {
    let mut watch = Watch::of(listener(1, 0, 5));
    watch.snapshot(800, vec![listener(1, 6, 5)]);
    let finding = watch.only(1100, "accept-queue-full");
    assert_eq!(finding.severity, Severity::Warning);
    let finding = watch.only(1900, "accept-queue-full");
    assert_eq!(finding.severity, Severity::Problem, "full for a second: {}", finding.sentence);
    let mut dropping = Watch::of(listener(1, 0, 5));
    let mut full = listener(1, 6, 5);
    full.queue.drops = Some(1);
    dropping.counters(10, &[(Counter::ListenDrops, 0)]);
    dropping.snapshot(800, vec![full]);
    dropping.counters(810, &[(Counter::ListenDrops, 1)]);
    assert_eq!(dropping.only(1100, "accept-queue-full").severity, Severity::Problem);
    let mut found_full = Watch::of(listener(1, 6, 5));
    let finding = found_full.only(300, "accept-queue-full");
    assert_eq!(finding.severity, Severity::Problem, "nobody knows for how long: {}", finding.sentence);
}

fn serving(pid: u32, served: u32) -> HolderProcess {
    HolderProcess { served: Some(served), ..process(pid, 'S') }
}

#[test]
fn workers_are_uneven_when_one_serves_most_for_long() {
    let holds = |holders| Event::Holders { id: ListenerId(1), holders, served: None };
    let mut watch = Watch::of(listener(1, 0, 300));
    watch.owned(0, 1, "gunicorn");
    for second in 0..30_u64 {
        let grows = 20 + second as u32;
        watch.apply(
            second * 1000,
            &holds(vec![serving(41, grows), serving(42, u32::from(second == 3)), serving(43, 9)]),
        );
        assert!(!watch.names(second * 1000 + 300).contains("uneven-workers"), "at {second} s");
    }
    let finding = watch.only(30_300, "uneven-workers");
    assert_eq!(finding.severity, Severity::Note);
    let said = finding.sentence.to_string();
    assert!(said.contains("pid 41 (gunicorn) serves 49 connections of this listener, 42: none, for 30 s"), "{said}");
    watch.apply(31_000, &holds(vec![serving(41, 20), serving(42, 5)]));
    assert!(!watch.names(31_300).contains("uneven-workers"), "no longer");
}

#[test]
fn neither_a_master_nor_another_program_is_an_idle_worker() {
    let master = HolderProcess { pid: 40, ..serving(40, 0) };
    let worker = HolderProcess { parent: 40, ..serving(41, 30) };
    let stopped = HolderProcess { state: 'T', ..serving(42, 0) };
    let logger = HolderProcess { command: "logger".into(), ..serving(43, 0) };
    let unknown = HolderProcess { served: None, ..serving(44, 0) };
    let mut watch = Watch::of(listener(1, 0, 300));
    watch.apply(
        0,
        &Event::Holders { id: ListenerId(1), holders: vec![master, worker, stopped, logger, unknown], served: None },
    );
    assert!(!watch.names(60_000).contains("uneven-workers"));
}

#[test]
fn what_the_kernels_log_says_of_a_flood_stands_beside_the_crowded_queue() {
    let mut watch = Watch::of(listener(1, 0, 8));
    for second in 0..5 {
        watch.crowded(1000 * second, 9, None);
    }
    assert!(!watch.only(4200, "syn-queue-crowded").evidence.contains_key("syn_flood_logged_s_ago"));
    watch.apply(4300, &Event::FloodLogged { id: ListenerId(1), ago_ms: 700 });
    watch.apply(4300, &Event::FloodLogged { id: ListenerId(2), ago_ms: 5 });
    let finding = watch.only(5600, "syn-queue-crowded");
    assert!((finding.evidence["syn_flood_logged_s_ago"] - 2.0).abs() < 1e-9, "{:?}", finding.evidence);
    assert!(
        finding.sentence.to_string().ends_with("named this address 2.0 s ago: possible SYN flooding."),
        "{}",
        finding.sentence
    );
}

#[test]
fn who_sleeps_in_accept_and_is_stopped_is_no_reason_while_its_siblings_are_busy() {
    let stopped = HolderProcess { accepting: Some(true), ..process(41, 'T') };
    let mut watch = Watch::of(listener(1, 0, 300));
    watch.apply(
        1,
        &Event::Holders { id: ListenerId(1), holders: vec![stopped.clone(), process(42, 'S')], served: None },
    );
    assert!(!watch.names(300).contains("owner-stopped"));
    watch.apply(400, &Event::Holders { id: ListenerId(1), holders: vec![stopped, process(42, 'T')], served: None });
    assert!(watch.names(800).contains("owner-stopped"));
}
