//! The netlink socket: one request in flight, its complete answer, and the recovery when it is truncated, refused or
//! overrun.

use std::io;
use std::time::Duration;

use rustix::net::RecvFlags;
use socket2::{Domain, Protocol, Socket, Type};

use crate::kernel::sock_diag::envelope::{Message, Messages};

/// An open netlink socket and the number of its last request. Tests replace the kernel by scripted answers.
#[derive(Debug)]
pub(super) struct NetlinkSocket<W = Socket> {
    transport: W,
    buffer: Vec<u8>,
    sequence: u32,
}

/// Sends datagrams to the kernel and receives its answers.
pub(super) trait NetlinkTransport {
    /// Sends one request.
    fn send(&mut self, request: &[u8]) -> io::Result<()>;
    /// Receives one datagram and returns its true length, which may be more than the buffer has.
    fn receive(&mut self, buffer: &mut [u8], flags: RecvFlags) -> io::Result<usize>;
}

impl NetlinkSocket {
    /// Opens sock_diag in the network namespace of the calling thread.
    pub(super) fn open() -> io::Result<Self> {
        let netlink = Domain::from(libc::AF_NETLINK);
        let socket = Socket::new(netlink, Type::DGRAM, Some(Protocol::from(libc::NETLINK_SOCK_DIAG)))?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self::over(socket))
    }
}

impl<W: NetlinkTransport> NetlinkSocket<W> {
    /// A socket over this transport.
    pub(super) fn over(transport: W) -> Self {
        Self { transport, buffer: vec![0; BUFFER], sequence: 0 }
    }

    /// Sends the request and passes the body of every row of its answer to `each`; repeats it once after a failure.
    /// `each(None)` means that the answer starts again and earlier rows are void. Returns true when the kernel marked
    /// the dump as interrupted (NLM_F_DUMP_INTR).
    pub(super) fn request<const BYTES: usize>(
        &mut self,
        request: impl Fn(u32) -> [u8; BYTES],
        mut each: impl FnMut(Option<&[u8]>) -> io::Result<()>,
    ) -> io::Result<bool> {
        if let Ok(interrupted) = self.once(&request, &mut each) {
            return Ok(interrupted);
        }
        self.resynchronise();
        self.once(&request, &mut each)
    }

    fn once<const BYTES: usize>(
        &mut self,
        request: &impl Fn(u32) -> [u8; BYTES],
        each: &mut impl FnMut(Option<&[u8]>) -> io::Result<()>,
    ) -> io::Result<bool> {
        each(None)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.transport.send(&request(self.sequence))?;
        let mut interrupted = false;
        loop {
            let length = self.transport.receive(&mut self.buffer, RecvFlags::TRUNC)?;
            let datagram = self.buffer.get(..length).ok_or(io::ErrorKind::InvalidData)?;
            for message in Messages::of(datagram, self.sequence) {
                match message? {
                    Message::Row { body, interrupted: marked } => {
                        interrupted |= marked;
                        each(Some(body))?;
                    }
                    Message::Done { interrupted: marked } => return Ok(interrupted | marked),
                    Message::Failed(errno) => return Err(io::Error::from_raw_os_error(errno)),
                }
            }
        }
    }

    /// Drains what is left of an earlier answer: a dump that is still running makes the next one EBUSY. An overrun is
    /// reported once (ENOBUFS) and is not the end.
    fn resynchronise(&mut self) {
        for _ in 0..MAX_STALE_DATAGRAMS {
            match self.transport.receive(&mut self.buffer, RecvFlags::DONTWAIT) {
                Ok(length) if length > 0 => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                _ => return,
            }
        }
    }
}

impl NetlinkTransport for Socket {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        Socket::send(self, request).map(drop)
    }

    fn receive(&mut self, buffer: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
        loop {
            match rustix::net::recv(&*self, &mut *buffer, flags) {
                Ok((_, length)) => return Ok(length),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// The kernel answers within microseconds; waiting longer than this is an error and must not stall the screen.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes; a dump's datagram never has more (`netlink_dump`, `net/netlink/af_netlink.c`: SKB_WITH_OVERHEAD(32768)).
const BUFFER: usize = 32 * 1024;

/// Datagrams; more than the remains of any dump.
const MAX_STALE_DATAGRAMS: usize = 100_000;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::kernel::sock_diag::envelope::tests::message;

    /// A kernel that answers with these datagrams, one list for each request; an `Err` is what `recv` fails with.
    struct ScriptedKernel {
        answers: VecDeque<Vec<Result<Vec<u8>, i32>>>,
        now: VecDeque<Result<Vec<u8>, i32>>,
    }

    impl NetlinkTransport for ScriptedKernel {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            self.now.extend(self.answers.pop_front().ok_or(io::ErrorKind::BrokenPipe)?);
            Ok(())
        }

        fn receive(&mut self, buffer: &mut [u8], _: RecvFlags) -> io::Result<usize> {
            let datagram = self.now.pop_front().unwrap_or(Err(libc::EAGAIN)).map_err(io::Error::from_raw_os_error)?;
            let kept = datagram.len().min(buffer.len());
            buffer[..kept].copy_from_slice(&datagram[..kept]);
            Ok(datagram.len())
        }
    }

    fn row(sequence: u32, number: u8) -> Vec<u8> {
        message(20, 0, sequence, &[number; 4])
    }

    fn done(flags: i32, sequence: u32) -> Vec<u8> {
        message(libc::NLMSG_DONE as u16, flags as u16, sequence, &[0; 4])
    }

    /// The result of the request, and the rows.
    fn asked(answers: impl IntoIterator<Item = Vec<Result<Vec<u8>, i32>>>) -> (io::Result<bool>, Vec<u8>) {
        let mut socket =
            NetlinkSocket::over(ScriptedKernel { answers: answers.into_iter().collect(), now: VecDeque::new() });
        let mut rows = Vec::new();
        let result = socket.request(
            |_| [0; 4],
            |body| {
                match body {
                    Some(body) => rows.push(body[0]),
                    None => rows.clear(),
                }
                Ok(())
            },
        );
        (result, rows)
    }

    #[test]
    fn an_answer_cut_short_is_asked_for_again_and_nothing_is_counted_twice() {
        let short = row(1, 2)[..18].to_vec();
        let (result, rows) =
            asked([vec![Ok(row(1, 1)), Ok(short), Ok(row(1, 3))], vec![Ok(row(2, 1)), Ok(row(2, 2)), Ok(done(0, 2))]]);
        assert_eq!((result.unwrap(), rows), (false, vec![1, 2]));
    }

    #[test]
    fn an_answer_without_an_end_is_an_error_and_no_shorter_list() {
        let (result, _) = asked([vec![Ok(row(1, 1))], vec![Ok(row(2, 1))]]);
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EAGAIN));
    }

    #[test]
    fn a_datagram_larger_than_the_buffer_is_an_error_and_is_not_read_half() {
        let long: Vec<u8> = std::iter::repeat_n(row(1, 1), BUFFER / 20 + 1).flatten().collect();
        let again = long.clone();
        let (result, _) = asked([vec![Ok(long)], vec![Ok(again)]]);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn an_overrun_is_read_away_and_asked_again() {
        let overrun = vec![Ok(row(1, 1)), Err(libc::ENOBUFS), Err(libc::ENOBUFS), Ok(row(1, 9)), Ok(done(0, 1))];
        let (result, rows) = asked([overrun, vec![Ok(row(2, 7)), Ok(done(0, 2))]]);
        assert_eq!((result.unwrap(), rows), (false, vec![7]));
    }

    #[test]
    fn an_interrupted_dump_is_reported_whichever_message_is_marked() {
        let in_a_row = message(20, libc::NLM_F_DUMP_INTR as u16, 1, &[1; 4]);
        let (result, rows) = asked([vec![Ok(in_a_row), Ok(done(0, 1))]]);
        assert_eq!((result.unwrap(), rows), (true, vec![1]));
        assert!(asked([vec![Ok(done(libc::NLM_F_DUMP_INTR, 1))]]).0.unwrap());
    }

    #[test]
    fn a_repeated_refusal_is_returned_with_its_errno() {
        let refused = |sequence| message(libc::NLMSG_ERROR as u16, 0, sequence, &(-libc::ENOENT).to_ne_bytes());
        let (result, _) = asked([vec![Ok(refused(1))], vec![Ok(refused(2))]]);
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ENOENT));
    }
}
