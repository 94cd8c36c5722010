//! Bytes on their way to the terminal: a thread of its own writes them, so that a stalled terminal stops this thread alone.
//!
//! Everything goes out in its order. A sender may ask how much is still waiting, and may wait for it with a timeout.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{Action, QueueSelector, tcflow, tcflush};

/// A way to a terminal.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    pieces: mpsc::Sender<Vec<u8>>,
    shared: Arc<Shared>,
}

/// The state that the writing thread shares.
#[derive(Debug, Default)]
struct Shared {
    /// Pieces that are not written yet.
    waiting: AtomicUsize,
    /// Bytes written so far.
    written: AtomicUsize,
    /// The terminal has refused to be written to.
    refused: Mutex<Option<Errno>>,
    has_refused: AtomicBool,
    progress: (Mutex<()>, Condvar),
}

impl Outlet {
    /// A way to standard output.
    ///
    /// # Errors
    /// When there is no thread to write with.
    pub(super) fn stdout() -> io::Result<Self> {
        let (pieces, queue) = mpsc::channel::<Vec<u8>>();
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        std::thread::Builder::new().name("screen".into()).spawn(move || {
            for piece in queue {
                writer.write(&piece);
            }
        })?;
        Ok(Self { pieces, shared })
    }

    /// Hands a piece to the writing thread; without one it is refused with EPIPE.
    pub(super) fn send(&self, piece: Vec<u8>) {
        self.shared.waiting.fetch_add(1, Ordering::SeqCst);
        if self.pieces.send(piece).is_err() {
            self.shared.refuse(Errno::PIPE);
        }
    }

    /// True while something has not been taken yet.
    pub(super) fn is_busy(&self) -> bool {
        self.shared.waiting.load(Ordering::SeqCst) > 0
    }

    /// Waits until everything is taken: as long as something is, and then so long. False for a terminal that takes nothing more. A
    /// terminal with room for more is only waited for a little longer: it is this machine that is busy.
    pub(super) fn drain(&self, timeout: Duration) -> bool {
        let (lock, condvar) = &self.shared.progress;
        let mut guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut idle = 0;
        loop {
            if !self.is_busy() {
                return true;
            }
            let before = self.shared.written.load(Ordering::SeqCst);
            let waited = condvar.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner);
            guard = waited.0;
            idle = if self.shared.written.load(Ordering::SeqCst) == before { idle + 1 } else { 0 };
            if waited.1.timed_out() && idle > 0 && (idle > MAX_IDLE_WAITS || !has_room()) {
                return !self.is_busy();
            }
        }
    }

    /// What the terminal has answered to a piece, if it has refused one.
    ///
    /// # Errors
    /// That answer.
    pub(super) fn check(&self) -> io::Result<()> {
        if !self.shared.has_refused.load(Ordering::SeqCst) {
            return Ok(());
        }
        let refused = *self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner);
        Err(refused.unwrap_or(Errno::IO).into())
    }

    /// Sends something that has to arrive even if the terminal has taken nothing for a while: then what it has not read yet is
    /// thrown away. False for a terminal that takes nothing nevertheless.
    pub(super) fn send_last(&self, mut piece: Vec<u8>, timeout: Duration) -> bool {
        if !self.drain(timeout) && discard().is_ok() {
            // What was cut off may have been half of a control sequence.
            piece.insert(0, CANCEL);
        }
        self.send(piece);
        self.drain(timeout)
    }
}

/// Throws away what has been written and not read, and wakes the thread that waits for room.
fn discard() -> rustix::io::Result<()> {
    let stdout = rustix::stdio::stdout();
    tcflush(stdout, QueueSelector::OFlush)?;
    tcflow(stdout, Action::OOff)?;
    tcflow(stdout, Action::OOn)
}

impl Shared {
    /// Writes past every lock and buffer of the standard library.
    fn write(&self, mut bytes: &[u8]) {
        let stdout = rustix::stdio::stdout();
        while !bytes.is_empty() {
            match rustix::io::write(stdout, &bytes[..bytes.len().min(WRITE_SIZE)]) {
                Ok(0) => return self.refuse(Errno::IO),
                Ok(count) => {
                    bytes = &bytes[count..];
                    self.written.fetch_add(count, Ordering::SeqCst);
                    self.notify();
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait_until_writable(stdout),
                Err(errno) => return self.refuse(errno),
            }
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.notify();
    }

    fn refuse(&self, errno: Errno) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(errno);
        self.has_refused.store(true, Ordering::SeqCst);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.notify();
    }

    /// The lock is taken, or a waiter between its look and its sleep would miss the notification.
    fn notify(&self) {
        let (lock, condvar) = &self.progress;
        drop(lock.lock().unwrap_or_else(PoisonError::into_inner));
        condvar.notify_all();
    }
}

/// True when the terminal would take something at once.
fn has_room() -> bool {
    let stdout = rustix::stdio::stdout();
    let mut fds = [PollFd::from_borrowed_fd(stdout, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

/// Another process has set `O_NONBLOCK` on this terminal.
fn wait_until_writable(stdout: BorrowedFd<'_>) {
    let mut fds = [PollFd::from_borrowed_fd(stdout, PollFlags::OUT)];
    let _whatever_comes_is_seen_by_the_next_write = poll(&mut fds, None);
}

/// Bytes in one write: small enough to see whether a slow terminal still takes something.
const WRITE_SIZE: usize = 1024;

/// How many timeouts a terminal with room is waited for.
const MAX_IDLE_WAITS: u32 = 10;

/// CAN: ends a control sequence that was cut off.
const CANCEL: u8 = 0x18;
