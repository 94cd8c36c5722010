//! The real listener: socket, bind, `listen(backlog)`, and `listen()` again on the same socket.
//!
//! socket2 passes the backlog unchanged; std and tokio use fixed backlogs.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::say;
use crate::text::errno::describe;

/// The kernel's first port that needs no privilege, where `ip_unprivileged_port_start` cannot be read.
const USUAL_PORT_START: u16 = 1024;

/// What to listen on, and with which backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenPlan {
    /// Address and port; port 0 lets the kernel choose. `[::]` serves IPv4 clients too, other IPv6 addresses do not.
    pub address: SocketAddr,
    /// The second argument of `listen(2)`, passed on unchanged: the kernel handles 0 and values above `somaxconn`.
    pub backlog: i32,
}

/// A socket in the state LISTEN. Dropping it closes it, and the kernel resets the queued connections.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// The other members of its SO_REUSEPORT group, where it is another program's.
    others: Vec<Socket>,
    address: SocketAddr,
}

/// One socket of a listener.
#[derive(Clone, Debug)]
pub struct Member {
    listener: Arc<Listener>,
    index: usize,
}

impl AsFd for Member {
    fn as_fd(&self) -> BorrowedFd<'_> {
        let others = self.index.checked_sub(1).and_then(|index| self.listener.others.get(index));
        others.unwrap_or(&self.listener.socket).as_fd()
    }
}

impl Listener {
    /// Opens the listener: non-blocking, close-on-exec, with SO_REUSEADDR (connections of an earlier run in TIME_WAIT
    /// do not prevent bind(); a second listener does).
    ///
    /// # Errors
    /// [`ListenError`]: the kernel's error with the failed operation and its target.
    pub fn open(plan: &ListenPlan) -> Result<Self, ListenError> {
        let fail = |operation| move |source| ListenError { operation, address: plan.address, source };
        let socket = Socket::new(Domain::for_address(plan.address), Type::STREAM.nonblocking(), Some(Protocol::TCP))
            .map_err(fail(Operation::Open))?;
        socket.set_reuse_address(true).map_err(fail(Operation::Prepare))?;
        if let SocketAddr::V6(v6) = plan.address {
            socket.set_only_v6(!v6.ip().is_unspecified()).map_err(fail(Operation::Prepare))?;
        }
        socket.bind(&plan.address.into()).map_err(fail(Operation::Bind))?;
        socket.listen(plan.backlog).map_err(fail(Operation::Listen))?;
        let bound = socket.local_addr().map_err(fail(Operation::ReadAddress))?;
        let address = bound.as_socket().unwrap_or(plan.address);
        Ok(Self { socket, others: Vec::new(), address })
    }

    /// Takes copies of another program's listening descriptors over: one, or those of all members of its SO_REUSEPORT group.
    ///
    /// # Errors
    /// What `getsockname(2)` says, and EINVAL where there is none or the socket has no IP address.
    pub fn adopt(copies: Vec<OwnedFd>) -> io::Result<Self> {
        let mut sockets = copies.into_iter().map(Socket::from);
        let socket = sockets.next().ok_or(Errno::INVAL)?;
        let address = socket.local_addr()?.as_socket().ok_or(Errno::INVAL)?;
        Ok(Self { socket, others: sockets.collect(), address })
    }

    /// Each of its sockets.
    pub fn members(self: &Arc<Self>) -> Vec<Member> {
        (0..=self.others.len()).map(|index| Member { listener: Arc::clone(self), index }).collect()
    }

    /// Calls `listen()` again: the kernel applies the new limit at once, up or down, and keeps queued connections
    /// (`inet_listen`, `net/ipv4/af_inet.c`).
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn relisten(&self, backlog: i32) -> Result<(), ListenError> {
        let mut sockets = std::iter::once(&self.socket).chain(&self.others);
        sockets.try_for_each(|socket| socket.listen(backlog)).map_err(|source| ListenError {
            operation: Operation::Listen,
            address: self.address,
            source,
        })
    }

    /// The bound address: with the kernel's port if port 0 was requested.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
#[error("{}", say!("cannot {operation} {address}: {source}", operation, address, source = describe(source)))]
pub struct ListenError {
    /// What failed.
    pub operation: Operation,
    /// The requested address.
    pub address: SocketAddr,
    /// The kernel's answer.
    pub source: io::Error,
}

/// The operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `socket(2)`.
    Open,
    /// `setsockopt(2)`.
    Prepare,
    /// `bind(2)`.
    Bind,
    /// `listen(2)`.
    Listen,
    /// `getsockname(2)`.
    ReadAddress,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => say!("open a socket for"),
            Self::Prepare => say!("set the options of the socket for"),
            Self::Bind => say!("bind"),
            Self::Listen => say!("listen on"),
            Self::ReadAddress => say!("read back the address of"),
        })
    }
}

impl ListenError {
    /// The remedy: the next command.
    pub fn hint(&self) -> String {
        let (ip, port) = (self.address.ip(), self.address.port());
        match self.source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::ADDRINUSE) => say!(
                "port {port} is taken: see by whom with `ss -ltnp 'sport = :{port}'`, and give another one with `--listen {next}`, or \
                 any free one with `--listen {free}`",
                port,
                next = SocketAddr::new(ip, if port < u16::MAX { port + 1 } else { 8080 }),
                free = SocketAddr::new(ip, 0),
            ),
            Some(Errno::ACCESS) => {
                let start = unprivileged_port_start();
                say!(
                    "port {port} is privileged here: give one from {start} on with `--listen {other}`, or use the private lab \
                     (`--net lab`), where every port is free",
                    port,
                    start,
                    other = SocketAddr::new(ip, start.max(8080)),
                )
            }
            Some(Errno::ADDRNOTAVAIL) => say!(
                "no interface here has the address {ip}: see them with `ip -brief address`, and listen on one of them, for example \
                 `--listen {other}`",
                ip,
                other = if ip.is_ipv4() { format!("127.0.0.1:{port}") } else { format!("[::1]:{port}") },
            ),
            Some(Errno::AFNOSUPPORT) => {
                say!("this kernel has IPv6 switched off: use IPv4, for example `--listen 127.0.0.1:{port}`", port)
            }
            Some(Errno::MFILE | Errno::NFILE) => {
                say!("no file descriptor is left: raise the limit with `ulimit -n 4096`").to_owned()
            }
            _ => say!("see what works on this machine with `qviz doctor`").to_owned(),
        }
    }
}

/// The first port that an ordinary user may bind in this network namespace.
fn unprivileged_port_start() -> u16 {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(USUAL_PORT_START)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(address: &str) -> ListenPlan {
        ListenPlan { address: address.parse().unwrap(), backlog: 5 }
    }

    fn failed(operation: Operation, address: &str, errno: Errno) -> ListenError {
        let source = io::Error::from_raw_os_error(errno.raw_os_error());
        ListenError { operation, address: address.parse().unwrap(), source }
    }

    #[test]
    fn port_0_gives_a_real_port() {
        let listener = Listener::open(&on("127.0.0.1:0")).unwrap();
        assert_ne!(listener.address().port(), 0);
        assert_eq!(listener.address().ip().to_string(), "127.0.0.1");
    }

    #[test]
    fn a_taken_port_is_named_with_two_ways_out() {
        let first = Listener::open(&on("127.0.0.1:0")).unwrap();
        let plan = ListenPlan { address: first.address(), backlog: 5 };
        let error = Listener::open(&plan).unwrap_err();
        let port = first.address().port();
        assert_eq!(error.to_string(), format!("cannot {} 127.0.0.1:{port}: {}", error.operation, error.source));
        assert!(matches!(error.operation, Operation::Bind | Operation::Listen));
        let hint = error.hint();
        for part in
            [format!("ss -ltnp 'sport = :{port}'"), "--listen 127.0.0.1:0".into(), format!("port {port} is taken")]
        {
            assert!(hint.contains(&part), "{hint}");
        }
    }

    #[test]
    fn a_foreign_address_is_explained() {
        let error = Listener::open(&on("192.0.2.1:8080")).unwrap_err();
        assert_eq!(error.operation, Operation::Bind);
        assert!(error.to_string().starts_with("cannot bind 192.0.2.1:8080: "), "{error}");
        assert!(error.hint().contains("--listen 127.0.0.1:8080"));
    }

    #[test]
    fn a_privileged_port_is_explained_with_a_free_one_and_the_lab() {
        let hint = failed(Operation::Bind, "127.0.0.1:80", Errno::ACCESS).hint();
        assert!(hint.contains("port 80 is privileged") && hint.contains("--net lab"), "{hint}");
        assert!(hint.contains("--listen 127.0.0.1:8080"), "{hint}");
    }

    #[test]
    fn missing_ipv6_and_missing_descriptors_have_hints_of_their_own() {
        assert!(failed(Operation::Open, "[::1]:80", Errno::AFNOSUPPORT).hint().contains("use IPv4"));
        assert!(failed(Operation::Open, "[::1]:80", Errno::MFILE).hint().contains("ulimit -n"));
        assert!(failed(Operation::Open, "[::1]:80", Errno::NOMEM).hint().contains("qviz doctor"));
    }

    #[test]
    fn a_second_listen_on_a_socket_that_listens_is_no_error() {
        let listener = Listener::open(&on("127.0.0.1:0")).unwrap();
        for backlog in [0, 1, 100_000, -1, i32::MAX, i32::MIN, 5] {
            listener.relisten(backlog).unwrap();
        }
    }
}
