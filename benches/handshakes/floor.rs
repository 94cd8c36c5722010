//! The floors: the least work in which a handshake is possible at all, in plain system calls. Each prints handshakes per second
//! and CPU microseconds per handshake.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use qviz::kernel::proc;
use qviz::lab::namespace::{Link, Namespace, NetworkPlan};
use qviz::session::clock::Clock;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};

use super::runs::cpu_s;

/// SYN, SYN-ACK, ACK as packets from the clients' end of the pair, then a RST; another thread accepts and closes.
pub(crate) fn wire(span: Duration) {
    let namespace = namespace();
    let listener = listener(SERVER);
    let packets = namespace.token().in_wire(|| packet_socket(&namespace.network().server.wire)).unwrap();
    let mut client = Handshakes::new(&namespace, listener.local_addr().unwrap().port());
    let mut place = 0;
    measure(&listener, span, move |_| {
        client.batch(&packets, place);
        place += BATCH;
    });
}

/// The whole life of a connection as qviz' clients and server live it (request, answer, both FINs), in one thread and bare system
/// calls: nothing is tapped, sampled, stamped or folded.
pub(crate) fn life(span: Duration) {
    let namespace = namespace();
    let listener = listener(SERVER);
    listener.set_nonblocking(true).unwrap();
    let packets = namespace.token().in_wire(|| packet_socket(&namespace.network().server.wire)).unwrap();
    let mut client = Handshakes::new(&namespace, listener.local_addr().unwrap().port());
    let (mut first, mut served) = (0, 0_u64);
    let clock = Clock::start();
    let before = cpu_s();
    while clock.now().as_nanos() < span.as_nanos() as u64 {
        for place in first..first + BATCH {
            client.send(&packets, place, (SYN, 1, 0));
        }
        first += BATCH;
        client.answer(&packets);
        while let Ok((mut socket, _)) = listener.accept() {
            let mut request = [0; 2048];
            assert_eq!(socket.read(&mut request).unwrap(), usize::from(PAYLOAD));
            send(&socket, b"served\n", SendFlags::MORE | SendFlags::NOSIGNAL).unwrap();
            served += 1;
        }
        client.answer(&packets);
        client.answer(&packets);
    }
    let took = clock.now().as_secs_f64();
    println!("{} {}", served as f64 / took, (cpu_s() - before) * 1e6 / served as f64);
}

/// Blocking `connect()` and a close with RST; another thread accepts and closes.
pub(crate) fn connect(span: Duration) {
    let _namespace = namespace();
    let listener = listener(Ipv4Addr::LOCALHOST);
    measure(&listener, span, |address| {
        let client = Socket::from(TcpStream::connect(address).unwrap());
        client.set_linger(Some(Duration::ZERO)).unwrap();
    });
}

/// Lets `clients` come again and again for the time `span`, and counts what the accepting thread takes.
fn measure(listener: &TcpListener, span: Duration, mut clients: impl FnMut(SocketAddr)) {
    let address = listener.local_addr().unwrap();
    let (accepted, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let clock = Clock::start();
    let before = cpu_s();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if let Ok((socket, _)) = listener.accept() {
                    accepted.fetch_add(1, Ordering::Relaxed);
                    drop(socket);
                }
            }
        });
        while clock.now().as_nanos() < span.as_nanos() as u64 {
            clients(address);
        }
        over.store(true, Ordering::Relaxed);
        // Whoever waits in accept() is woken.
        let _last = TcpStream::connect(address);
    });
    let took = clock.now().as_secs_f64();
    let accepted = accepted.load(Ordering::Relaxed) as f64;
    println!("{} {}", accepted / took, (cpu_s() - before) * 1e6 / accepted);
}

pub(crate) fn namespace() -> Namespace {
    Namespace::enter(&NetworkPlan::like_host(proc::read_sysctls())).unwrap()
}

pub(crate) fn listener(ip: Ipv4Addr) -> TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((ip, 0)).into()).unwrap();
    socket.listen(4096).unwrap();
    socket.into()
}

/// Sends and receives IPv4 frames at the clients' end.
#[expect(unsafe_code, reason = "no safe crate makes a sockaddr_ll")]
fn packet_socket(end: &Link) -> Socket {
    let socket = Socket::new(Domain::PACKET, Type::RAW, None).unwrap();
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: the storage is zeroed, large and aligned enough for a sockaddr_ll, of which every bit pattern is valid.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as u16;
    link.sll_protocol = (libc::ETH_P_IP as u16).to_be();
    link.sll_ifindex = end.index.cast_signed();
    // SAFETY: the storage holds a complete sockaddr_ll, and the length is its own.
    let address = unsafe { SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as libc::socklen_t) };
    socket.bind(&address).unwrap();
    socket
}

/// Frames of clients that do no more than they must.
struct Handshakes {
    frame: [u8; 54 + PAYLOAD as usize],
}

impl Handshakes {
    fn new(namespace: &Namespace, port: u16) -> Self {
        let mut frame = [b'?'; 54 + PAYLOAD as usize];
        frame[..6].copy_from_slice(&namespace.network().server.far.mac);
        frame[6..12].copy_from_slice(&namespace.network().server.wire.mac);
        frame[12..24].copy_from_slice(&[8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6]);
        frame[30..34].copy_from_slice(&[198, 51, 100, 1]);
        frame[36..38].copy_from_slice(&port.to_be_bytes());
        frame[48..54].copy_from_slice(&[0xfa, 0xf0, 0, 0, 0, 0]);
        Self { frame }
    }

    /// [`BATCH`] clients from `first` on: all SYNs, then for each answer the ACK, then all RSTs.
    fn batch(&mut self, socket: &Socket, first: u32) {
        for place in first..first + BATCH {
            self.send(socket, place, (SYN, 1, 0));
        }
        let mut answered = 0;
        while answered < BATCH
            && let Some((place, flags, next)) = receive(socket)
        {
            if flags == SYN | ACK {
                self.send(socket, place, (ACK, 2, next));
                answered += 1;
            }
        }
        for place in first..first + BATCH {
            self.send(socket, place, (RST, 2, 0));
        }
    }

    /// Answers everything that has come: a SYN-ACK by ACK and request, a FIN by FIN.
    fn answer(&mut self, socket: &Socket) {
        while let Some((place, flags, next)) = receive(socket) {
            if flags == SYN | ACK {
                self.send(socket, place, (ACK, 2, next));
                self.send(socket, place, (PSH | ACK, 2, next));
            } else if flags & FIN != 0 {
                self.send(socket, place, (FIN | ACK, 2 + u32::from(PAYLOAD), next));
            }
        }
    }

    /// A segment of the client at `place`; with PSH it carries the request.
    fn send(&mut self, socket: &Socket, place: u32, (flags, sequence, ack): (u8, u32, u32)) {
        let place = place % CLIENTS;
        let payload = if flags & PSH == 0 { 0 } else { PAYLOAD };
        let end = 54 + usize::from(payload);
        self.frame[16..18].copy_from_slice(&(40 + payload).to_be_bytes());
        self.frame[26..30].copy_from_slice(&(NETWORK + place).to_be_bytes());
        self.frame[34..36].copy_from_slice(&(1024 + (place % 60_000) as u16).to_be_bytes());
        self.frame[38..42].copy_from_slice(&sequence.to_be_bytes());
        self.frame[42..46].copy_from_slice(&ack.to_be_bytes());
        self.frame[46..48].copy_from_slice(&[5 << 4, flags]);
        self.frame[24..26].copy_from_slice(&[0, 0]);
        self.frame[50..52].copy_from_slice(&[0, 0]);
        let header = checksum(words(&self.frame[14..34]));
        self.frame[24..26].copy_from_slice(&header);
        // The pseudo-header: both addresses, the protocol, the segment's length.
        let pseudo = words(&self.frame[26..34]) + 6 + 20 + u32::from(payload);
        let segment = checksum(pseudo + words(&self.frame[34..end]));
        self.frame[50..52].copy_from_slice(&segment);
        send(socket.as_fd(), &self.frame[..end], SendFlags::empty()).unwrap();
    }
}

/// The next segment of the listener that is there: whose, its flags, and the sequence number after it. Our own frames are not seen.
fn receive(socket: &Socket) -> Option<(u32, u8, u32)> {
    let mut answer = [0; 128];
    let (length, _) = match recv(socket, &mut answer[..], RecvFlags::DONTWAIT) {
        Err(Errno::AGAIN) => return None,
        received => received.unwrap(),
    };
    assert!(length >= 54, "a segment of {length} bytes");
    let place = u32::from_be_bytes(*answer[30..].first_chunk().unwrap()).wrapping_sub(NETWORK);
    let sequence = u32::from_be_bytes(*answer[38..].first_chunk().unwrap());
    let headers = 20 + u16::from(answer[46] >> 4) * 4;
    let payload = u16::from_be_bytes([answer[16], answer[17]]) - headers;
    let flags = answer[47];
    let counted = u32::from(payload) + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
    Some((place, flags, sequence.wrapping_add(counted)))
}

fn words(bytes: &[u8]) -> u32 {
    bytes.as_chunks::<2>().0.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum()
}

fn checksum(mut sum: u32) -> [u8; 2] {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// Clients under way at once: enough to fill a softirq's caches, few enough for the queue.
const BATCH: u32 = 64;
/// Where the listener is reached over the wire.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// 198.18.0.0/15.
pub(crate) const NETWORK: u32 = 0xc612_0000;
const CLIENTS: u32 = 1 << 17;

/// Bytes of a request.
const PAYLOAD: u16 = 16;

// TCP flags.
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;
