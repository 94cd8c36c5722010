//! The floor of real clients over the wire: everything that two kernels need to talk to each other over it, and nothing that is read,
//! decided or told.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use qviz::kernel::tap::frames::{Frames, IdleFrames};
use qviz::lab::namespace::NetnsToken;
use qviz::lab::wire::carry::Carrier;
use qviz::model::segment::Toward;
use qviz::session::clock::Clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, send};
use socket2::{Domain, Socket, Type};

use super::floor::{NETWORK, SERVER, listener, namespace};
use crate::runs::cpu_s;

/// The whole life of a connection as qviz' real clients and its server live it, between the same namespaces, in bare blocking calls:
/// client threads, a thread that accepts and serves, and one that carries every frame from link to link and looks at none.
pub(crate) fn copied(span: Duration) {
    let namespace = namespace();
    let token = namespace.token();
    let listener = listener(SERVER);
    let address = listener.local_addr().unwrap();
    let mut copier = Copier::open(&token, address);
    let (served, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let clock = Clock::start();
    let before = cpu_s();
    std::thread::scope(|scope| {
        scope.spawn(|| copier.run(&over));
        scope.spawn(|| serve(&listener, &served, &over));
        std::thread::scope(|clients| {
            for first in 0..THREADS {
                let (token, clock) = (token.clone(), clock);
                clients.spawn(move || {
                    token.move_to_clients().unwrap();
                    let sources = (first..CLIENTS).step_by(THREADS as usize).cycle();
                    for source in sources.take_while(|_| clock.now().as_nanos() < span.as_nanos() as u64) {
                        visit(Ipv4Addr::from(NETWORK + FIRST + source), address);
                    }
                });
            }
        });
        let (took, cpu, served) = (clock.now().as_secs_f64(), cpu_s() - before, served.load(Ordering::Relaxed) as f64);
        println!("{} {}", served / took, cpu * 1e6 / served);
        over.store(true, Ordering::Relaxed);
        // Whoever waits in accept() is woken.
        let _last = TcpStream::connect(address);
    });
}

/// One client: asks, and reads to the end.
fn visit(source: Ipv4Addr, address: SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = [0; 2048];
    while stream.read(&mut answer).unwrap() > 0 {}
}

/// Accepts, reads the request, answers and closes, one connection after the other.
fn serve(listener: &TcpListener, served: &AtomicU64, over: &AtomicBool) {
    while let Ok((mut socket, _)) = listener.accept() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let mut request = [0; 2048];
        assert!(socket.read(&mut request).unwrap() > 0, "a client that asks nothing");
        send(&socket, b"served\n", SendFlags::MORE | SendFlags::NOSIGNAL).unwrap();
        served.fetch_add(1, Ordering::Relaxed);
    }
}

/// Both ends of the wire, with the rings that qviz reads.
struct Copier {
    from_server: Frames,
    from_clients: Frames,
    carrier: Carrier,
}

impl Copier {
    fn open(token: &NetnsToken, address: SocketAddr) -> Self {
        let ring = |index| token.in_wire(|| IdleFrames::open(index)).unwrap().unwrap().start(RING_BYTES).unwrap();
        Self {
            from_server: ring(token.server().wire.index),
            from_clients: ring(token.clients().unwrap().wire.index),
            carrier: Carrier::open(token, address).unwrap(),
        }
    }

    fn run(&mut self, over: &AtomicBool) {
        let Self { from_server, from_clients, carrier } = self;
        while !over.load(Ordering::Relaxed) {
            let mut moved = 0;
            for (ring, toward) in [(&mut *from_clients, Toward::Listener), (&mut *from_server, Toward::Client)] {
                ring.drain(usize::MAX, |frame| {
                    carrier.carry(frame, toward).unwrap();
                    moved += 1;
                });
            }
            if moved == 0 {
                let mut rings = [&*from_clients, &*from_server].map(|ring| PollFd::new(ring, PollFlags::IN));
                let moment = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
                poll(&mut rings, Some(&moment)).unwrap();
            }
        }
        assert_eq!((from_clients.dropped(), from_server.dropped()), (0, 0), "frames lost by the rings");
    }
}

/// Clients at once, each a blocking thread.
const THREADS: u32 = 16;
/// How many addresses they use, and the first one.
const CLIENTS: u32 = 120_000;
const FIRST: u32 = 1024;
const RING_BYTES: u32 = 16 << 20;
