//! The listener, the server and the real clients against each other, on this host's loopback: what the kernel's queue holds, in which
//! order it is emptied, and what each side is told.
//!
//! The loop here waits on nothing but the descriptors and deadlines that the two sides name: a wake-up that they forget is a test
//! that runs into its deadline.
#[path = "serve/table.rs"]
mod table;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use qviz::lab::connect::{ConnectClients, ConnectPlan};
use qviz::lab::server::ServerPlan;
use qviz::model::command::Command;
use qviz::model::event::{ClientEvent, Event, ServerEvent, Stamped};
use qviz::model::peer::Peer;
use qviz::model::settings::{AcceptRate, Arrivals};
use qviz::model::stamp::Stamp;
use qviz::session::clock::Clock;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use socket2::{Domain, SockRef, Socket, Type};

use table::{DEADLINE, Table, listen, take_all_descriptors_but};

fn paused() -> ServerPlan {
    ServerPlan { accept_rate: AcceptRate::Paused, ..ServerPlan::default() }
}

/// Clients that come when told (`Command::Burst`).
fn on_call() -> ConnectPlan {
    ConnectPlan {
        beyond_wire: false,
        target: "127.0.0.1:0".parse().unwrap(),
        seed: 1,
        rate: 0.0,
        arrivals: Arrivals::Steady,
        count: None,
        half_open: 0.0,
        half_open_timeout: Duration::from_millis(50),
        max_live: None,
    }
}

case!(a_backlog_of_n_holds_n_plus_one);
fn a_backlog_of_n_holds_n_plus_one() {
    for backlog in [0, 1, 5] {
        let mut table = Table::set(backlog, paused(), &on_call());
        table.command(Command::Burst(backlog as u32 + 4));
        table.until("full", |table| table.connected().len() > backlog as usize);
        table.settle();
        assert_eq!(table.connects.started(), backlog as u64 + 4);
        assert_eq!(table.connected().len(), backlog as usize + 1, "backlog {backlog}");
        assert_eq!(table.queued(), backlog as u32 + 1, "backlog {backlog}");
        assert_eq!(table.accepted(), []);
    }
}

case!(a_paused_server_asks_for_no_wake_up);
fn a_paused_server_asks_for_no_wake_up() {
    let mut table = Table::set(5, paused(), &on_call());
    table.command(Command::Burst(2));
    table.settle();
    assert!(!table.server.wants_listener());
    assert_eq!(table.server.next_deadline(), None);
    assert_eq!(table.connects.next_deadline(), None);
}

case!(an_idle_server_sleeps_until_its_listener_wakes_it);
fn an_idle_server_sleeps_until_its_listener_wakes_it() {
    let mut table = Table::set(5, ServerPlan::default(), &on_call());
    table.turn();
    assert!(table.server.wants_listener());
    assert_eq!(table.server.next_deadline(), None);
}

case!(the_queue_is_emptied_in_the_order_of_arrival);
fn the_queue_is_emptied_in_the_order_of_arrival() {
    let mut table = Table::set(50, paused(), &on_call());
    table.command(Command::Burst(40));
    table.until("all queued", |table| table.connected().len() == 40);
    let arrived = table.connected();
    table.command(Command::AcceptRate(AcceptRate::Max));
    table.until("all served", |table| table.finished() == 40);
    assert_eq!(table.accepted(), arrived);
}

case!(listen_again_raises_the_limit_and_lowering_it_evicts_nobody);
fn listen_again_raises_the_limit_and_lowering_it_evicts_nobody() {
    let mut table = Table::set(0, paused(), &on_call());
    table.command(Command::Burst(1));
    table.until("full", |table| table.connected().len() == 1);
    table.listener.relisten(3).unwrap();
    table.command(Command::Burst(6));
    table.until("full again", |table| table.connected().len() > 3);
    table.settle();
    assert_eq!((table.queued(), table.connected().len()), (4, 4));
    table.listener.relisten(0).unwrap();
    table.command(Command::Burst(2));
    table.settle();
    assert_eq!((table.queued(), table.connected().len()), (4, 4));
}

case!(one_worker_serves_one_after_the_other);
fn one_worker_serves_one_after_the_other() {
    let service = Duration::from_millis(15);
    let plan = ServerPlan { workers: Some(1), service, ..ServerPlan::default() };
    let mut table = Table::set(9, plan, &on_call());
    table.command(Command::Burst(5));
    table.until("five served", |table| table.finished() == 5);
    let deeds = table.deeds();
    assert_eq!(deeds.len(), 10);
    for pair in deeds.chunks(2) {
        let [(begun, served, ServerEvent::Accepted { .. }), (ended, closed, ServerEvent::Closed)] = pair else {
            panic!("{pair:?}")
        };
        assert_eq!(served, closed);
        assert!(*ended - *begun >= service, "served for {:?}", *ended - *begun);
    }
}

case!(without_workers_everybody_is_served_at_once);
fn without_workers_everybody_is_served_at_once() {
    let plan = ServerPlan { service: Duration::from_secs(10 * 60), ..ServerPlan::default() };
    let mut table = Table::set(99, plan, &on_call());
    table.command(Command::Burst(30));
    table.until("all in service", |table| table.server.live() == 30);
    table.command(Command::Service(Duration::ZERO));
    table.until("a shorter service frees them", |table| table.finished() == 30);
}

case!(more_workers_take_more_at_once);
fn more_workers_take_more_at_once() {
    let plan = ServerPlan { workers: Some(2), service: Duration::from_secs(10 * 60), ..ServerPlan::default() };
    let mut table = Table::set(99, plan, &on_call());
    table.command(Command::Burst(9));
    table.until("two in service", |table| table.server.live() == 2 && table.connected().len() == 9);
    assert_eq!(table.queued(), 7);
    assert!(!table.server.wants_listener());
    table.command(Command::Workers(Some(5)));
    table.until("five in service", |table| table.server.live() == 5);
    assert_eq!(table.queued(), 4);
}

case!(every_client_of_an_orderly_server_sees_its_end_and_no_reset);
fn every_client_of_an_orderly_server_sees_its_end_and_no_reset() {
    let mut table = Table::set(500, ServerPlan::default(), &ConnectPlan { count: Some(400), ..on_call() });
    table.command(Command::Burst(1_000));
    table.until("all over", |table| table.connects.started() == 400 && table.connects.live() == 0);
    assert_eq!((table.connects.started(), table.finished(), table.connected().len()), (400, 400, 400));
    let closed = table.deeds().iter().filter(|(_, _, deed)| *deed == ServerEvent::Closed).count();
    assert_eq!((closed, table.server.live(), table.connects.live()), (400, 0, 0));
}

case!(a_silent_client_is_answered_when_patience_ends);
fn a_silent_client_is_answered_when_patience_ends() {
    let plan = ServerPlan { request_timeout: Duration::from_millis(20), ..ServerPlan::default() };
    let mut table = Table::set(5, plan, &on_call());
    let mut silent = TcpStream::connect(table.listener.address()).unwrap();
    table.until("closed", |table| table.deeds().last().is_some_and(|(_, _, deed)| *deed == ServerEvent::Closed));
    let mut answer = String::new();
    silent.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "served\n");
}

case!(a_late_request_is_answered_when_it_comes);
fn a_late_request_is_answered_when_it_comes() {
    let plan = ServerPlan { request_timeout: Duration::from_secs(10 * 60), ..ServerPlan::default() };
    let mut table = Table::set(5, plan, &on_call());
    let mut late = TcpStream::connect(table.listener.address()).unwrap();
    table.until("accepted", |table| table.server.live() == 1);
    late.write_all(b"at last").unwrap();
    table.until("closed", |table| table.server.live() == 0);
    assert_eq!(table.deeds().last().unwrap().2, ServerEvent::Closed);
    let mut answer = String::new();
    late.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "served\n");
}

case!(a_client_that_reset_in_the_queue_is_found_reset);
fn a_client_that_reset_in_the_queue_is_found_reset() {
    let mut table = Table::set(5, paused(), &on_call());
    let gone = TcpStream::connect(table.listener.address()).unwrap();
    SockRef::from(&gone).set_linger(Some(Duration::ZERO)).unwrap();
    let peer = Peer::from(gone.local_addr().unwrap());
    drop(gone);
    table.command(Command::AcceptRate(AcceptRate::Max));
    table.until("served", |table| table.deeds().len() == 2);
    assert_eq!(table.deeds()[1].1, peer);
    assert_eq!(table.deeds()[1].2, ServerEvent::FoundReset);
}

case!(what_inspect_saw_stands_in_the_fact);
fn what_inspect_saw_stands_in_the_fact() {
    let mut table = Table::set(5, ServerPlan::default(), &on_call());
    table.command(Command::Burst(1));
    table.until("served", |table| table.finished() == 1);
    assert_eq!(table.deeds()[0].2, ServerEvent::Accepted { waited_ms: Some(7), cookie: Some(8) });
}

case!(the_accept_rate_paces_the_server);
fn the_accept_rate_paces_the_server() {
    let plan = ServerPlan { accept_rate: AcceptRate::PerSecond(50.0), ..ServerPlan::default() };
    let mut table = Table::set(20, plan, &on_call());
    table.command(Command::Burst(6));
    table.until("all served", |table| table.finished() == 6);
    let times: Vec<_> =
        table.deeds().iter().filter(|(_, _, deed)| *deed != ServerEvent::Closed).map(|deed| deed.0).collect();
    assert_eq!(times.len(), 6);
    assert!(times[5] - times[0] >= Duration::from_millis(5 * 20 - 2), "{times:?}");
}

case!(a_port_where_nobody_listens_refuses);
fn a_port_where_nobody_listens_refuses() {
    let nobody = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    nobody.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let target = nobody.local_addr().unwrap().as_socket().unwrap();
    let mut connects = ConnectClients::new(&ConnectPlan { target, ..on_call() }).unwrap();
    let mut facts = Vec::new();
    connects.command(Stamp::ZERO, &Command::Burst(3));
    let clock = Clock::start();
    while facts.len() < 6 && clock.now() < Stamp::ZERO + DEADLINE {
        connects.turn(Stamp::ZERO, &mut facts);
    }
    facts.sort_by_key(|fact| if let Event::Client { id, .. } = fact.event { id } else { u32::MAX });
    assert_eq!(facts.len(), 6);
    for (number, pair) in facts.chunks(2).enumerate() {
        let Event::Client { id, peer, event: ClientEvent::Started { half_open: false } } = pair[0].event else {
            panic!("{pair:?}")
        };
        assert_eq!(id as usize, number);
        assert_eq!(pair[1].event, Event::Client { id, peer, event: ClientEvent::Refused });
    }
    assert_eq!((connects.live(), connects.started()), (0, 3));
}

case!(clients_cut_off_by_a_closing_listener_are_reset);
fn clients_cut_off_by_a_closing_listener_are_reset() {
    let mut table = Table::set(5, paused(), &on_call());
    table.command(Command::Burst(2));
    table.until("both queued", |table| table.connected().len() == 2);
    table.listener = listen("127.0.0.1:0", 5);
    table.until("both reset", |table| table.peers_with_event(|life| *life == ClientEvent::Reset).len() == 2);
    assert_eq!(table.connects.live(), 0);
}

case!(a_client_reset_before_its_first_word_was_connected_all_the_same);
fn a_client_reset_before_its_first_word_was_connected_all_the_same() {
    let mut table = Table::set(0, paused(), &on_call());
    table.command(Command::Burst(2));
    table.until("the first is queued", |table| table.connected().len() == 1);
    table.command(Command::AcceptRate(AcceptRate::Max));
    table.until("the first is served", |table| table.finished() == 1);
    table.command(Command::AcceptRate(AcceptRate::Paused));
    // The second one's SYN comes again after a second and finds room; its program has not looked yet when the listener closes.
    table.wait_until("the second is queued", |table| table.queued() == 1);
    table.listener = listen("127.0.0.1:0", 0);
    table.connects.turn(table.clock.now(), &mut table.facts);
    assert_eq!(table.connected().len(), 2);
    assert_eq!(table.peers_with_event(|life| *life == ClientEvent::Reset), table.connected()[1..]);
}

case!(a_listener_comes_back_to_its_port_while_old_connections_are_in_time_wait);
fn a_listener_comes_back_to_its_port_while_old_connections_are_in_time_wait() {
    let mut table = Table::set(5, ServerPlan::default(), &on_call());
    table.command(Command::Burst(3));
    table.until("all served", |table| table.finished() == 3);
    let address = table.listener.address();
    table.wait_until("the server closed first", |table| table.table_lines("06").len() == 3);
    drop(table);
    assert_eq!(listen(&address.to_string(), 5).address(), address);
}

case!(a_half_open_client_is_never_accepted_and_vanishes_also_without_any_right);
fn a_half_open_client_is_never_accepted_and_vanishes_also_without_any_right() {
    let mut mine = capabilities(None).unwrap();
    mine.effective = CapabilitySet::empty();
    set_capabilities(None, mine).unwrap();
    let mut table = Table::set(5, ServerPlan::default(), &ConnectPlan { half_open: 1.0, ..on_call() });
    table.command(Command::Burst(3));
    table.turn();
    assert_eq!(table.connects.live(), 3);
    table.wait_until("the kernel holds a request for each", |table| table.table_lines("03").len() == 3);
    assert_eq!(table.peers_with_event(|life| *life == ClientEvent::Started { half_open: true }).len(), 3);
    table.until("all gone", |table| table.peers_with_event(|life| *life == ClientEvent::Vanished).len() == 3);
    assert_eq!((table.accepted(), table.connected()), (vec![], vec![]));
}

case!(arrivals_beyond_the_most_live_are_skipped_and_counted);
fn arrivals_beyond_the_most_live_are_skipped_and_counted() {
    let mut table = Table::set(50, paused(), &ConnectPlan { max_live: Some(10), ..on_call() });
    table.command(Command::Burst(25));
    table.until("told", |table| table.skipped() > 0);
    table.settle();
    assert_eq!((table.connects.live(), table.connects.started(), table.skipped()), (10, 10, 15));
}

case!(stop_lets_the_living_finish_and_starts_nobody);
fn stop_lets_the_living_finish_and_starts_nobody() {
    let plan = ServerPlan { service: Duration::from_millis(5), ..ServerPlan::default() };
    let mut table = Table::set(200, plan, &on_call());
    table.command(Command::Burst(1_000));
    table.turn();
    table.command(Command::Stop);
    let started = table.connects.started();
    table.until("over", |table| table.connects.live() == 0);
    assert!((1..1_000).contains(&started), "{started}");
    assert_eq!((table.connects.started(), table.finished() as u64), (started, started));
}

case!(a_dual_stack_listener_serves_both_families_and_ipv6_clients_are_served_too);
fn a_dual_stack_listener_serves_both_families_and_ipv6_clients_are_served_too() {
    if let Err(error) = Socket::new(Domain::IPV6, Type::STREAM, None)
        .and_then(|socket| socket.bind(&"[::1]:0".parse::<SocketAddr>().unwrap().into()))
    {
        assert!(std::env::var_os("QVIZ_REQUIRE_LAB").is_none(), "no IPv6 loopback: {error}");
        eprintln!("not tried: no IPv6 loopback here: {error}");
        return;
    }
    let both = listen("[::]:0", 5);
    TcpStream::connect(("127.0.0.1", both.address().port())).unwrap();
    TcpStream::connect(("::1", both.address().port())).unwrap();
    let mut table = Table::set(5, ServerPlan::default(), &on_call());
    table.listener = listen("[::1]:0", 5);
    let target = table.listener.address();
    table.connects = ConnectClients::new(&ConnectPlan { target, ..on_call() }).unwrap();
    table.command(Command::Burst(3));
    table.until("served over IPv6", |table| table.finished() == 3);
    assert_eq!(table.accepted(), table.connected());
    assert!(table.accepted().iter().all(|peer| !peer.is_ipv4() && peer.port() != 0));
}

case!(without_descriptors_accept_fails_rests_and_loses_nobody);
fn without_descriptors_accept_fails_rests_and_loses_nobody() {
    let mut table = Table::set(30, paused(), &on_call());
    let mut clients: Vec<_> = (0..9).map(|_| TcpStream::connect(table.listener.address()).unwrap()).collect();
    for client in &mut clients {
        client.write_all(b"hello").unwrap();
    }
    assert_eq!(table.queued(), 9);
    let taken = take_all_descriptors_but(0);
    let begun = table.clock.now();
    table.server.command(begun, &Command::AcceptRate(AcceptRate::Max));
    let mut facts = Vec::new();
    for micros in 0..1_000 {
        let now = begun + Duration::from_micros(micros);
        table.server.turn(now, table.listener.as_fd(), &|_| (None, None), &mut facts);
        assert!(!table.server.wants_listener(), "it must not be woken by the listener while it rests");
    }
    let emfile = Event::AcceptFailed { errno: rustix::io::Errno::MFILE.raw_os_error() };
    assert_eq!(facts, [Stamped { at: begun, event: emfile }], "one failure in 1,000 turns within a millisecond");
    assert_eq!(table.server.next_deadline(), Some(begun + Duration::from_millis(100)));
    drop(taken);
    assert_eq!(table.queued(), 9, "nothing was taken from the queue");
    table.until("all served", |table| table.deeds().len() == 18);
}

case!(clients_without_descriptors_fail_by_name_and_rest);
fn clients_without_descriptors_fail_by_name_and_rest() {
    let mut table = Table::set(30, paused(), &ConnectPlan { max_live: Some(100), ..on_call() });
    let taken = take_all_descriptors_but(3);
    table.command(Command::Burst(10));
    table.turn();
    assert_eq!(table.connects.started(), 3);
    let emfile = ClientEvent::Failed { errno: rustix::io::Errno::MFILE.raw_os_error() };
    assert_eq!((table.peers_with_event(|life| *life == emfile).len(), table.skipped()), (1, 6));
    table.command(Command::Burst(4));
    table.until("those due while it rests are skipped", |table| table.skipped() == 10);
    assert_eq!(table.connects.started(), 3, "nobody was tried meanwhile");
    table.until("the rest is over", |table| table.connects.next_deadline().is_none());
    drop(taken);
    table.command(Command::AcceptRate(AcceptRate::Max));
    table.until("those who came are served", |table| table.finished() == 3);
}
