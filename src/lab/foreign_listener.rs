//! Another program's listening socket, by a copy of its descriptor. What is done to it stays when the copy is closed: it is done
//! only when somebody asks for it by name.

use std::io;
use std::os::fd::AsFd;

/// Calls `listen(fd, backlog)` again on a listening socket: its limit becomes min(`backlog`, net.core.somaxconn of its network
/// namespace), a negative backlog counting as a huge one; connections that wait stay (`__sys_listen`, net/socket.c;
/// `inet_listen`, net/ipv4/af_inet.c). A unix socket's clients then see the caller as its owner (SO_PEERCRED).
///
/// # Errors
/// `listen(2)`'s own.
pub fn relisten(fd: impl AsFd, backlog: i32) -> io::Result<()> {
    Ok(rustix::net::listen(fd, backlog)?)
}
