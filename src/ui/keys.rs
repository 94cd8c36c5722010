//! Keys from the terminal, read by a thread of their own.
//!
//! crossterm's event stream reads a terminal that has gone away for ever, without a pause, on whichever thread asks, and waits for the
//! end of a started sequence as long as that takes, with every key behind it. Here the bytes are read and decoded by us: a sequence is
//! given up when nothing has come for [`PATIENCE`].

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use crossterm::event::{KeyEvent, MouseEvent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use tokio::sync::mpsc;

mod decode;

use decode::Decoder;

/// What a person does at the terminal.
#[derive(Debug)]
pub(super) enum Input {
    /// A key.
    Key(KeyEvent),
    /// The mouse, where the terminal reports it.
    Mouse(MouseEvent),
}

/// The keys as they are pressed, and the mouse.
#[derive(Debug)]
pub(super) struct Keys {
    pressed: mpsc::UnboundedReceiver<Input>,
    /// Closing it ends the thread.
    _open: OwnedFd,
}

impl Keys {
    /// Starts to read.
    ///
    /// # Errors
    /// When there is no terminal to read from, or no thread to read with.
    pub(super) fn listen() -> io::Result<Self> {
        let stdin = rustix::stdio::stdin();
        let terminal: OwnedFd =
            if rustix::termios::isatty(stdin) { rustix::io::dup(stdin)? } else { File::open("/dev/tty")?.into() };
        let (closed, open) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let (sender, pressed) = mpsc::unbounded_channel();
        std::thread::Builder::new().name("keys".into()).spawn(move || read(&terminal, &closed, &sender))?;
        Ok(Self { pressed, _open: open })
    }

    /// The next one; `None` when no more will come.
    pub(super) async fn next(&mut self) -> Option<Input> {
        self.pressed.recv().await
    }
}

/// Reads until the terminal is gone, the pipe is closed, or the receiver is dropped.
fn read(terminal: &OwnedFd, closed: &OwnedFd, sender: &mpsc::UnboundedSender<Input>) {
    let (mut decoder, mut bytes) = (Decoder::default(), [0; 1024]);
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(terminal.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(closed.as_fd(), PollFlags::IN),
        ];
        let inputs = match poll(&mut fds, decoder.is_within().then_some(&PATIENCE)) {
            Ok(0) => decoder.give_up().into_iter().collect(),
            Ok(_) if !fds[1].revents().is_empty() => return,
            Ok(_) if fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => return,
            Ok(_) => match rustix::io::read(terminal, &mut bytes) {
                Ok(0) => return,
                Ok(count) => decoder.decode(&bytes[..count]),
                // Another reader of the same terminal was faster.
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(_) => return,
            },
            Err(Errno::INTR) => continue,
            Err(_) => return,
        };
        if inputs.into_iter().any(|input| sender.send(input).is_err()) {
            return;
        }
    }
}

/// How long the next byte of a started sequence may take.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
