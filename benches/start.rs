//! The program in a real terminal: first frame after its start (lab included), bytes per frame, CPU and memory of the default lab.
//!
//! `cargo bench --bench start`. The anchor of a start is that of `/bin/true` on a terminal of its own, in the same run.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may stop and has a table to show")]

#[path = "support/runs.rs"]
mod runs;

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Child;
use std::time::Duration;

use pty_process::blocking::{Command, Pty, open};
use qviz::session::clock::Clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use runs::{Line, median, table};

/// Rows and columns.
const SIZE: (u16, u16) = (36, 120);

const STARTS: usize = 9;

/// How long the default lab is watched.
const WATCHED: Duration = Duration::from_secs(7);

/// How long the held picture is watched.
const FROZEN: Duration = Duration::from_secs(2);

fn main() {
    let mut starts: [Vec<f64>; 3] = Default::default();
    for _ in 0..STARTS {
        starts[0].push(nothing_ms());
        let (drawn, whole) = first_frame_ms();
        starts[1].push(drawn);
        starts[2].push(whole);
    }
    let [nothing, drawn, whole] = starts.map(median);
    let lab = watch();
    let bare = Some(("/bin/true on a terminal: ms", nothing));
    let target = |name, value| Some((name, value));
    table(&[
        Line::new("first frame on the terminal: ms", drawn, bare),
        Line::new("first frame that shows the listener: ms", whole, bare),
        Line::new("first frame that shows the listener: ms", whole, target("target", 50.0)),
        Line::new("default lab: bytes per frame", lab.bytes / lab.frames, target("target", 2048.0)),
        Line::new("default lab: frames per second", lab.frames / WATCHED.as_secs_f64(), None),
        Line::new("default lab: CPU, % of a core", lab.cpu, target("target", 5.0)),
        Line::new("default lab, held picture: CPU, % of a core", lab.frozen_cpu, target("target", 2.0)),
        Line::new("default lab: resident memory, MiB", lab.resident, target("target", 20.0)),
    ]);
}

/// A program on a terminal of its own.
struct Shown {
    pty: Pty,
    child: Child,
    clock: Clock,
    screen: vt100::Parser,
    seen: Vec<u8>,
}

impl Shown {
    fn start(program: &str, args: &[&str]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(pty_process::Size::new(SIZE.0, SIZE.1)).unwrap();
        let clock = Clock::start();
        let child = Command::new(program).args(args).env("TERM", "xterm-256color").spawn(pts).unwrap();
        let [rows, columns] = [SIZE.0, SIZE.1].map(|length| NonZeroU16::new(length).unwrap());
        let screen = vt100::Parser::new(rows, columns, 0);
        Self { pty, child, clock, screen, seen: Vec::new() }
    }

    /// Reads for at most `span`; false at the end.
    fn read(&mut self, span: Duration) -> bool {
        let timeout = Timespec { tv_sec: span.as_secs() as i64, tv_nsec: span.subsec_nanos().into() };
        let mut fds = [PollFd::new(&self.pty, PollFlags::IN)];
        if poll(&mut fds, Some(&timeout)) == Ok(0) {
            return true;
        }
        let mut buffer = vec![0; 65_536];
        // A terminal without a program on its other side answers with EIO.
        let Ok(length @ 1..) = self.pty.read(&mut buffer) else { return false };
        self.seen.extend_from_slice(&buffer[..length]);
        self.screen.process(&buffer[..length]);
        true
    }

    fn ms(&self) -> f64 {
        self.clock.now().as_secs_f64() * 1e3
    }

    fn frames(&self) -> usize {
        self.seen.windows(FRAME.len()).filter(|window| *window == FRAME).count()
    }

    fn read_for(&mut self, span: Duration) {
        let end = self.clock.now() + span;
        while self.clock.now() < end {
            self.read(end - self.clock.now());
        }
    }

    /// Ends it as a person does, and takes its last words.
    fn quit(mut self) {
        self.pty.write_all(b"q").unwrap();
        while self.read(Duration::from_secs(2)) {}
        self.child.wait().unwrap();
    }
}

/// The end of one frame: the terminal may show it (synchronized update, mode 2026).
const FRAME: &[u8] = b"\x1b[?2026l";

fn nothing_ms() -> f64 {
    let mut nothing = Shown::start("/bin/true", &[]);
    nothing.child.wait().unwrap();
    nothing.ms()
}

/// Milliseconds to the first frame, and to the first one with the listener in it.
fn first_frame_ms() -> (f64, f64) {
    let mut qviz = Shown::start(QVIZ, &["--backlog", "5"]);
    let mut first = None;
    loop {
        assert!(qviz.read(Duration::from_secs(2)), "qviz ended: {}", qviz.screen.screen().contents());
        if first.is_none() && qviz.frames() > 0 {
            first = Some(qviz.ms());
        }
        if qviz.frames() > 0 && qviz.screen.screen().contents().contains(LISTENER) {
            let whole = qviz.ms();
            qviz.quit();
            return (first.unwrap(), whole);
        }
        assert!(qviz.ms() < 5_000.0, "no frame shows {LISTENER}: {}", qviz.screen.screen().contents());
    }
}

/// What the default lab takes.
struct Taken {
    bytes: f64,
    frames: f64,
    cpu: f64,
    frozen_cpu: f64,
    resident: f64,
}

fn watch() -> Taken {
    let mut qviz = Shown::start(QVIZ, &["--backlog", "5"]);
    qviz.read_for(Duration::from_millis(300));
    let pid = qviz.child.id();
    qviz.seen.clear();
    let cpu = share(pid, &mut qviz, WATCHED);
    let (bytes, frames) = (qviz.seen.len() as f64, qviz.frames() as f64);
    let resident = resident_mib(pid);
    qviz.pty.write_all(b"f").unwrap();
    qviz.read_for(Duration::from_millis(200));
    let frozen_cpu = share(pid, &mut qviz, FROZEN);
    qviz.quit();
    Taken { bytes, frames, cpu, frozen_cpu, resident }
}

/// CPU time of a process while its terminal is read for `span`, in percent of a core.
fn share(pid: u32, qviz: &mut Shown, span: Duration) -> f64 {
    let before = spent_s(pid);
    qviz.read_for(span);
    (spent_s(pid) - before) / span.as_secs_f64() * 100.0
}

/// Seconds of CPU that all threads of a process have taken, exact to the nanosecond (`/proc/PID/task/TID/schedstat`).
fn spent_s(pid: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanos = |task: std::fs::DirEntry| -> f64 {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap();
        text.split_whitespace().next().unwrap().parse().unwrap()
    };
    tasks.map(|task| nanos(task.unwrap())).sum::<f64>() / 1e9
}

fn resident_mib(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

const QVIZ: &str = env!("CARGO_BIN_EXE_qviz");
/// What the first screen says of the listener.
const LISTENER: &str = "198.51.100.1:8080";
