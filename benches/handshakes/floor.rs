//! The floors: the least work in which a handshake is possible at all, in plain system calls. Each prints handshakes per second
//! and CPU microseconds per handshake.

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
    let listener = listener(Ipv4Addr::new(198, 51, 100, 1));
    let packets = packet_socket(namespace.client_end());
    let mut client = Handshakes::new(&namespace, listener.local_addr().unwrap().port());
    let mut place = 0;
    measure(&listener, span, move |_| {
        client.batch(&packets, place);
        place += BATCH;
    });
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

fn namespace() -> Namespace {
    Namespace::enter(&NetworkPlan::like_host(proc::read_sysctls())).unwrap()
}

fn listener(ip: Ipv4Addr) -> TcpListener {
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

/// Frames of clients that do nothing but shake hands.
struct Handshakes {
    frame: [u8; 54],
}

impl Handshakes {
    fn new(namespace: &Namespace, port: u16) -> Self {
        let mut frame = [0; 54];
        frame[..6].copy_from_slice(&namespace.kernel_end().mac);
        frame[6..12].copy_from_slice(&namespace.client_end().mac);
        frame[12..24].copy_from_slice(&[8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6]);
        frame[30..34].copy_from_slice(&[198, 51, 100, 1]);
        frame[36..38].copy_from_slice(&port.to_be_bytes());
        frame[48..50].copy_from_slice(&[0xfa, 0xf0]);
        Self { frame }
    }

    /// [`BATCH`] clients from `first` on: all SYNs, then for each answer the ACK, then all RSTs.
    fn batch(&mut self, socket: &Socket, first: u32) {
        for place in first..first + BATCH {
            self.send(socket, place, (SYN, 1, 0));
        }
        let mut answered = 0;
        let mut answer = [0; 128];
        while answered < BATCH {
            let length = match recv(socket, &mut answer[..], RecvFlags::DONTWAIT) {
                Ok((length, _)) => length,
                Err(Errno::AGAIN) => break,
                Err(errno) => panic!("{errno}"),
            };
            if length < 54 || answer[47] != SYN | ACK || answer[26..30] != [198, 51, 100, 1] {
                continue;
            }
            let place = u32::from_be_bytes(*answer[30..].first_chunk().unwrap()).wrapping_sub(NETWORK);
            let sequence = u32::from_be_bytes(*answer[38..].first_chunk().unwrap());
            self.send(socket, place, (ACK, 2, sequence.wrapping_add(1)));
            answered += 1;
        }
        for place in first..first + BATCH {
            self.send(socket, place, (RST, 2, 0));
        }
    }

    fn send(&mut self, socket: &Socket, place: u32, (flags, sequence, ack): (u8, u32, u32)) {
        let place = place % CLIENTS;
        self.frame[26..30].copy_from_slice(&(NETWORK + place).to_be_bytes());
        self.frame[34..36].copy_from_slice(&(1024 + (place % 60_000) as u16).to_be_bytes());
        self.frame[38..42].copy_from_slice(&sequence.to_be_bytes());
        self.frame[42..46].copy_from_slice(&ack.to_be_bytes());
        self.frame[46..48].copy_from_slice(&[5 << 4, flags]);
        self.frame[24..26].copy_from_slice(&[0, 0]);
        self.frame[50..52].copy_from_slice(&[0, 0]);
        let header = checksum(words(&self.frame[14..34]));
        self.frame[24..26].copy_from_slice(&header);
        // The pseudo-header: both addresses, the protocol, 20 bytes.
        let segment = checksum(words(&self.frame[26..34]) + 6 + 20 + words(&self.frame[34..54]));
        self.frame[50..52].copy_from_slice(&segment);
        send(socket.as_fd(), &self.frame, SendFlags::empty()).unwrap();
    }
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
/// 198.18.0.0/15.
const NETWORK: u32 = 0xc612_0000;
const CLIENTS: u32 = 1 << 17;

// TCP flags.
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
