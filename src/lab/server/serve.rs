//! What the server does with one connection when its time has come: read, answer, close in good order.

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// What every client gets.
const RESPONSE: &[u8] = b"served\n";

/// How the attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Answered: closing the socket now sends a FIN, because everything that came was read.
    Answered,
    /// The client had reset it.
    FoundReset,
    /// The request has not come yet.
    NotYet,
}

/// Reads what came and answers it. Without a request the answer is [`Attempt::NotYet`], unless patience is `over`: then the client
/// is answered all the same.
pub(super) fn answer(socket: impl AsFd, over: bool) -> Attempt {
    let socket = socket.as_fd();
    let mut buffer = [0_u8; 2048];
    let mut came = false;
    loop {
        match recv(socket, &mut buffer[..], RecvFlags::DONTWAIT).map(|(read, _)| read) {
            Ok(0) => break,
            Ok(read) if read < buffer.len() => break,
            Ok(_) => came = true,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if came || over => break,
            Err(Errno::AGAIN) => return Attempt::NotYet,
            Err(_) => return Attempt::FoundReset,
        }
    }
    // MORE: the answer waits for the FIN that closing sends, and both travel in one segment.
    match send(socket, RESPONSE, SendFlags::NOSIGNAL | SendFlags::DONTWAIT | SendFlags::MORE) {
        Err(Errno::PIPE | Errno::CONNRESET) => Attempt::FoundReset,
        _ => Attempt::Answered,
    }
}
