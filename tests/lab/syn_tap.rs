//! The tap on all interfaces, on the real kernel: one port's handshakes, and everybody's SYNs.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use etherparse::PacketBuilder;
use qviz::kernel::sys::link_address;
use qviz::kernel::tap::syn_tap::{SynPacket, SynTap};
use qviz::kernel::tap::{self, Tap, TapCoverage, TapPlan};
use qviz::model::peer::Peer;
use qviz::model::segment::{Kind, Segment, Toward};
use socket2::{Domain, Socket, Type};

use crate::lab;
use crate::needs::{Missing, tool};
use crate::netns::{CLIENT_MAC, SERVER_MAC, inside, veth};

case!(handshakes_on_loopback_are_seen_once_and_their_data_not_at_all);
fn handshakes_on_loopback_are_seen_once_and_their_data_not_at_all() {
    inside(|| {
        for ip in LOOPBACKS {
            let listener = TcpListener::bind(ip).unwrap();
            let here = listener.local_addr().unwrap();
            let mut tap = Tap::open(&TapPlan::everywhere(here.port())).unwrap();
            let other = TcpListener::bind(ip).unwrap();
            let _noise = TcpStream::connect(other.local_addr().unwrap()).unwrap();
            let mut client = TcpStream::connect(here).unwrap();
            let peer = Peer::from(client.local_addr().unwrap());
            let (mut server, _) = listener.accept().unwrap();
            client.write_all(&[7; 5000]).unwrap();
            server.read_exact(&mut [0; 5000]).unwrap();
            server.write_all(&[7; 5000]).unwrap();
            client.read_exact(&mut [0; 5000]).unwrap();
            socket2::SockRef::from(&server).set_linger(Some(Duration::ZERO)).unwrap();
            drop(server);
            let seen = until(&mut tap, |seen| seen.iter().any(|segment| segment.kind() == Kind::Rst));
            assert!(seen.iter().all(|one| one.peer == peer), "{seen:?}");
            let shape: Vec<_> =
                seen.iter().filter(|segment| segment.kind() != Kind::Ack).map(|one| (one.kind(), one.toward)).collect();
            assert_eq!(
                shape,
                [(Kind::Syn, Toward::Listener), (Kind::SynAck, Toward::Client), (Kind::Rst, Toward::Client)]
            );
            assert_eq!(seen[2].kind(), Kind::Ack, "the handshake's last ACK");
            assert!(
                seen.iter().filter(|segment| segment.kind() == Kind::Ack).all(|one| one.toward == Toward::Listener)
            );
            assert_eq!(tap.dropped(), 0);
        }
    });
}

case!(everything_is_seen_where_that_is_asked_for);
fn everything_is_seen_where_that_is_asked_for() {
    inside(|| {
        let listener = TcpListener::bind(LOOPBACKS[0]).unwrap();
        let here = listener.local_addr().unwrap();
        let mut tap =
            Tap::open(&TapPlan { coverage: TapCoverage::Everything, ..TapPlan::everywhere(here.port()) }).unwrap();
        let mut client = TcpStream::connect(here).unwrap();
        client.write_all(b"hello").unwrap();
        let seen = until(&mut tap, |seen| seen.iter().any(|one| one.payload == 5));
        let kinds: Vec<_> = seen.iter().take(4).map(Segment::kind).collect();
        assert_eq!(kinds, [Kind::Syn, Kind::SynAck, Kind::Ack, Kind::Data]);
    });
}

case!(a_pair_of_interfaces_shows_the_listening_side_alone_and_no_fragment);
fn a_pair_of_interfaces_shows_the_listening_side_alone_and_no_fragment() {
    inside(|| {
        veth();
        let _listener = TcpListener::bind((SERVER, 8080)).unwrap();
        let mut tap = Tap::open(&TapPlan::everywhere(8080)).unwrap();
        let mut syn_tap = SynTap::open().unwrap();
        let wire = wire_at(3);
        wire.send(&frame(4000, 8080, 7, false)).unwrap();
        let mut fragment = frame(4001, 8080, 7, false);
        fragment[14 + 7] = 9;
        wire.send(&fragment).unwrap();
        // A connection of this machine to such a port elsewhere: seen leaving, and not ours.
        let abroad = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        abroad.set_nonblocking(true).unwrap();
        let _in_progress = abroad.connect(&SocketAddr::from((CLIENT, 8080)).into());
        wire.send(&frame(4002, 8080, 9, false)).unwrap();
        let seen = until(&mut tap, |seen| seen.iter().filter(|segment| segment.kind() == Kind::SynAck).count() == 2);
        let mut rows: Vec<_> = seen.iter().map(|one| (one.kind(), one.toward, one.peer.port())).collect();
        // A busy machine answers the first after the second has come.
        rows.sort_by_key(|(_, _, port)| *port);
        let [syn, answer] = [(Kind::Syn, Toward::Listener), (Kind::SynAck, Toward::Client)];
        assert_eq!(
            rows,
            [(syn.0, syn.1, 4000), (answer.0, answer.1, 4000), (syn.0, syn.1, 4002), (answer.0, answer.1, 4002)]
        );
        let syns = captured(&mut syn_tap, 2);
        assert_eq!(syns.iter().map(|packet| packet.peer.port()).collect::<Vec<_>>(), [4000, 4002]);
    });
}

case!(a_bridge_and_its_port_show_a_packet_once);
fn a_bridge_and_its_port_show_a_packet_once() {
    inside(|| {
        for words in [
            "link add qa type veth peer name qb",
            "link set qa address 02:00:00:00:00:01",
            "link add qbr type bridge",
            "link set qa master qbr",
            "link set qbr address 02:00:00:00:00:01",
            "link set qa up",
            "link set qb up",
            "link set qbr up",
            "addr add 198.51.100.1/32 dev qbr",
            "route add 198.18.0.0/15 dev qbr",
            "neigh add 198.18.0.9 lladdr 02:00:00:00:00:02 dev qbr",
        ] {
            let ended = tool("ip").args(words.split(' ')).output().unwrap();
            assert!(ended.status.success(), "ip {words}: {ended:?}");
        }
        let index = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
        assert!(index.contains("qbr"), "{index}");
        let listener = TcpListener::bind((SERVER, 8080)).unwrap();
        let mut tap = Tap::open(&TapPlan::everywhere(8080)).unwrap();
        let mut syn_tap = SynTap::open().unwrap();
        let wire = wire_at(index_of("qb"));
        // Until the bridge forwards.
        lab::wait_until(TIMEOUT, "a SYN comes through the bridge", || {
            wire.send(&frame(3000, 8080, 1, false)).unwrap();
            let mut through = false;
            tap.drain(|_, segment| through |= segment.kind() == Kind::SynAck);
            through.then_some(())
        });
        syn_tap.drain(|_, _| ());
        wire.send(&frame(4000, 8080, 7, false)).unwrap();
        let seen = until(&mut tap, |seen| {
            seen.iter().any(|segment| segment.kind() == Kind::SynAck && segment.peer.port() == 4000)
        });
        let mine: Vec<_> = seen.iter().filter(|one| one.peer.port() == 4000).map(Segment::kind).collect();
        assert_eq!(mine, [Kind::Syn, Kind::SynAck]);
        let syns = captured(&mut syn_tap, 1);
        let mine: Vec<_> =
            syns.iter().filter(|packet| packet.peer.port() == 4000).map(|packet| packet.retransmit).collect();
        assert_eq!(mine, [false]);
        drop(listener);
    });
}

case!(every_syn_is_captured_with_its_address_and_retransmits_are_marked);
fn every_syn_is_captured_with_its_address_and_retransmits_are_marked() {
    inside(|| {
        veth();
        let mut syn_tap = SynTap::open().unwrap();
        let listeners = LOOPBACKS.map(|ip| TcpListener::bind(ip).unwrap());
        let clients = [0, 1].map(|which| TcpStream::connect(listeners[which].local_addr().unwrap()).unwrap());
        let syns = captured(&mut syn_tap, 2);
        for (packet, (listener, client)) in syns.iter().zip(listeners.iter().zip(&clients)) {
            let peer = client.local_addr().unwrap().into();
            assert_eq!(*packet, SynPacket { local: listener.local_addr().unwrap(), peer, retransmit: false });
        }
        let wire = wire_at(3);
        wire.send(&frame(4000, 81, 7, true)).unwrap();
        for _ in 0..2 {
            wire.send(&frame(4000, 80, 7, false)).unwrap();
        }
        wire.send(&frame(4000, 80, 8, false)).unwrap();
        let syns: Vec<_> =
            captured(&mut syn_tap, 3).iter().map(|packet| (packet.local.to_string(), packet.retransmit)).collect();
        let to = "198.51.100.1:80".to_owned();
        assert_eq!(syns, [(to.clone(), false), (to.clone(), true), (to, false)]);
        assert_eq!(syn_tap.dropped(), 0);
    });
}

case!(packets_of_a_link_without_a_header_are_read);
fn packets_of_a_link_without_a_header_are_read() {
    inside(|| {
        let mut python = tool("python3");
        // The device is no part of the lab: many machines keep it for root.
        if let Err(error) = std::fs::File::options().write(true).open("/dev/net/tun") {
            Missing::optional("/dev/net/tun", error.to_string()).end();
        }
        let _listener = TcpListener::bind("0.0.0.0:8080").unwrap();
        let mut tap = Tap::open(&TapPlan::everywhere(8080)).unwrap();
        let mut syn_tap = SynTap::open().unwrap();
        let packet: Vec<_> = frame(4000, 8080, 7, false)[14..].iter().map(u8::to_string).collect();
        let ended = python.args(["-c", TUN]).args(packet).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let seen = until(&mut tap, |seen| seen.len() >= 2);
        assert_eq!(seen.iter().map(Segment::kind).collect::<Vec<_>>(), [Kind::Syn, Kind::SynAck]);
        assert_eq!(captured(&mut syn_tap, 1)[0].peer, Peer::v4(CLIENT, 4000));
    });
}

case!(without_the_right_the_tap_says_what_would_help);
fn without_the_right_the_tap_says_what_would_help() {
    // A thread can give up root for itself; an ordinary user has nothing to give up.
    let refused = std::thread::spawn(|| {
        if rustix::process::geteuid().is_root() {
            let nobody = rustix::process::Uid::from_raw(65_534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
        (tap::allowed(), SynTap::open().map(drop))
    });
    let (allowed, syn_tap) = refused.join().unwrap();
    for error in [allowed.unwrap_err(), syn_tap.unwrap_err()] {
        assert!(error.to_string().contains("all interfaces"), "{error}");
        assert!(error.hint().contains("setcap cap_net_raw+ep") && error.hint().contains("root"), "{}", error.hint());
    }
}

/// A SYN to the server, or, with `ack`, something that is no first SYN.
fn frame(source: u16, destination: u16, sequence: u32, ack: bool) -> Vec<u8> {
    let step = PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC)
        .ipv4(CLIENT.octets(), SERVER.octets(), 64)
        .tcp(source, destination, sequence, 1000)
        .syn();
    let mut frame = Vec::new();
    let step = if ack { step.ack(1) } else { step };
    step.write(&mut frame, &[]).unwrap();
    frame
}

fn wire_at(index: u32) -> Socket {
    let wire = Socket::new(Domain::PACKET, Type::RAW, None).unwrap();
    wire.bind(&link_address(index, 0)).unwrap();
    wire
}

fn index_of(name: &str) -> u32 {
    rustix::net::netdevice::name_to_index(Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap(), name).unwrap()
}

/// What the tap has seen when it has seen enough.
fn until(tap: &mut Tap, enough: impl Fn(&[Segment]) -> bool) -> Vec<Segment> {
    let mut seen = Vec::new();
    lab::wait_until(TIMEOUT, "the tap sees it", || {
        tap.drain(|_, segment| seen.push(segment));
        enough(&seen).then_some(())
    });
    seen
}

fn captured(syn_tap: &mut SynTap, number: usize) -> Vec<SynPacket> {
    let mut seen = Vec::new();
    lab::wait_until(TIMEOUT, "the knocks are seen", || {
        syn_tap.drain(|_, packet| seen.push(packet));
        (seen.len() >= number).then_some(())
    });
    seen
}

const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 9);
const LOOPBACKS: [SocketAddr; 2] = [
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];
const TIMEOUT: Duration = Duration::from_secs(20);

/// Writes one packet into a tun device, and waits until the answer has come out of it.
const TUN: &str = r#"
import fcntl, os, struct, subprocess, sys
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH14x", b"qtun", 0x1001))
for words in ("link set qtun up", "addr add 198.51.100.1/32 dev qtun", "route add 198.18.0.0/15 dev qtun"):
    subprocess.run(["ip", *words.split()], check=True)
os.write(tun, bytes(map(int, sys.argv[1:])))
while True:
    packet = os.read(tun, 2000)
    if packet[0] >> 4 == 4 and packet[9] == 6:
        break
"#;
