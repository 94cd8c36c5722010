//! Serves one connection: read, answer, close with a FIN.

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// The answer to every client.
const RESPONSE: &[u8] = b"served\n";

/// The result of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Answered: closing the socket now sends a FIN, because all received data was read.
    Answered,
    /// The client had reset it.
    FoundReset,
    /// The request has not arrived.
    NotYet,
}

/// Reads the request and answers it. Without a request the result is [`Attempt::NotYet`], unless the timeout is
/// `over`: then the client is answered anyway.
pub(super) fn answer(socket: impl AsFd, over: bool) -> Attempt {
    let socket = socket.as_fd();
    let mut buffer = [0_u8; 2048];
    let mut received = false;
    loop {
        match recv(socket, &mut buffer[..], RecvFlags::DONTWAIT).map(|(read, _)| read) {
            Ok(0) => break,
            Ok(read) if read < buffer.len() => break,
            Ok(_) => received = true,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if received || over => break,
            Err(Errno::AGAIN) => return Attempt::NotYet,
            Err(_) => return Attempt::FoundReset,
        }
    }
    // MSG_MORE delays the answer until the FIN of close(), so that both go in one segment.
    match send(socket, RESPONSE, SendFlags::NOSIGNAL | SendFlags::DONTWAIT | SendFlags::MORE) {
        Err(Errno::PIPE | Errno::CONNRESET) => Attempt::FoundReset,
        _ => Attempt::Answered,
    }
}
