//! qviz in a real terminal: a pty whose other end is read here, and a screen made of what qviz writes.
//!
//! Nothing runs in the background: a [`Pane`] reads while it waits for something, and every wait has a deadline.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![expect(clippy::expect_used, clippy::panic, reason = "what fails here fails the test")]

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pts, Pty, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Action, OptionalActions, Termios, Winsize, tcflow, tcgetattr, tcsetattr, tcsetwinsize};
use vt100::{Parser, Screen};

use crate::lab::wait_until;
use crate::traces::Traces;

/// Longer than any answer takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A terminal with a program in it, its session leader.
pub(crate) struct Pane {
    child: Child,
    master: Option<Pty>,
    /// Kept open, so that what is left of the terminal's settings can be read afterwards.
    slave: Option<Pts>,
    before: Termios,
    parser: Parser,
    /// Everything that was written to the terminal.
    seen: Vec<u8>,
}

impl Pane {
    /// Starts qviz with these words in a terminal of this many columns and rows.
    #[track_caller]
    pub(crate) fn qviz(size: (u16, u16), words: &str) -> Self {
        Self::start(size, Self::command(words))
    }

    /// qviz in an environment that does not depend on who tests.
    pub(crate) fn command(words: &str) -> Command {
        Self::environment(Command::new(env!("CARGO_BIN_EXE_qviz"))).args(words.split_whitespace())
    }

    /// The same environment for another program.
    pub(crate) fn environment(command: Command) -> Command {
        command.env("TERM", "xterm-256color").env_remove("COLORTERM").env_remove("NO_COLOR")
    }

    /// Starts any program.
    #[track_caller]
    pub(crate) fn start((columns, rows): (u16, u16), mut command: Command) -> Self {
        let (master, slave) = open().expect("a pty");
        master.resize(Size::new(rows, columns)).expect("a size");
        // Not what every terminal starts with, so that "as before" is more than "as usual".
        let mut before = tcgetattr(&master).expect("the terminal's settings");
        before.special_codes[rustix::termios::SpecialCodeIndex::VERASE] = 8;
        tcsetattr(&master, OptionalActions::Now, &before).expect("other settings");
        let before = tcgetattr(&master).expect("the terminal's settings");
        let child = command.spawn_borrowed(&slave).expect("the program starts");
        let parser = Parser::new(nonzero(rows), nonzero(columns), 0);
        Self { child, master: Some(master), slave: Some(slave), before, parser, seen: Vec::new() }
    }

    /// The process in the terminal.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The screen as it is.
    pub(crate) fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// Everything that was written to the terminal.
    pub(crate) fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// The screen's rows, without colours.
    pub(crate) fn text(&self) -> String {
        self.screen().rows(0, u16::MAX).collect::<Vec<_>>().join("\n")
    }

    /// The same, row by row.
    pub(crate) fn rows(&self) -> Vec<String> {
        self.screen().rows(0, u16::MAX).collect()
    }

    /// What was written since the alternate screen was left for the last time.
    pub(crate) fn afterwards(&self) -> String {
        let all = String::from_utf8_lossy(&self.seen);
        all.rsplit_once(LEFT).map(|(_, after)| after.to_owned()).unwrap_or_default()
    }

    /// Types.
    #[track_caller]
    pub(crate) fn press(&mut self, bytes: &[u8]) {
        let mut master = self.master.as_ref().expect("the terminal is open");
        master.write_all(bytes).expect("the terminal takes keys");
    }

    /// Another size, from now on.
    #[track_caller]
    pub(crate) fn resize(&mut self, (columns, rows): (u16, u16)) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.master.as_ref().expect("the terminal is open"), size).expect("another size");
        if let (Some(rows), Some(columns)) = (NonZeroU16::new(rows), NonZeroU16::new(columns)) {
            self.parser.set_size(rows, columns);
        }
    }

    /// Another size as the program hears it; the screen here keeps its own.
    #[track_caller]
    pub(crate) fn claim(&self, (columns, rows): (u16, u16)) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.master.as_ref().expect("the terminal is open"), size).expect("another size");
    }

    /// Sends a signal to the program.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the program takes a signal");
    }

    /// Closes the terminal: nobody is there any more.
    pub(crate) fn close(&mut self) {
        self.master = None;
        self.slave = None;
    }

    /// Lets the terminal be as full as it can be: whoever writes to it has to wait until somebody reads.
    #[track_caller]
    pub(crate) fn fill(&mut self) {
        let slave = self.slave.as_ref().expect("the terminal is open").as_fd().as_raw_fd();
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut other: File = OpenOptions::new()
            .write(true)
            .custom_flags(flags.bits().cast_signed())
            .open(format!("/proc/self/fd/{slave}"))
            .expect("the same terminal again, as one that does not wait");
        while other.write(&[b'x'; 1024]).is_ok() {}
        while other.write(b"x").is_ok() {}
    }

    /// Stops what is written to the terminal, as Ctrl-S does in a shell, or lets it go on.
    #[track_caller]
    pub(crate) fn flow(&mut self, action: Action) {
        tcflow(self.slave.as_ref().expect("the terminal is open"), action).expect("the terminal obeys");
    }

    /// Waits, without reading, until the program's thread that writes to the terminal is held up: it does not leave its place.
    #[track_caller]
    pub(crate) fn wait_until_stuck(&self) {
        let switches = || thread_switches(self.pid(), "screen").expect("the thread that writes");
        let (mut before, mut same) = (switches(), 0);
        wait_until(SOON, "a writing thread that waits for the terminal", || {
            let now = switches();
            same = if now == before { same + 1 } else { 0 };
            before = now;
            (same > STUCK).then_some(())
        });
    }

    /// Waits for the program's end without reading what it writes.
    #[track_caller]
    pub(crate) fn end_unread(&mut self) -> ExitStatus {
        wait_until(SOON, "the end of a program whose terminal nobody reads", || {
            self.child.try_wait().expect("the program can be waited for")
        })
    }

    /// Reads until the screen is as wanted.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, mut wanted: impl FnMut(&Self) -> bool) {
        let found = self.wait_at_most(SOON, &mut wanted);
        assert!(found, "not within {SOON:?}: {what}; the screen is\n{}", self.text());
    }

    /// Reads until the screen shows this text.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait(text, |pane| pane.text().contains(text));
    }

    /// Reads until the picture is there and knows its listener: the last thing in it are its keys.
    #[track_caller]
    pub(crate) fn wait_for_picture(&mut self) {
        self.wait("the picture", |pane| {
            let text = pane.text();
            pane.screen().alternate_screen() && text.contains("listen(") && text.trim_end().ends_with("quit")
        });
    }

    fn wait_at_most(&mut self, limit: Duration, wanted: &mut dyn FnMut(&Self) -> bool) -> bool {
        let began = crate::lab::now();
        loop {
            self.read();
            // A frame of which only the first part has been read is what nobody sees.
            if !self.is_within_a_frame() && wanted(self) {
                return true;
            }
            if began.elapsed() > limit {
                return false;
            }
        }
    }

    /// True when the beginning of a frame has been read, and its end has not.
    fn is_within_a_frame(&self) -> bool {
        let last = |mark: &[u8]| self.seen.windows(mark.len()).rposition(|part| part == mark);
        last(b"\x1b[?2026h") > last(b"\x1b[?2026l")
    }

    /// Reads until this moment, and to the end of the frame that it falls into.
    #[track_caller]
    pub(crate) fn read_until(&mut self, moment: Instant) {
        while crate::lab::now() < moment || self.is_within_a_frame() {
            self.read();
            assert!(crate::lab::now() < moment + SOON, "a frame without an end");
        }
    }

    /// Takes what is there; waits a moment when there is nothing.
    pub(crate) fn read(&mut self) {
        let Some(master) = &self.master else { return };
        let mut bytes = [0; 8_192];
        let mut moment = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        loop {
            let mut fds = [PollFd::from_borrowed_fd(master.as_fd(), PollFlags::IN)];
            if poll(&mut fds, Some(&moment)) != Ok(1) {
                return;
            }
            // Without another end the terminal has nothing more to say.
            let Ok(count) = (&*master).read(&mut bytes) else { return };
            self.seen.extend_from_slice(&bytes[..count]);
            self.parser.process(&bytes[..count]);
            moment = Timespec { tv_sec: 0, tv_nsec: 0 };
        }
    }

    /// Waits for the program's end, reading, and for the last that it wrote.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let pid = self.pid();
        let status = wait_until(SOON, &format!("the end of the program (pid {pid})"), || {
            self.read();
            self.child.try_wait().expect("the program can be waited for")
        });
        self.read();
        status
    }

    /// True where the terminal's settings and modes are those from before.
    pub(crate) fn is_restored(&self) -> bool {
        let screen = self.screen();
        self.has_settings_of_before()
            && !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && !self.reports_mouse()
            && screen.fgcolor() == vt100::Color::Default
            && screen.bgcolor() == vt100::Color::Default
            && !(screen.bold() || screen.inverse() || screen.underline())
    }

    /// True where clicks and the wheel are sent to the program.
    pub(crate) fn reports_mouse(&self) -> bool {
        self.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None
            || self.screen().mouse_protocol_encoding() != vt100::MouseProtocolEncoding::Default
    }

    /// Presses and lets go of the left button at a column and row, counted from 0, as a terminal reports it.
    #[track_caller]
    pub(crate) fn click(&mut self, (column, row): (usize, usize)) {
        let (column, row) = (column + 1, row + 1);
        self.press(format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m").as_bytes());
    }

    /// Turns the wheel by one notch, away from the person or towards them.
    #[track_caller]
    pub(crate) fn turn(&mut self, (column, row): (usize, usize), up: bool) {
        let button = if up { 64 } else { 65 };
        self.press(format!("\x1b[<{button};{};{}M", column + 1, row + 1).as_bytes());
    }

    /// The column and row at which a text stands.
    #[track_caller]
    pub(crate) fn find(&self, text: &str) -> (usize, usize) {
        let screen = self.text();
        let row = screen.lines().position(|line| line.contains(text));
        let row = row.unwrap_or_else(|| panic!("no {text:?} in\n{screen}"));
        let before = screen.lines().nth(row).and_then(|line| line.split(text).next()).unwrap_or_default();
        (before.chars().count(), row)
    }

    /// Fails unless everything is as it was: the terminal, and no process or namespace is left.
    #[track_caller]
    pub(crate) fn assert_left_clean(&self, traces: &Traces) {
        assert!(self.has_settings_of_before(), "the terminal's settings are not those from before");
        assert!(!self.screen().alternate_screen(), "the alternate screen is left");
        assert!(!self.screen().hide_cursor(), "the cursor is shown");
        assert!(!self.reports_mouse(), "the mouse is reported still");
        assert!(self.is_restored(), "bracketed paste or attributes are left over");
        traces.assert_gone();
    }

    fn has_settings_of_before(&self) -> bool {
        let master = self.master.as_ref().expect("the terminal is open");
        let now = tcgetattr(master).expect("the terminal's settings");
        format!("{now:?}") == format!("{:?}", self.before)
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // A test has failed; a stopped program dies of this too.
            let _gone = self.child.kill();
            let _gone = self.child.wait();
        }
    }
}

/// The depth and capacity in the title of a queue's frame, as in `ACCEPT QUEUE ── 2/6`.
pub(crate) fn depth(pane: &Pane, queue: &str) -> Option<(u32, u32)> {
    let text = pane.text();
    let (_, after) = text.split_once(queue)?;
    let title = after.split(['┐', '\n']).next()?;
    title.split_whitespace().find_map(|word| {
        let (depth, capacity) = word.split_once('/')?;
        Some((depth.parse().ok()?, capacity.parse().ok()?))
    })
}

/// The value in force of one row of the panel SETTINGS.
pub(crate) fn setting(pane: &Pane, name: &str) -> Option<String> {
    let rows: Vec<Vec<char>> = pane.screen().rows(0, u16::MAX).map(|row| row.chars().collect()).collect();
    let (top, left) = rows.iter().enumerate().find_map(|(top, row)| {
        let title: Vec<char> = "┌ SETTINGS ".chars().collect();
        row.windows(title.len()).position(|part| part == title).map(|left| (top, left))
    })?;
    let inside = rows[top + 1..].iter().filter_map(|row| row.get(left..)).take_while(|row| row[0] == '│');
    inside.map(|row| row[1..].iter().take_while(|c| **c != '│').collect::<String>()).find_map(|row| {
        let value = row.strip_prefix(name)?;
        // The row of another setting with a longer name does not count; host and here are two columns.
        value.starts_with(' ').then(|| value.trim().rsplit("  ").next().unwrap_or_default().trim().to_owned())
    })
}

/// The first number of a text such as `16 in 7s` or `0.40 s`.
#[track_caller]
pub(crate) fn number(text: &str) -> f64 {
    let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    digits.parse().unwrap_or_else(|_| panic!("{text:?} begins with a number"))
}

/// How often a thread of this name has given up the processor by itself.
fn thread_switches(pid: u32, name: &str) -> Option<u64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let statuses = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("status")).ok());
    let status = statuses.into_iter().find(|status| status.starts_with(&format!("Name:\t{name}\n")))?;
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

/// Looks, 5 ms apart, at which nothing has moved: longer than the slowest rhythm of the picture's clock.
const STUCK: u32 = 300;

#[track_caller]
fn nonzero(value: u16) -> NonZeroU16 {
    NonZeroU16::new(value).expect("a screen has a size")
}

/// The end of the alternate screen.
const LEFT: &str = "\x1b[?1049l";
