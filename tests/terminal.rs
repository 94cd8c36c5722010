//! The real program in a real terminal: whatever ends it, the terminal is as it was found.

#![expect(clippy::unwrap_used, reason = "a terminal that cannot be had has failed the test")]

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::tcgetattr;

#[path = "support/lab.rs"]
mod lab;

const SOON: Duration = Duration::from_secs(20);

/// qviz in a terminal of its own, seen through the eyes of a terminal emulator.
struct Seat {
    pty: Pty,
    child: Child,
    screen: vt100::Parser,
    settings: String,
}

impl Seat {
    fn take(rows: u16, cols: u16) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(rows, cols)).unwrap();
        let settings = settings(&pty);
        let qviz = Command::new(env!("CARGO_BIN_EXE_qviz")).args(["--backlog", "5"]).env("TERM", "xterm-256color");
        let child = qviz.spawn(pts).unwrap();
        let mut seat = Self { pty, child, screen: emulator(rows, cols), settings };
        seat.until("the picture", |seat| seat.shows("ACCEPT QUEUE") && seat.shows("listen(5)"));
        assert!(seat.screen.screen().alternate_screen() && seat.screen.screen().hide_cursor());
        assert_ne!(settings_of(&seat), seat.settings, "raw while the picture stands");
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

    fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The state letter of the process in `/proc`.
    fn state(&self) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        stat.rsplit_once(')')?.1.trim_start().chars().next()
    }

    #[track_caller]
    fn is_as_found(&self) {
        assert_eq!(settings_of(self), self.settings, "the terminal's settings");
        assert!(!self.screen.screen().alternate_screen(), "the alternate screen is left");
        assert!(!self.screen.screen().hide_cursor(), "the cursor is shown");
    }

    #[track_caller]
    fn ends(&mut self) -> ExitStatus {
        let status = lab::wait_until(SOON, "the end", || {
            self.look();
            self.child.try_wait().unwrap()
        });
        self.look();
        self.is_as_found();
        status
    }
}

impl Drop for Seat {
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

fn settings(pty: &Pty) -> String {
    format!("{:?}", tcgetattr(pty).unwrap())
}

fn settings_of(seat: &Seat) -> String {
    settings(&seat.pty)
}

#[test]
fn every_way_out_leaves_the_terminal_as_it_was() {
    if !lab::lab_or_skip() {
        return;
    }
    for keys in ["q", "\u{3}"] {
        let mut seat = Seat::take(24, 80);
        seat.press(keys);
        assert_eq!(seat.ends().code(), Some(0), "{keys:?}");
        assert!(seat.shows("qviz --backlog 5"), "the summary follows: {}", seat.screen.screen().contents());
    }
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let mut seat = Seat::take(24, 80);
        seat.signal(signal);
        assert_eq!(seat.ends().code(), Some(code), "{signal:?}");
    }
}

#[test]
fn ctrl_z_gives_the_terminal_back_until_the_program_goes_on() {
    if !lab::lab_or_skip() {
        return;
    }
    let mut seat = Seat::take(24, 80);
    for stop in ["\u{1a}", ""] {
        if stop.is_empty() {
            seat.signal(Signal::TSTP);
        } else {
            seat.press(stop);
        }
        seat.until("a stopped program", |seat| seat.state() == Some('T'));
        seat.look();
        seat.is_as_found();
        seat.signal(Signal::CONT);
        seat.until("the whole picture again", |seat| {
            seat.screen.screen().alternate_screen() && seat.shows("ACCEPT QUEUE") && seat.shows("q quit")
        });
    }
    seat.press("q");
    assert_eq!(seat.ends().code(), Some(0));
}

#[test]
fn a_storm_of_sizes_ends_in_a_whole_picture() {
    if !lab::lab_or_skip() {
        return;
    }
    let mut seat = Seat::take(36, 120);
    for step in 0..60_u16 {
        let (rows, cols) = (step * 7 % 61, step * 31 % 211);
        seat.pty.resize(Size::new(rows, cols)).unwrap();
        seat.signal(Signal::WINCH);
        seat.look();
    }
    seat.pty.resize(Size::new(36, 120)).unwrap();
    seat.screen = emulator(36, 120);
    seat.signal(Signal::WINCH);
    seat.until("the picture at its last size", |seat| seat.shows("KERNEL COUNTERS") && seat.shows("q quit"));
    seat.screen.process(b"\x1b[?1049h\x1b[?25l");
    seat.press("q");
    assert_eq!(seat.ends().code(), Some(0));
}

#[test]
fn keys_reach_the_kernel_and_the_screen_says_so() {
    if !lab::lab_or_skip() {
        return;
    }
    let mut seat = Seat::take(36, 120);
    seat.press("\u{1b}[C");
    seat.until("listen(6)", |seat| seat.shows("listen(6) → holds 7 + 7"));
    seat.press(" ");
    seat.until("a paused server", |seat| seat.shows("PAUSED"));
    seat.press("o");
    seat.until("the other overflow mode", |seat| seat.shows("overflow: RST"));
    seat.press("?");
    seat.until("help", |seat| seat.shows("? or esc closes"));
    seat.press("\u{1b}");
    seat.until("no help", |seat| !seat.shows("? or esc closes"));
    seat.press("f");
    seat.until("a frozen picture", |seat| seat.shows("FROZEN at"));
    seat.press("f");
    seat.until("a live picture", |seat| seat.shows("▶ live"));
    seat.press("q");
    assert_eq!(seat.ends().code(), Some(0));
}

#[test]
fn a_terminal_that_is_gone_ends_the_program_even_when_nobody_hangs_up() {
    if !lab::lab_or_skip() {
        return;
    }
    let (pty, pts) = open().unwrap();
    pty.resize(Size::new(24, 80)).unwrap();
    let program = format!("trap '' HUP; exec {} --backlog 5", env!("CARGO_BIN_EXE_qviz"));
    let mut child = Command::new("sh").args(["-c", &program]).spawn(pts).unwrap();
    let mut first = [0; 4096];
    let mut seat = (&pty).take(4096);
    assert!(seat.read(&mut first).unwrap() > 0);
    drop(pty);
    lab::wait_until(SOON, "the end", || child.try_wait().unwrap());
}
