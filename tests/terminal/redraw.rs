//! A terminal that goes to another size and back between two frames has lost its content: the picture is drawn whole again.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::Child;
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::lab;
use crate::needs::network;

const SOON: Duration = Duration::from_secs(20);

/// qviz in a terminal of its own, seen through the eyes of a terminal emulator.
struct TerminalUnderTest {
    pty: Pty,
    child: Child,
    screen: vt100::Parser,
}

impl TerminalUnderTest {
    fn take(rows: u16, cols: u16) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(rows, cols)).unwrap();
        let qviz = Command::new(env!("CARGO_BIN_EXE_qviz")).args(["--backlog", "5"]).env("TERM", "xterm-256color");
        let child = qviz.spawn(pts).unwrap();
        let mut seat = Self { pty, child, screen: emulator(rows, cols) };
        seat.until("the picture", |seat| seat.shows("ACCEPT QUEUE") && seat.shows("listen(5)"));
        seat
    }

    /// Feeds the emulator with what has come; false when the other end is closed.
    fn look(&mut self) -> bool {
        while readable(&self.pty) {
            let mut bytes = [0; 16_384];
            match self.pty.read(&mut bytes) {
                Ok(count) if count > 0 => self.screen.process(&bytes[..count]),
                _ => return false,
            }
        }
        true
    }

    #[track_caller]
    fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        lab::wait_until(SOON, what, || {
            self.look();
            holds(self).then_some(())
        });
    }

    fn shows(&self, text: &str) -> bool {
        self.screen.screen().contents().contains(text)
    }
}

impl Drop for TerminalUnderTest {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

fn emulator(rows: u16, cols: u16) -> vt100::Parser {
    vt100::Parser::new(rows.try_into().unwrap(), cols.try_into().unwrap(), 0)
}

fn readable(pty: &Pty) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(pty.as_fd(), PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
}

case!(a_size_that_changed_and_came_back_between_two_frames_is_drawn_whole);
fn a_size_that_changed_and_came_back_between_two_frames_is_drawn_whole() {
    network();
    let mut seat = TerminalUnderTest::take(36, 120);
    for step in 0..60_u16 {
        seat.pty.resize(Size::new(step * 7 % 61, step * 31 % 211)).unwrap();
        seat.look();
    }
    seat.pty.resize(Size::new(36, 120)).unwrap();
    seat.screen = emulator(36, 120);
    seat.until("the whole picture", |seat| {
        seat.shows("KERNEL COUNTERS") && seat.shows("CLIENTS") && seat.shows("q quit")
    });
    seat.pty.write_all(b"q").unwrap();
    let status = lab::wait_until(SOON, "the end", || {
        seat.look();
        seat.child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(0));
}
