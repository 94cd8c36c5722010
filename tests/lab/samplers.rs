//! The eyes on the real kernel, each claim in a network namespace that is thrown away with its process.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use etherparse::PacketBuilder;
use qviz::kernel::own_socket::{self, OwnListener};
use qviz::kernel::proc::CountersFile;
use qviz::kernel::sock_diag::Diag;
use qviz::kernel::tap::{Tap, TapPlan};
use qviz::model::counters::Counter;
use qviz::model::peer::Peer;
use qviz::model::sample::{HalfOpen, QueueReading};
use qviz::model::segment::{Kind, Segment, Toward};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};
use socket2::{Domain, SockFilter, Socket, Type};

use crate::netns::{CLIENT_MAC, SERVER_MAC, inside, veth};

case!(an_overfilled_queue_reads_limit_5_depth_6_and_each_refused_syn_is_counted_everywhere);
fn an_overfilled_queue_reads_limit_5_depth_6_and_each_refused_syn_is_counted_everywhere() {
    inside(|| {
        let mut counters = CountersFile::open().unwrap();
        let before = counters.read().unwrap();
        let (listener, address) = listen(loopback_v4(), 5);
        let mut tap = tap_at(address.port());
        let own = OwnListener::new(&listener);
        let _queued: Vec<_> = (0..6).map(|_| connect(address)).collect();
        assert_eq!(own.read(), QueueReading { depth: Some(6), limit: Some(5), drops: Some(0) });

        let refused: Vec<_> = (0..4).map(|_| start(address)).collect();
        assert_eq!(own_socket::connect_progress(&refused[0]).unwrap().state, SYN_SENT);
        wait_until("the kernel sends a refused SYN again", || {
            own_socket::connect_progress(&refused[0]).unwrap().retransmits > 0
        });
        drop(refused);

        let seen = drained(&mut tap);
        let unanswered = count(&seen, Kind::Syn, Toward::Listener) - count(&seen, Kind::SynAck, Toward::Client);
        assert!(unanswered >= 5, "{unanswered}");
        let change = counters.read().unwrap().since(&before);
        assert_eq!(change.value(Counter::ListenOverflows), Some(unanswered as u64));
        assert_eq!(change.value(Counter::ListenDrops), Some(unanswered as u64));
        let reading = own.read();
        assert_eq!((reading.depth, reading.limit, reading.drops), (Some(6), Some(5), Some(unanswered as u32)));
    });
}

case!(six_waiting_children_are_listed_with_age_bytes_and_who_has_closed);
fn six_waiting_children_are_listed_with_age_bytes_and_who_has_closed() {
    inside(|| {
        let (listener, address) = listen(loopback_v4(), 5);
        let (_other, elsewhere) = listen(loopback_v4(), 5);
        let _noise = connect(elsewhere);
        let mut clients: Vec<_> = (0..6).map(|_| connect(address)).collect();
        clients[0].write_all(b"hello").unwrap();
        clients[1].shutdown(std::net::Shutdown::Write).unwrap();
        let mut diag = Diag::open().unwrap();
        let mut waiting = Vec::new();
        wait_until("every child is a millisecond old and the FIN has come", || {
            diag.waiting(address.port(), &mut waiting).unwrap();
            waiting.iter().all(|child| child.age_ms > Some(0)) && waiting.iter().any(|child| child.closed)
        });
        assert_eq!(peers(waiting.iter().map(|child| child.peer)), peers(clients.iter().map(local)));
        for child in &waiting {
            assert_eq!(child.bytes, if child.peer == local(&clients[0]) { 5 } else { 0 });
            assert_eq!(child.closed, child.peer == local(&clients[1]));
        }
        let (accepted, _) = listener.accept().unwrap();
        let first = waiting.iter().find(|child| child.peer == local(&clients[0])).unwrap();
        assert!(own_socket::queue_wait_ms(&accepted) >= first.age_ms);
        assert_eq!(own_socket::cookie(&accepted), Some(first.cookie));
        diag.waiting(address.port(), &mut waiting).unwrap();
        assert_eq!(waiting.len(), 5);
    });
}

case!(the_tap_sees_each_segment_of_a_handshake_once_in_both_families);
fn the_tap_sees_each_segment_of_a_handshake_once_in_both_families() {
    inside(|| {
        for ip in [loopback_v4(), loopback_v6()] {
            let (_listener, address) = listen(ip, 64);
            let mut tap = tap_at(address.port());
            let (_other, elsewhere) = listen(ip, 64);
            let _noise = connect(elsewhere);
            assert!(!readable(&tap), "the kernel's filter let other segments in");
            let began = realtime();
            let clients: Vec<_> = (0..20).map(|_| connect(address)).collect();
            let seen = drained(&mut tap);
            assert_eq!(seen.len(), 60);
            for (kind, toward) in
                [(Kind::Syn, Toward::Listener), (Kind::SynAck, Toward::Client), (Kind::Ack, Toward::Listener)]
            {
                let of_kind = seen.iter().filter(|(_, one)| (one.kind(), one.toward) == (kind, toward));
                assert_eq!(peers(of_kind.map(|(_, one)| one.peer)), peers(clients.iter().map(local)), "{kind:?}");
            }
            let first = seen.iter().map(|(nanos, _)| *nanos).min().unwrap();
            let last = seen.iter().map(|(nanos, _)| *nanos).max().unwrap();
            assert!(began <= first && last <= realtime(), "{began} {first} {last}");
            assert!(seen.iter().all(|(_, one)| one.window_scale == (one.kind() != Kind::Ack) && one.timestamps));
            assert_eq!(tap.dropped(), 0);
        }
    });
}

case!(on_loopback_what_comes_is_taken_as_it_arrives_and_what_goes_as_it_leaves);
/// A tap that is not told of loopback sees both copies of each packet, the leaving one first.
fn on_loopback_what_comes_is_taken_as_it_arrives_and_what_goes_as_it_leaves() {
    inside(|| {
        for (ip, same_port) in [(loopback_v4(), false), (loopback_v6(), false), (loopback_v4(), true)] {
            let (_listener, address) = listen(ip, 64);
            let port = address.port();
            let own = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 9), port));
            let plan = TapPlan { listener: Some(address.ip()), ..TapPlan::new(1, port) };
            let mut twice = Tap::open(&plan).unwrap();
            let mut once = Tap::open(&TapPlan { loopback: true, ..plan }).unwrap();
            let client = stream(address);
            if same_port {
                client.bind(&own.into()).unwrap();
            }
            let _under_way = client.connect(&address.into());
            let (mut both, mut taken) = (Vec::new(), Vec::new());
            wait_until("three segments are seen, and six copies", || {
                both.extend(drained(&mut twice));
                taken.extend(drained(&mut once));
                both.len() >= 6 && taken.len() >= 3
            });
            assert_eq!((both.len(), taken.len()), (6, 3), "same port: {same_port}");
            for (nanos, segment) in taken {
                let copies: Vec<_> =
                    both.iter().filter(|(_, copy)| *copy == segment).map(|(nanos, _)| *nanos).collect();
                let [left, arrived] = copies[..] else { panic!("{copies:?}") };
                assert!(left < arrived, "{left} {arrived}");
                let nearest_is_leaving = nanos.abs_diff(left) < nanos.abs_diff(arrived);
                assert_eq!(
                    nearest_is_leaving,
                    segment.toward == Toward::Client,
                    "{segment:?}: {left} {nanos} {arrived}"
                );
            }
        }
    });
}

case!(on_a_veth_pair_the_kernels_end_shows_both_directions_once);
fn on_a_veth_pair_the_kernels_end_shows_both_directions_once() {
    inside(|| {
        veth();
        let server = Ipv4Addr::new(198, 51, 100, 1);
        let (listener, address) = listen((server, 0).into(), 5);
        let mut tap = Tap::open(&TapPlan::new(2, address.port())).unwrap();
        let wire = Socket::new(Domain::PACKET, Type::RAW, None).unwrap();
        wire.bind(&qviz::kernel::sys::link_address(3, 0)).unwrap();
        let to_server = || PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC).ipv4([198, 18, 0, 9], server.octets(), 64);
        let client = Peer::v4(Ipv4Addr::new(198, 18, 0, 9), 4000);
        let sent = |step: etherparse::PacketBuilderStep<etherparse::TcpHeader>| {
            let mut frame = Vec::new();
            step.write(&mut frame, &[]).unwrap();
            wire.send(&frame).unwrap();
        };

        sent(to_server().tcp(4000, address.port(), 7, 1000).syn());
        let mut seen = Vec::new();
        wait_until("the kernel has answered the SYN", || {
            seen.extend(drained(&mut tap));
            seen.len() >= 2
        });
        let answer = seen[1].1;
        let mut requests = Vec::new();
        Diag::open().unwrap().half_open(address.port(), &mut requests).unwrap();
        assert_eq!(peers(requests.iter().map(|request| request.peer)), [client]);

        sent(to_server().tcp(4000, address.port(), 8, 1000).ack(answer.seq.wrapping_add(1)));
        wait_until("the connection is in the accept queue", || OwnListener::new(&listener).read().depth == Some(1));
        seen.extend(drained(&mut tap));
        let kinds: Vec<_> = seen.iter().map(|(_, one)| (one.kind(), one.toward, one.peer)).collect();
        let (syn, syn_ack) = ((Kind::Syn, Toward::Listener, client), (Kind::SynAck, Toward::Client, client));
        assert_eq!(kinds, [syn, syn_ack, (Kind::Ack, Toward::Listener, client)]);
        assert_eq!(answer.ack, 8);
    });
}

case!(a_ring_too_small_loses_segments_says_how_many_and_goes_on);
fn a_ring_too_small_loses_segments_says_how_many_and_goes_on() {
    inside(|| {
        let (_listener, address) = listen(loopback_v4(), 400);
        let mut tap = Tap::open(&TapPlan { loopback: true, ring_bytes: 1, ..TapPlan::new(1, address.port()) }).unwrap();
        let mut open: Vec<_> = (0..100).map(|_| connect(address)).collect();
        let seen = drained(&mut tap).len();
        let dropped = tap.dropped();
        assert_eq!((seen, dropped), (256, 300 - 256));
        assert_eq!(tap.dropped(), 0);
        for _ in 0..3 {
            open.extend((0..60).map(|_| connect(address)));
            assert!(readable(&tap));
            assert_eq!((drained(&mut tap).len(), tap.dropped()), (180, 0));
        }
    });
}

case!(one_cookie_follows_a_connection_from_request_to_accept);
fn one_cookie_follows_a_connection_from_request_to_accept() {
    inside(|| {
        for (ip, client_ip) in [(loopback_v4(), loopback_v4()), (any_v6(), loopback_v4()), (any_v6(), loopback_v6())] {
            let (listener, address) = listen(ip, 5);
            let deaf = stream(client_ip);
            deaf.attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
            let _in_progress = deaf.connect(&with_port(client_ip, address.port()).into());
            let mut diag = Diag::open().unwrap();
            let (mut requests, mut children) = (Vec::new(), Vec::new());
            let dumped = diag.half_open(address.port(), &mut requests).unwrap();
            assert_eq!(dumped.duplicates, 0);
            let [HalfOpen { peer, retransmits: 0, next_ms, cookie }] = requests[..] else { panic!("{requests:?}") };
            assert_eq!(peer, Peer::from(deaf.local_addr().unwrap().as_socket().unwrap()));
            assert!(next_ms > 0);
            wait_until("the SYN-ACK is sent again", || {
                diag.half_open(address.port(), &mut requests).unwrap();
                requests.iter().any(|request| request.retransmits > 0 && request.next_ms > 0)
            });

            deaf.detach_filter().unwrap();
            wait_until("the client hears a later SYN-ACK", || {
                diag.both(address.port(), &mut requests, &mut children).unwrap();
                !children.is_empty()
            });
            assert_eq!(requests, []);
            let [child] = children[..] else { panic!("{children:?}") };
            assert_eq!((child.peer, child.cookie, child.closed), (peer, cookie, false));
            let (accepted, _) = listener.accept().unwrap();
            assert_eq!(own_socket::cookie(&accepted), Some(cookie));
        }
    });
}

case!(all_listeners_of_a_reuseport_group_are_listed_each_with_its_own_queue);
fn all_listeners_of_a_reuseport_group_are_listed_each_with_its_own_queue() {
    inside(|| {
        let group: Vec<_> = (0..2).map(|_| stream(loopback_v4())).collect();
        let mut address = with_port(loopback_v4(), 0);
        for (number, member) in (1..).zip(&group) {
            member.set_reuse_port(true).unwrap();
            member.bind(&address.into()).unwrap();
            member.listen(number).unwrap();
            address = member.local_addr().unwrap().as_socket().unwrap();
        }
        let (_v6, v6_address) = listen(loopback_v6(), 9);
        let mut all = Vec::new();
        Diag::open().unwrap().listeners(&mut all).unwrap();
        let limits = |wanted: SocketAddr| {
            let here = all.iter().filter(|one| one.address == wanted);
            here.map(|one| one.queue.limit.unwrap()).collect::<BTreeSet<_>>()
        };
        assert_eq!(all.len(), 3);
        assert_eq!((limits(address), limits(v6_address)), ([1, 2].into(), [9].into()));
    });
}

fn listen(ip: SocketAddr, backlog: i32) -> (Socket, SocketAddr) {
    let listener = stream(ip);
    listener.bind(&ip.into()).unwrap();
    listener.listen(backlog).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    (listener, address)
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

/// A client whose SYN has left; nobody waits for the answer.
fn start(address: SocketAddr) -> Socket {
    let client = stream(address);
    let error = client.connect(&address.into()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EINPROGRESS));
    client
}

fn tap_at(port: u16) -> Tap {
    Tap::open(&TapPlan { loopback: true, ..TapPlan::new(1, port) }).unwrap()
}

fn drained(tap: &mut Tap) -> Vec<(u64, Segment)> {
    let mut seen = Vec::new();
    let number = tap.drain(|nanos, segment| seen.push((nanos, segment)));
    assert_eq!(number, seen.len());
    seen
}

fn count(seen: &[(u64, Segment)], kind: Kind, toward: Toward) -> usize {
    seen.iter().filter(|(_, one)| one.kind() == kind && one.toward == toward).count()
}

fn peers(all: impl Iterator<Item = Peer>) -> Vec<Peer> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable();
    all
}

fn local(client: &TcpStream) -> Peer {
    client.local_addr().unwrap().into()
}

/// Nanoseconds of CLOCK_REALTIME, the clock of the tap's timestamps.
fn realtime() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn readable(tap: &Tap) -> bool {
    poll(&mut [PollFd::new(tap, PollFlags::IN)], Some(&Timespec::default())).unwrap() == 1
}

/// Asks every few milliseconds, at most for the time in which any of these must have happened.
fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let pause = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
    for _ in 0..TIMEOUT.as_millis() / 5 {
        if happened() {
            return;
        }
        poll(&mut [], Some(&pause)).unwrap();
    }
    panic!("waited in vain until {what}");
}

fn loopback_v4() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn loopback_v6() -> SocketAddr {
    (Ipv6Addr::LOCALHOST, 0).into()
}

fn any_v6() -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, 0).into()
}

fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

const TIMEOUT: Duration = Duration::from_secs(20);

/// TCP_SYN_SENT in `include/net/tcp_states.h`.
const SYN_SENT: u8 = 2;

/// BPF_RET | BPF_K: with 0, take nothing.
const RETURN: u16 = 0x06;
