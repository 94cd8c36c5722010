//! Keys from the terminal, read by a thread of their own.
//!
//! crossterm's event stream reads a terminal that has gone away for ever, without a pause, on whichever thread asks. Here the
//! thread asks the kernel first, and crossterm only when there is a key; the loop never waits for either. A change of size is passed
//! to it at once: crossterm forgets the key that it meets together with one.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use crossterm::event::{self, Event, KeyEvent, MouseEvent};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use tokio::sync::mpsc;

use crate::session::clock::Clock;

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
    /// A byte signals a change of size to the thread; closing it ends the thread.
    open: OwnedFd,
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
        let (closed, open) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let (sender, pressed) = mpsc::unbounded_channel();
        std::thread::Builder::new().name("keys".into()).spawn(move || read(&terminal, &closed, &sender))?;
        Ok(Self { pressed, open })
    }

    /// The next one; `None` when no more will come.
    pub(super) async fn next(&mut self) -> Option<Input> {
        self.pressed.recv().await
    }

    /// The terminal's size has changed: has crossterm take note before the next key comes.
    pub(super) fn resized(&self) {
        // A pipe that is full, or a thread that has ended, needs no byte.
        let _written = rustix::io::write(&self.open, &[0]);
    }
}

/// Reads until the terminal is gone, the pipe is closed, or the receiver is dropped.
fn read(terminal: &OwnedFd, closed: &OwnedFd, sender: &mpsc::UnboundedSender<Input>) {
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(terminal.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(closed.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        let (keys, resize) = (fds[0].revents(), fds[1].revents());
        if resize.contains(PollFlags::IN) {
            let _taken = rustix::io::read(closed, &mut [0; 64]);
            if !drain(sender).1 {
                return;
            }
        } else if !resize.is_empty() {
            return;
        }
        if keys.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return;
        }
        if keys.contains(PollFlags::IN) && !forward(sender) {
            return;
        }
    }
}

/// Forwards the events that crossterm decodes from the available bytes; false when the receiver is dropped.
fn forward(sender: &mpsc::UnboundedSender<Input>) -> bool {
    let (anything, receiver_open) = drain(sender);
    if !anything {
        // Half of an escape sequence, or bytes that crossterm has overlooked: wait instead of polling in a loop.
        Clock::pause(Duration::from_millis(20));
    }
    receiver_open
}

/// Takes everything that crossterm has: whether there was anything, and whether the receiver is still there.
fn drain(sender: &mpsc::UnboundedSender<Input>) -> (bool, bool) {
    let mut anything = false;
    while matches!(event::poll(Duration::ZERO), Ok(true)) {
        anything = true;
        let input = match event::read() {
            Ok(Event::Key(key)) => Input::Key(key),
            Ok(Event::Mouse(mouse)) => Input::Mouse(mouse),
            _ => continue,
        };
        if sender.send(input).is_err() {
            return (anything, false);
        }
    }
    (anything, true)
}
