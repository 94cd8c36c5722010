//! What one reading costs, beside a floor measured in the same run: the bare system calls, and `ss -ltn`.
//!
//! `cargo bench --bench readings`. It runs in a network namespace of its own with a small connection table, as the lab does.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench may stop and has a table to show"
)]

use std::collections::BTreeSet;
use std::env;
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::process::{Command, ExitCode};
use std::time::Duration;

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput};
use etherparse::PacketBuilder;
use netlink_packet_core::NetlinkMessage;
use netlink_packet_sock_diag::SockDiagMessage;
use qviz::kernel::census::Census;
use qviz::kernel::own_socket::OwnListener;
use qviz::kernel::owners::Owners;
use qviz::kernel::proc::CountersFile;
use qviz::kernel::sock_diag::Diag;
use qviz::kernel::sock_diag::codec::{self, Row};
use qviz::kernel::sock_diag::envelope::{Message, Messages};
use qviz::kernel::tap::decode::{self, ListenerEnd};
use qviz::kernel::tap::{Tap, TapPlan};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

fn main() -> ExitCode {
    if env::var_os(INSIDE).is_none() {
        return again_inside();
    }
    raise_loopback();
    let mut criterion = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .configure_from_args();
    let ten = World::new(10);
    let hundred = World::new(100);
    own(&mut criterion, &hundred);
    lists(&mut criterion, &ten, &hundred);
    codecs(&mut criterion, &hundred);
    segments(&mut criterion, &hundred);
    criterion.final_summary();
    table(&ten, &hundred);
    ExitCode::SUCCESS
}

/// A listener with the same number of half-open requests and of waiting children.
struct World {
    listener: Socket,
    address: SocketAddr,
    _clients: Vec<Socket>,
}

impl World {
    fn new(size: usize) -> Self {
        let listener = stream();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(1000).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let deaf: Vec<_> = (0..size).map(|_| start(address, true)).collect();
        let heard = (0..size).map(|_| start(address, false));
        Self { _clients: heard.chain(deaf).collect(), address, listener }
    }

    fn port(&self) -> u16 {
        self.address.port()
    }
}

fn own(criterion: &mut Criterion, world: &World) {
    let mut group = criterion.benchmark_group("own listener");
    group.bench_function("floor: two bare getsockopt", |bench| bench.iter(|| floor(&world.listener)));
    let listener = OwnListener::new(&world.listener);
    group.bench_function("read", |bench| bench.iter(|| listener.read()));
    group.finish();
}

fn lists(criterion: &mut Criterion, ten: &World, hundred: &World) {
    let mut diag = Diag::open().unwrap();
    let mut counters = CountersFile::open().unwrap();
    let (mut requests, mut children, mut all) = (Vec::new(), Vec::new(), Vec::new());
    let mut group = criterion.benchmark_group("lists");
    for (name, world) in [("10", ten), ("100", hundred)] {
        let port = world.port();
        group.bench_function(format!("half-open {name}"), |bench| bench.iter(|| diag.half_open(port, &mut requests)));
        group.bench_function(format!("waiting {name}"), |bench| bench.iter(|| diag.waiting(port, &mut children)));
    }
    group.bench_function("listeners", |bench| bench.iter(|| diag.listeners(&mut all)));
    group.bench_function("counters", |bench| bench.iter(|| counters.read().unwrap()));
    group.finish();
}

/// Our codec beside the crate's, on the same answer of the kernel.
fn codecs(criterion: &mut Criterion, world: &World) {
    let socket =
        Socket::new(libc::AF_NETLINK.into(), Type::DGRAM, Some(Protocol::from(libc::NETLINK_SOCK_DIAG))).unwrap();
    socket.send(&codec::request(1, 1 << codec::SYN_RECV, 0, world.port())).unwrap();
    let mut datagram = vec![0; 32 * 1024];
    let (_, length) = rustix::net::recv(&socket, &mut datagram, rustix::net::RecvFlags::empty()).unwrap();
    datagram.truncate(length);
    // The crate knows rows by the type of SOCK_DIAG_BY_FAMILY alone.
    let mut theirs = datagram.clone();
    let starts = |bytes: &[u8]| {
        let mut at = 0;
        let mut all = Vec::new();
        while at < bytes.len() {
            all.push(at);
            at += u32::from_ne_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
        }
        all
    };
    for at in starts(&datagram) {
        theirs[at + 4] = 20;
    }
    let rows = starts(&datagram).len();
    assert_eq!(rows_of(&datagram), rows);
    let mut group = criterion.benchmark_group("codec");
    group.throughput(Throughput::Elements(rows as u64));
    group.bench_function("ours", |bench| {
        bench.iter(|| rows_of(black_box(&datagram)));
    });
    group.bench_function("netlink-packet-sock-diag", |bench| {
        bench.iter(|| {
            let mut rest = black_box(theirs.as_slice());
            let mut read = 0;
            while !rest.is_empty() {
                let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest).unwrap();
                rest = &rest[message.header.length as usize..];
                read += 1;
            }
            read
        });
    });
    group.finish();
}

/// How many rows our codec reads in one datagram.
fn rows_of(datagram: &[u8]) -> usize {
    let rows = Messages::of(datagram, 1).flatten().filter_map(|message| match message {
        Message::Row { body, .. } => Row::read(body).ok().map(black_box),
        _ => None,
    });
    rows.count()
}

fn segments(criterion: &mut Criterion, world: &World) {
    let mut frame = Vec::new();
    let client = [127, 0, 0, 1];
    let segment = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4(client, client, 64).tcp(4000, world.port(), 1, 2).syn();
    let options = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
    segment.options_raw(&options).unwrap().write(&mut frame, &[]).unwrap();
    let ends = ListenerEnd { port: world.port(), address: None };
    let mut group = criterion.benchmark_group("tap");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode one segment", |bench| bench.iter(|| decode::segment(black_box(&frame), ends)));
    let mut tap = Tap::open(&TapPlan { loopback: true, ..TapPlan::new(1, world.port()) }).unwrap();
    group.bench_function("drain an empty ring", |bench| bench.iter(|| tap.drain(|_, _| ())));
    group.finish();
}

/// Medians of one run side by side, and how many of each fit into one `ss`.
fn table(ten: &World, hundred: &World) {
    let mut diag = Diag::open().unwrap();
    let mut counters = CountersFile::open().unwrap();
    let (mut requests, mut children, mut all) = (Vec::new(), Vec::new(), Vec::new());
    let own = OwnListener::new(&hundred.listener);
    let port = hundred.port();
    let mut rows = vec![
        ("floor: two bare getsockopt", median(|| floor(&hundred.listener))),
        ("own listener", median(|| own.read())),
        ("counters", median(|| counters.read().unwrap())),
        ("half-open, 10", median(|| diag.half_open(ten.port(), &mut requests).unwrap())),
        ("half-open, 100", median(|| diag.half_open(port, &mut requests).unwrap())),
        ("waiting, 100", median(|| diag.waiting(port, &mut children).unwrap())),
        ("both lists, 100 + 100", median(|| diag.both(port, &mut requests, &mut children).unwrap())),
        ("all listeners, 2", median(|| diag.listeners(&mut all).unwrap())),
    ];
    let sample = median(|| (own.read(), counters.read().unwrap(), diag.half_open(port, &mut requests).unwrap()));
    rows.push(("full lab sample, 100 half-open", sample));
    let machine = Machine::new();
    rows.push(("owners: a whole look at all processes", Machine::look()));
    rows.extend(Machine::rows([CENSUS, "census: 50 of them unix", "all owners, known"]));
    let crowd = machine.crowd();
    let many = [CENSUS_CROWDED, "census: 50 unix, crowded", "all owners, known, crowded"];
    let crowded = Machine::rows(many);
    let floor_crowded = median(|| diag.listeners(&mut all).unwrap());
    rows.extend(crowded);
    rows.push(("floor: that TCP dump alone, crowded", floor_crowded));
    println!("crowded: beside {} established sockets", 2 * crowd.len());
    let ss = || Command::new("ss").arg("-ltn").output().is_ok_and(|ended| ended.status.success());
    let process = ss().then(|| median_of(21, 1, ss));
    for (name, nanos) in rows {
        let times = process.map_or_else(|| "-".to_owned(), |ss| format!("{:.0}", ss / nanos));
        println!("{name:40} {:10.2} us   ss -ltn costs {times} times as much", nanos / 1000.0);
    }
    println!("{:40} {:>10} us", "ss -ltn", process.map_or_else(|| "-".to_owned(), |ss| format!("{:.0}", ss / 1000.0)));
}

/// What `qviz watch` meets: 100 TCP listeners, and 50 unix ones that are opened when they are measured.
struct Machine {
    tcp: Vec<Socket>,
}

impl Machine {
    fn new() -> Self {
        let listener = |_| {
            let listener = stream();
            listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
            listener.listen(4096).unwrap();
            listener
        };
        Self { tcp: (0..100).map(listener).collect() }
    }

    /// The census of TCP alone and with unix sockets, and the owners when they are known.
    fn rows([tcp, mixed, owners]: [&'static str; 3]) -> [(&'static str, f64); 3] {
        let mut census = Census::open().unwrap();
        let mut out = Vec::new();
        let plain = median(|| census.read(&mut out).unwrap());
        let inodes: BTreeSet<u64> = out.iter().map(|one| one.inode).collect();
        let mut holders = Owners::open();
        holders.read_whole(&inodes);
        let known = median_of(21, 5, || holders.read(&inodes));
        assert_eq!(holders.all().count(), inodes.len());
        let names = (0..50).map(|number| format!("\0qviz bench {number} of some length"));
        let _open: Vec<_> = names.map(|name| unix(&name)).collect();
        let both = median(|| census.read(&mut out).unwrap());
        [(tcp, plain), (mixed, both), (owners, known)]
    }

    /// Everybody's descriptors gone through for 100 sockets.
    fn look() -> f64 {
        let mut out = Vec::new();
        Census::open().unwrap().read(&mut out).unwrap();
        let inodes: BTreeSet<u64> = out.iter().map(|one| one.inode).collect();
        let seen = Owners::open().read_whole(&inodes);
        println!("owners: {} processes, {} of them denied", seen.processes, seen.denied);
        let mut longest = Duration::ZERO;
        let whole = median_of(11, 1, || {
            let mut owners = Owners::open();
            loop {
                let began = WallTime.start();
                let complete = owners.read(&inodes).complete;
                longest = longest.max(WallTime.end(began));
                if complete {
                    break;
                }
            }
        });
        println!("owners: the longest single reading took {longest:?}");
        whole
    }

    /// As many connections as the limit on descriptors allows, 25,000 at most; nobody accepts them.
    fn crowd(&self) -> Vec<Socket> {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let most = if rustix::process::geteuid().is_root() { Some(40_000) } else { limit.maximum };
        let wanted = rustix::process::Rlimit { current: most, maximum: most };
        let room = match rustix::process::setrlimit(rustix::process::Resource::Nofile, wanted) {
            Ok(()) => most,
            Err(_) => limit.current,
        };
        let room = room.map_or(25_000, |room| room.saturating_sub(1000)).min(25_000) as usize;
        let addresses: Vec<_> = self.tcp.iter().map(|one| one.local_addr().unwrap().as_socket().unwrap()).collect();
        (0..room).map(|number| start(addresses[number % addresses.len()], false)).collect()
    }
}

fn unix(name: &str) -> Socket {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&socket2::SockAddr::unix(name).unwrap()).unwrap();
    socket.listen(5).unwrap();
    socket
}

fn median<T>(once: impl FnMut() -> T) -> f64 {
    median_of(101, 50, once)
}

/// The median over `samples` of the nanoseconds that one of `batch` calls took.
fn median_of<T>(samples: usize, batch: u32, mut once: impl FnMut() -> T) -> f64 {
    let mut spans: Vec<Duration> = (0..samples)
        .map(|_| {
            let began = WallTime.start();
            for _ in 0..batch {
                black_box(once());
            }
            WallTime.end(began) / batch
        })
        .collect();
    spans.sort_unstable();
    spans[samples / 2].as_nanos() as f64
}

/// The least that the two questions to the own listener can cost.
#[expect(unsafe_code, reason = "the floor is the bare system call")]
fn floor(listener: &Socket) -> [u32; 17] {
    let mut words = [0_u32; 17];
    let [mut first, mut second] = [32, 36];
    let raw = listener.as_raw_fd();
    // SAFETY: the two calls write at most 32 and 36 bytes, at words 0 to 7 and 8 to 16 of the array.
    unsafe {
        libc::getsockopt(raw, libc::IPPROTO_TCP, libc::TCP_INFO, words.as_mut_ptr().cast(), &raw mut first);
        libc::getsockopt(raw, libc::SOL_SOCKET, libc::SO_MEMINFO, words.as_mut_ptr().add(8).cast(), &raw mut second);
    }
    words
}

fn stream() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// A client whose SYN has left; a deaf one never hears the answer.
fn start(address: SocketAddr, deaf: bool) -> Socket {
    let client = stream();
    if deaf {
        client.attach_filter(&[SockFilter::new(0x06, 0, 0, 0)]).unwrap();
    }
    let _in_progress = client.connect(&address.into());
    client
}

/// Runs this bench again in its own namespace, whose connection table has 4,096 buckets (kernel 6.1 and later).
fn again_inside() -> ExitCode {
    let flags = if rustix::process::geteuid().is_root() { "-n" } else { "-Urn" };
    let script = "echo 4096 2>/dev/null > /proc/sys/net/ipv4/tcp_child_ehash_entries; exec unshare -n \"$0\" \"$@\"";
    let mut child = Command::new("unshare");
    child.args([flags, "sh", "-c", script]).arg(env::current_exe().unwrap()).args(env::args_os().skip(1));
    match child.env(INSIDE, "1").status() {
        Ok(ended) if ended.success() => ExitCode::SUCCESS,
        ended => {
            eprintln!("no namespace to measure in: `unshare {flags}`: {ended:?}");
            ExitCode::FAILURE
        }
    }
}

/// `ip link set lo up`, as one netlink request: RTM_NEWLINK for interface 1 with IFF_UP.
fn raise_loopback() {
    let mut request = [0_u8; 32];
    request[0] = 32;
    request[4..6].copy_from_slice(&libc::RTM_NEWLINK.to_ne_bytes());
    request[6..8].copy_from_slice(&(libc::NLM_F_REQUEST as u16).to_ne_bytes());
    request[20..24].copy_from_slice(&1_u32.to_ne_bytes());
    request[24..28].copy_from_slice(&(libc::IFF_UP as u32).to_ne_bytes());
    request[28..32].copy_from_slice(&(libc::IFF_UP as u32).to_ne_bytes());
    let socket = Socket::new(libc::AF_NETLINK.into(), Type::DGRAM, Some(Protocol::from(libc::NETLINK_ROUTE))).unwrap();
    socket.send(&request).unwrap();
}

const INSIDE: &str = "QVIZ_READINGS_INSIDE";

const CENSUS: &str = "census: 100 TCP listeners";
const CENSUS_CROWDED: &str = "census: 100 TCP, crowded";
