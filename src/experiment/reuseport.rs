//! SO_REUSEPORT: three listeners on one port, each with a queue and a limit of its own. Two take everybody at once, one never calls
//! accept(): who is sent to it waits, then stands outside, while the queues of the others are empty. In a trial of its own that listener
//! is closed while clients wait in its queue.

use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::Errno;
use socket2::Socket;

use super::sysctl::SysctlOverride;
use super::{Env, Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::settings::Sysctl;
use crate::say;

/// Listeners of one port, and their clients.
struct Group {
    address: SocketAddr,
    /// The one that never calls accept().
    idle: Socket,
    /// Those that take everybody at once.
    busy: Vec<Socket>,
    /// Both ends of each connection that was taken.
    served: Vec<(Socket, Option<Socket>)>,
    /// Clients that wait in the idle one's queue.
    waiting: Vec<Socket>,
    /// Clients whose SYN was dropped.
    outside: Vec<Socket>,
}

/// More clients come than the queue of one holds.
pub(super) fn overflow(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    Group::open(bench)?.overflow(bench)
}

/// One is closed whose queue is full: without, then with the sysctl that moves its clients.
pub(super) fn close(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let migrate = SysctlOverride::new(bench, Sysctl::MigrateReq, 0)?;
    let mut group = Group::open(bench)?;
    group.fill(bench)?;
    group.close_idle(bench, "reset")?;
    migrate.set(bench, 1)?;
    let mut group = Group::open(bench)?;
    group.fill(bench)?;
    group.close_idle(bench, "moved")?;
    migrate.restore(bench)
}

impl Group {
    fn open(bench: &mut Experiment<'_>) -> Result<Self, ExperimentError> {
        let (idle, address) = member((Ipv4Addr::LOCALHOST, 0).into())?;
        let others: Result<Vec<_>, ExperimentError> =
            (1..MEMBERS).map(|_| member(address).map(|(socket, _)| socket)).collect();
        let call = format!("{MEMBERS} × SO_REUSEPORT, listen({BACKLOG})");
        bench.record_call("server", call, format!("port {}", address.port()), CallOutcome::Plain);
        Ok(Self { address, idle, busy: others?, served: Vec::new(), waiting: Vec::new(), outside: Vec::new() })
    }

    /// Lets clients come until the idle one's queue is full.
    fn fill(&mut self, bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        let (_, limit) = self.queue(bench.env())?;
        for _ in 0..MOST_CLIENTS {
            self.connect_client(bench)?;
            if self.waiting.len() as u32 > limit {
                return Ok(());
            }
        }
        Err(ExperimentError::TimedOut(say!("a full queue").to_owned()))
    }

    /// Lets clients come until several stand outside of a full queue, and sees that they stay there.
    fn overflow(&mut self, bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        self.fill(bench)?;
        let before = bench.env().counter(OVERFLOWS);
        let served = self.served.len();
        for _ in 0..MOST_CLIENTS {
            self.connect_client(bench)?;
            if self.outside.len() >= OUTSIDE && self.served.len() > served {
                break;
            }
        }
        let (depth, limit) = self.queue(bench.env())?;
        let empty = self.depth_of_busy(bench.env())?;
        let dropped = bench.env().counter(OVERFLOWS).zip(before).map(|(now, before)| now - before);
        record_idle(bench, (depth, limit), CallOutcome::Refused);
        bench.record_call("kernel", say!("listeners {which}", which = OTHERS), queued(empty, limit), CallOutcome::Good);
        let outside = self.outside.len();
        bench.record_call("client", format!("{outside} × connect()"), "SYN_SENT", CallOutcome::Silent);
        bench.measure("group-members", MEMBERS as f64);
        bench.measure("group-full-depth", f64::from(depth));
        bench.measure("group-full-limit", f64::from(limit));
        bench.measure("group-others-depth", f64::from(empty));
        bench.measure("group-outside", outside as f64);
        bench.measure("group-served-meanwhile", (self.served.len() - served) as f64);
        if let Some(dropped) = dropped {
            bench.measure("group-syns-dropped", dropped as f64);
        }
        // A SYN that is sent again has the same addresses and ports: it is sent to the same listener.
        bench.sleep(AFTER_RETRY)?;
        let still = self.outside.iter().filter(|client| state_of(bench.env(), client) == Some(ends::SYN_SENT));
        let (still, tries) =
            (still.count(), self.outside.iter().map(|client| tries_of(bench.env(), client)).sum::<u32>());
        bench.record_call("client", format!("{tries} × SYN"), format!("{still} × SYN_SENT"), CallOutcome::Silent);
        bench.measure("group-outside-after-retry", still as f64);
        bench.measure("group-retries", f64::from(tries));
        Ok(())
    }

    /// One client connects; whoever is not the idle one takes it at once.
    fn connect_client(&mut self, bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        let client = ends::socket()?;
        ends::begin_connect(&client, self.address)?;
        // On loopback a SYN is answered, or dropped, before connect() returns.
        let connected = bench.wait_until(say!("an answer to a SYN"), ends::SHORT_TIMEOUT, |here| {
            state_of(here, &client) == Some(ends::ESTABLISHED)
        });
        match connected {
            Err(ExperimentError::TimedOut(_)) => {
                self.outside.push(client);
                return Ok(());
            }
            other => other?,
        };
        let (was, before) = (self.waiting.len() as u32, self.served.len());
        bench.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |here| {
            for listener in &self.busy {
                self.served.extend(listener.accept().map(|(accepted, _)| (accepted, None)));
            }
            self.served.len() > before || here.queue(self.idle.as_fd()).is_some_and(|(depth, _)| depth > was)
        })?;
        match self.served[before..].first_mut() {
            Some((_, end)) => *end = Some(client),
            None => self.waiting.push(client),
        }
        Ok(())
    }

    /// The idle one is closed: what becomes of those in its queue.
    fn close_idle(self, bench: &mut Experiment<'_>, name: &str) -> Result<(), ExperimentError> {
        let queue = self.queue(bench.env())?;
        record_idle(bench, queue, CallOutcome::Plain);
        let before = bench.env().counter(MIGRATED);
        drop(self.idle);
        bench.record_call(
            "server",
            format!("{}: close()", say!("listener {which}", which = 1)),
            "0",
            CallOutcome::Plain,
        );
        let (mut reset, mut moved) = (0, 0);
        bench.wait_until(say!("the end of those in the queue"), ends::TIMEOUT, |here| {
            reset = self.waiting.iter().filter(|client| state_of(here, client) == Some(CLOSED)).count();
            moved = depth_of(here, &self.busy).unwrap_or(0);
            reset + moved as usize == self.waiting.len()
        })?;
        let all = self.waiting.len();
        let reset = self.waiting.iter().filter(|client| is_reset(client)).count();
        let mood = if reset > 0 { CallOutcome::Refused } else { CallOutcome::Good };
        bench.record_call("client", format!("{all} × read()"), format!("{reset} × ECONNRESET"), mood);
        let queued = say!("{depth} in the queue", depth = moved);
        bench.record_call("kernel", say!("listeners {which}", which = OTHERS), queued, CallOutcome::Plain);
        bench.measure(&format!("close-{name}-queued"), all as f64);
        bench.measure(&format!("close-{name}-resets"), reset as f64);
        bench.measure(&format!("close-{name}-moves"), f64::from(moved));
        if let Some(counted) = bench.env().counter(MIGRATED).zip(before).map(|(now, before)| now - before) {
            bench.measure(&format!("close-{name}-counted"), counted as f64);
        }
        Ok(())
    }

    /// Depth and limit of the idle one's queue.
    fn queue(&self, here: &dyn Env) -> Result<(u32, u32), ExperimentError> {
        here.queue(self.idle.as_fd()).ok_or_else(unread)
    }

    fn depth_of_busy(&self, here: &dyn Env) -> Result<u32, ExperimentError> {
        depth_of(here, &self.busy).ok_or_else(unread)
    }
}

/// What the kernel says of the queue of the idle one.
fn record_idle(bench: &mut Experiment<'_>, (depth, limit): (u32, u32), mood: CallOutcome) {
    bench.record_call("kernel", say!("listener {which}", which = 1), queued(depth, limit), mood);
}

fn queued(depth: u32, limit: u32) -> String {
    say!("{depth} in the queue, limit {limit}", depth, limit)
}

/// A member of the group.
fn member(address: SocketAddr) -> Result<(Socket, SocketAddr), ExperimentError> {
    let socket = ends::socket()?;
    ends::call("setsockopt(SO_REUSEPORT)", socket.set_reuse_port(true))?;
    ends::call(format!("bind({address})"), socket.bind(&address.into()))?;
    ends::call(format!("listen({BACKLOG})"), socket.listen(BACKLOG))?;
    ends::call("fcntl(O_NONBLOCK)", socket.set_nonblocking(true))?;
    let address = ends::name(&socket)?;
    Ok((socket, address))
}

/// The sum of their queues' depths.
fn depth_of(here: &dyn Env, listeners: &[Socket]) -> Option<u32> {
    listeners.iter().map(|listener| here.queue(listener.as_fd()).map(|(depth, _)| depth)).sum()
}

fn unread() -> ExperimentError {
    ExperimentError::TimedOut(say!("the listener's limit").to_owned())
}

fn state_of(here: &dyn Env, client: &Socket) -> Option<u8> {
    here.connect_progress(client.as_fd()).map(|(_, state)| state)
}

/// SYNs that a client has sent again.
fn tries_of(here: &dyn Env, client: &Socket) -> u32 {
    here.connect_progress(client.as_fd()).map_or(0, |(again, _)| again)
}

/// True when reading answers ECONNRESET; it does so once.
fn is_reset(client: &Socket) -> bool {
    let error = client.recv(&mut [MaybeUninit::uninit()]).err();
    error.is_some_and(|error| ends::number(&error) == Errno::CONNRESET.raw_os_error())
}

/// TCP_CLOSE (include/net/tcp_states.h).
const CLOSED: u8 = 7;

const MEMBERS: usize = 3;
const BACKLOG: i32 = 2;

/// All but the first.
const OTHERS: &str = "2, 3";

/// Clients that shall stand outside.
const OUTSIDE: usize = 2;

/// Clients that come at most: by far more than chance needs to send enough of them to one listener of three.
const MOST_CLIENTS: usize = 300;

/// Longer than a client waits before it sends its SYN again.
const AFTER_RETRY: Duration = Duration::from_millis(1_300);

const OVERFLOWS: &str = "ListenOverflows";
const MIGRATED: &str = "TCPMigrateReqSuccess";
