//! All listeners of a namespace on the real kernel, each claim in a network namespace that is thrown away with its process.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use qviz::kernel::census::{Census, listeners_for};
use qviz::kernel::own_socket;
use qviz::kernel::sock_diag::DumpCompleteness;
use qviz::model::watch::{Address, ListenerId, ListenerReading};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, SockAddr, SockFilter, Socket, Type};

use crate::lab;
use crate::needs::tool;
use crate::netns::inside;

case!(tcp_listeners_agree_with_ss);
fn tcp_listeners_agree_with_ss() {
    inside(|| {
        let plain = listen(at(Ipv4Addr::LOCALHOST), 5);
        let _open = listen(at(Ipv6Addr::UNSPECIFIED), 0);
        let closed = stream(at(Ipv6Addr::UNSPECIFIED));
        closed.set_only_v6(true).unwrap();
        closed.bind(&at(Ipv6Addr::UNSPECIFIED).into()).unwrap();
        closed.listen(7).unwrap();
        let _queued: Vec<_> = (0..6).map(|_| connect(address(&plain))).collect();
        let refused = start(address(&plain), false);
        lab::wait_until(TIMEOUT, "the kernel refuses a SYN", || {
            own_socket::connect_progress(&refused).filter(|sent| sent.retransmits > 0)
        });
        drop(refused);

        let mine: BTreeSet<_> = read().iter().map(tcp_row).collect();
        assert_eq!(mine, ss(&["-ltnmHO"], ss_tcp_row));
        assert_eq!(mine.len(), 3);
        assert!(mine.iter().any(|row| row.1 == 6 && row.2 == 5 && row.3 > 0), "{mine:?}");
    });
}

case!(unix_listeners_agree_with_ss_and_name_what_they_have);
fn unix_listeners_agree_with_ss_and_name_what_they_have() {
    inside(|| {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.sock");
        let steering = place.path().join("x\x1b[2J.sock");
        let kinds = [(Type::STREAM, path.to_str().unwrap()), (Type::SEQPACKET, "\0abstract"), (Type::STREAM, "\0\x1b")];
        let mut listeners: Vec<_> = kinds.iter().map(|(kind, name)| unix(*kind, name, 4)).collect();
        let _queued: Vec<_> = (0..3).map(|_| std::os::unix::net::UnixStream::connect(&path).unwrap()).collect();
        let mine = read();
        let rows: BTreeSet<_> =
            mine.iter().map(|one| (one.inode, one.queue.depth.unwrap(), one.queue.limit.unwrap())).collect();
        assert_eq!(rows, ss(&["-xlHO"], ss_unix_row));
        let names: BTreeSet<_> = mine.iter().map(|one| one.address.to_string()).collect();
        assert_eq!(names, [path.to_str().unwrap(), "@abstract", "@\\x1b"].map(str::to_owned).into());
        let first = mine.iter().find(|one| one.address.to_string() == path.to_str().unwrap()).unwrap();
        assert_eq!((first.queue.depth, first.queue.limit, first.queue.drops), (Some(3), Some(4), None));
        assert_eq!(own_socket::cookie(&listeners[0]).map(ListenerId), Some(first.id));
        assert!(first.uid.is_none_or(|uid| uid == rustix::process::geteuid().as_raw()));
        listeners.push(unix(Type::STREAM, steering.to_str().unwrap(), 1));
        assert!(read().iter().any(|one| one.address.to_string().ends_with("x\\x1b[2J.sock")));
    });
}

case!(ten_thousand_listeners_are_all_listed_once);
fn ten_thousand_listeners_are_all_listed_once() {
    inside(|| {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
        let room = limit.maximum.map_or(10_000, |most| most.saturating_sub(64)).min(10_000) as usize;
        assert!(room > 500, "no room for listeners: {limit:?}");
        let ip = |number: usize| Ipv4Addr::new(127, 1, (number / 250) as u8, (number % 250 + 1) as u8);
        let all: Vec<_> = (0..room).map(|number| listen((ip(number), 8080).into(), number as i32 % 4000)).collect();
        let mut census = Census::open().unwrap();
        let mut out = Vec::new();
        assert_eq!(census.read(&mut out).unwrap(), DumpCompleteness::default());
        assert_eq!(out.len(), room);
        let ids: BTreeSet<_> = out.iter().map(|one| one.id).collect();
        let wanted: BTreeSet<_> = all.iter().map(|one| ListenerId(own_socket::cookie(one).unwrap())).collect();
        assert_eq!(ids, wanted);
        assert!(out.is_sorted_by_key(|one| one.address.clone()));
        for (number, one) in out.iter().enumerate() {
            assert_eq!(
                (&one.address, one.queue.limit),
                (&Address::Tcp((ip(number), 8080).into()), Some(number as u32 % 4000))
            );
        }
    });
}

case!(a_listener_that_closes_is_not_listed_and_its_successor_is_another);
fn a_listener_that_closes_is_not_listed_and_its_successor_is_another() {
    inside(|| {
        let first = listen(at(Ipv4Addr::LOCALHOST), 5);
        let here = address(&first);
        let mut census = Census::open().unwrap();
        let mut out = Vec::new();
        census.read(&mut out).unwrap();
        let before = out.clone();
        assert_eq!(before.len(), 1);
        first.listen(9).unwrap();
        census.read(&mut out).unwrap();
        assert_eq!((out[0].id, out[0].queue.limit), (before[0].id, Some(9)), "listen() again is the same socket");
        drop(first);
        census.read(&mut out).unwrap();
        assert_eq!(out, []);
        let again = stream(here);
        again.set_reuse_address(true).unwrap();
        again.bind(&here.into()).unwrap();
        again.listen(5).unwrap();
        census.read(&mut out).unwrap();
        assert_eq!(out[0].address, before[0].address);
        assert_ne!((out[0].id, out[0].inode), (before[0].id, before[0].inode));
    });
}

case!(each_member_of_a_reuseport_group_has_its_own_depth_and_the_full_one_shows);
fn each_member_of_a_reuseport_group_has_its_own_depth_and_the_full_one_shows() {
    inside(|| {
        let mut here = at(Ipv4Addr::LOCALHOST);
        let group: Vec<_> = (0..4)
            .map(|_| {
                let member = stream(here);
                member.set_reuse_port(true).unwrap();
                member.bind(&here.into()).unwrap();
                member.listen(2).unwrap();
                here = address(&member);
                member
            })
            .collect();
        // SYNs are spread by a hash: sooner or later the first member is full, while the others are emptied.
        let mut clients = Vec::new();
        lab::wait_until(TIMEOUT, "one member is full", || {
            clients.push(start(here, false));
            while group[1..].iter().any(|member| member.accept().is_ok()) {}
            (own_socket::OwnListener::new(&group[0]).read().depth == Some(3)).then_some(())
        });
        let all = read();
        assert_eq!(listeners_for(here, &all).count(), 4);
        for member in &group {
            let id = own_socket::cookie(member).map(ListenerId).unwrap();
            let one = all.iter().find(|one| one.id == id).unwrap();
            assert_eq!(one.queue.limit, Some(2));
            assert_eq!(one.queue.depth == Some(3), id.0 == own_socket::cookie(&group[0]).unwrap(), "{all:?}");
        }
    });
}

case!(ipv4_clients_of_a_dual_stack_listener_belong_to_it);
fn ipv4_clients_of_a_dual_stack_listener_belong_to_it() {
    inside(|| {
        let dual = listen(at(Ipv6Addr::UNSPECIFIED), 5);
        let port = address(&dual).port();
        let _other = listen(at(Ipv4Addr::LOCALHOST), 5);
        let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        let _clients = [connect(v4), connect(v6)];
        let _deaf = [start(v4, true), start(v6, true)];
        let mut census = Census::open().unwrap();
        let (mut all, mut requests, mut children) = (Vec::new(), Vec::new(), Vec::new());
        census.read(&mut all).unwrap();
        census.requests(&mut requests).unwrap();
        census.waiting(port, &mut children).unwrap();
        let locals = [requests.iter().map(|row| row.0).collect::<Vec<_>>(), children.iter().map(|row| row.0).collect()];
        for locals in locals {
            assert_eq!(locals.len(), 2, "{locals:?}");
            assert!(locals.iter().all(SocketAddr::is_ipv6), "{locals:?}");
            for local in locals {
                let ids: Vec<_> = listeners_for(local, &all).map(|one| one.id).collect();
                assert_eq!(ids, [ListenerId(own_socket::cookie(&dual).unwrap())], "{local}");
            }
        }
        assert_eq!(all.iter().find(|one| one.id.0 == own_socket::cookie(&dual).unwrap()).unwrap().v6_only, Some(false));
    });
}

case!(a_client_that_reset_its_connection_keeps_its_slot_and_is_not_listed);
fn a_client_that_reset_its_connection_keeps_its_slot_and_is_not_listed() {
    inside(|| {
        let listener = listen(at(Ipv4Addr::LOCALHOST), 5);
        let here = address(&listener);
        let _alive = connect(here);
        let dying = connect(here);
        socket2::SockRef::from(&dying).set_linger(Some(Duration::ZERO)).unwrap();
        drop(dying);
        let mut census = Census::open().unwrap();
        let mut children = Vec::new();
        lab::wait_until(TIMEOUT, "the reset client vanishes", || {
            census.waiting(here.port(), &mut children).unwrap();
            (children.len() == 1).then_some(())
        });
        assert_eq!(read()[0].queue.depth, Some(2));
    });
}

/// All listeners now.
fn read() -> Vec<ListenerReading> {
    let mut out = Vec::new();
    Census::open().unwrap().read(&mut out).unwrap();
    out
}

/// Address as ss writes it, depth, limit, drops.
type TcpRow = (String, u32, u32, u32);

fn tcp_row(one: &ListenerReading) -> TcpRow {
    let address = match (&one.address, one.v6_only) {
        (Address::Tcp(at), Some(false)) if at.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) => format!("*:{}", at.port()),
        (address, _) => address.to_string(),
    };
    (address, one.queue.depth.unwrap(), one.queue.limit.unwrap(), one.queue.drops.unwrap())
}

fn ss_tcp_row(row: &str) -> TcpRow {
    let columns: Vec<_> = row.split_whitespace().collect();
    let (_, drops) = row.trim_end().rsplit_once(",d").unwrap();
    (
        columns[3].to_owned(),
        columns[1].parse().unwrap(),
        columns[2].parse().unwrap(),
        drops.trim_end_matches(')').parse().unwrap(),
    )
}

/// Inode, depth, limit. A path may have spaces: the inode is the third column from the end.
fn ss_unix_row(row: &str) -> (u64, u32, u32) {
    let columns: Vec<_> = row.split_whitespace().collect();
    (columns[columns.len() - 3].parse().unwrap(), columns[2].parse().unwrap(), columns[3].parse().unwrap())
}

fn ss<T: Ord>(arguments: &[&str], row: fn(&str) -> T) -> BTreeSet<T> {
    let output = tool("ss").args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| line.contains("LISTEN")).map(row).collect()
}

fn unix(kind: Type, name: &str, backlog: i32) -> Socket {
    let socket = Socket::new(Domain::UNIX, kind, None).unwrap();
    socket.bind(&SockAddr::unix(name).unwrap()).unwrap();
    socket.listen(backlog).unwrap();
    socket
}

fn listen(ip: SocketAddr, backlog: i32) -> Socket {
    let listener = stream(ip);
    listener.bind(&ip.into()).unwrap();
    listener.listen(backlog).unwrap();
    listener
}

fn stream(ip: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(ip), Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    if ip.is_ipv6() {
        socket.set_only_v6(false).unwrap();
    }
    socket
}

fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect_timeout(&address, TIMEOUT).unwrap()
}

/// A client whose SYN has left; a deaf one never hears the answer.
fn start(address: SocketAddr, deaf: bool) -> Socket {
    let client = stream(address);
    if deaf {
        client.attach_filter(&[SockFilter::new(0x06, 0, 0, 0)]).unwrap();
    }
    let _in_progress = client.connect(&address.into());
    client
}

fn address(listener: &Socket) -> SocketAddr {
    listener.local_addr().unwrap().as_socket().unwrap()
}

fn at(ip: impl Into<IpAddr>) -> SocketAddr {
    SocketAddr::new(ip.into(), 0)
}

const TIMEOUT: Duration = Duration::from_secs(20);
