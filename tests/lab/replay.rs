//! A recording is the run again: same summary, same pictures, readable whatever became of its writer.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use qviz::model::event::{Event, Stamped};
use qviz::session::recording::read::{Recording, RecordingEnd};
use rustix::process::Signal;
use serde_json::Value;

use crate::lab;

const SOON: Duration = Duration::from_secs(30);

fn qviz(words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qviz"));
    command.args(words.split_whitespace()).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command.output().unwrap()
}

#[track_caller]
fn printed(words: &str) -> String {
    let output = qviz(words);
    assert!(output.status.success(), "{words}: {}", said(&output.stderr));
    said(&output.stdout)
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recordings").join(name)
}

const RECORDINGS: [&str; 3] = ["overflow.qviz", "ghosts.qviz", "cookies.qviz"];

case!(a_recording_replays_to_the_very_same_bytes_as_the_live_run);
fn a_recording_replays_to_the_very_same_bytes_as_the_live_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.qviz");
    let file = file.to_str().unwrap();
    let places = [
        "--net auto --rate 40 --backlog 3 --rtt 20ms --half-open 30% --loss 2%",
        "--net auto --arrivals wave:9/300ms",
        "--net host --listen 127.0.0.1:0 --rate 300 --backlog 0 --accept-rate 20",
    ];
    for (place, form) in
        places.into_iter().flat_map(|place| [(place, "--json"), (place, "--jsonl"), (place, "--headless")])
    {
        let live = printed(&format!("{place} {form} --duration 700ms --seed 3 --record {file}"));
        assert!(live.len() > 100);
        assert_eq!(printed(&format!("replay {file} {form}")), live, "{place} {form}");
    }
}

case!(a_killed_run_leaves_a_recording_that_lacks_a_moment_at_most);
fn a_killed_run_leaves_a_recording_that_lacks_a_moment_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("killed.qviz");
    let run = lab::Running::start(["--headless", "--rate", "50", "--record", path.to_str().unwrap()]);
    let enough = || {
        let tape = Recording::open(&path).ok()?;
        (tape.end().as_secs_f64() > 0.8).then_some(())
    };
    lab::wait_until(SOON, "the first second of the recording", enough);
    run.signal(Signal::KILL);
    let output = run.finish(SOON);
    assert!(!output.status.success());
    let tape = Recording::open(&path).unwrap();
    assert_ne!(tape.close, RecordingEnd::Ended);
    let replay = qviz(&format!("replay {} --json", path.display()));
    let summary: Value = serde_json::from_slice(&replay.stdout).unwrap();
    assert!(replay.status.success() && said(&replay.stderr).contains("before its run did"), "{}", said(&replay.stderr));
    assert!(summary["clients"]["started"].as_u64().unwrap() > 10, "{summary:#}");
}

case!(a_torn_last_line_is_left_out_and_said);
fn a_torn_last_line_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("torn.qviz");
    let whole = fs::read(asset("ghosts.qviz")).unwrap();
    let lines = lines(&whole);
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    assert_eq!(Recording::open(&path).unwrap().close, RecordingEnd::Torn { line: lines });
    let output = qviz(&format!("replay {} --json", path.display()));
    assert!(output.status.success());
    assert!(said(&output.stderr).contains(&format!("torn.qviz:{lines}: the last line was cut off")));
}

fn facts(path: &Path) -> Vec<Stamped> {
    Recording::open(path).unwrap().facts().unwrap().collect()
}

/// How many lines are whole.
fn lines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

case!(every_cut_of_a_recording_is_read_up_to_the_cut);
fn every_cut_of_a_recording_is_read_up_to_the_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.qviz");
    let whole = fs::read(asset("ghosts.qviz")).unwrap();
    let facts = facts(&asset("ghosts.qviz"));
    let second = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 1;
    for cut in (second..whole.len()).step_by(997) {
        fs::write(&path, &whole[..cut]).unwrap();
        let (read, lines) = (self::facts(&path), lines(&whole[..cut]));
        // A cut right before the line feed leaves a whole fact.
        assert!((lines - 1..=lines).contains(&read.len()), "{cut}");
        assert_eq!(read, facts[..read.len()]);
        assert_eq!(Recording::open(&path).unwrap().end(), read.iter().map(|fact| fact.at).max().unwrap(), "{cut}");
    }
}

case!(a_file_that_is_no_recording_is_an_error_with_its_line);
fn a_file_that_is_no_recording_is_an_error_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.qviz");
    let good = fs::read_to_string(asset("ghosts.qviz")).unwrap();
    let spoilt = |number: usize, with: &str| {
        let mut lines: Vec<_> = good.lines().collect();
        lines[number - 1] = with;
        lines.join("\n") + "\n"
    };
    let later = "{\"qviz-recording\":3,\"new\":true}";
    let earlier = "{\"qviz-recording\":1}";
    for (content, reason) in [
        (String::new(), "x.qviz:1: not a qviz recording"),
        ("once upon a time\n".to_owned(), "x.qviz:1: not a qviz recording"),
        ("{\"schema\":\"qviz/1\"}\n".to_owned(), "x.qviz:1: not a qviz recording"),
        (spoilt(1, later), "x.qviz:1: recording format 3 is not known"),
        (spoilt(1, earlier), "x.qviz:1: recording format 1 is not known"),
        (spoilt(2, "{\"at\":7}"), "x.qviz:2: not a fact that this qviz knows (missing field `event`)"),
        (spoilt(2, "{\"at\":7,\"event\":\"tick\"}"), "x.qviz:2: a recording begins with"),
        (good.lines().next().unwrap().to_owned() + "\n", "x.qviz: the recording is empty"),
    ] {
        fs::write(&path, content).unwrap();
        let output = qviz(&format!("replay {}", path.display()));
        let message = said(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(reason) && message.contains("try:"), "{reason}: {message}");
        assert!(output.stdout.is_empty());
    }
    fs::write(&path, [0xff; 9000]).unwrap();
    assert_eq!(qviz(&format!("replay {}", path.display())).status.code(), Some(1));
    for path in ["/nowhere/x.qviz", env!("CARGO_MANIFEST_DIR")] {
        let output = qviz(&format!("replay {path}"));
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output.stderr).contains(path), "{}", said(&output.stderr));
    }
}

case!(a_damaged_recording_is_read_up_to_the_damage_which_is_told_with_its_line);
fn a_damaged_recording_is_read_up_to_the_damage_which_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.qviz");
    let good = fs::read(asset("ghosts.qviz")).unwrap();
    let starts: Vec<_> =
        good.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).take(200).collect();
    for (number, with) in [
        (5, &b"{\"at\":7}\n"[..]),
        (200, b"{\"at\":7,\"event\":{\"miracle\":{}}}\n"),
        (120, &[0; 9000]),
        (90, &[0xff, 0xfe, b'\n']),
    ] {
        let (before, after) = (starts[number - 2], starts[number - 1]);
        fs::write(&path, [&good[..before], with, &good[after..]].concat()).unwrap();
        let read = facts(&path);
        assert_eq!(read.len(), number - 1, "the facts before it, and one that tells");
        fs::write(folder.path().join("cut.qviz"), &good[..before]).unwrap();
        assert_eq!(read[..number - 2], facts(&folder.path().join("cut.qviz")));
        let output = qviz(&format!("replay {} --json", path.display()));
        let message = said(&output.stderr);
        assert!(output.status.success(), "{message}");
        assert!(message.contains(&format!("x.qviz:{number}: not a fact that this qviz knows")), "{message}");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        let cut: Value = serde_json::from_slice(
            &qviz(&format!("replay {} --json", folder.path().join("cut.qviz").display())).stdout,
        )
        .unwrap();
        assert_eq!(summary, cut, "line {number}");
    }
}

case!(a_recording_may_come_through_a_pipe);
fn a_recording_may_come_through_a_pipe() {
    let piped = Command::new("sh")
        .args(["-c", "cat assets/recordings/ghosts.qviz | \"$0\" replay /dev/stdin --json", env!("CARGO_BIN_EXE_qviz")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert_eq!(said(&piped.stdout), printed("replay assets/recordings/ghosts.qviz --json"));
}

case!(a_full_disk_ends_the_recording_and_not_the_run);
fn a_full_disk_ends_the_recording_and_not_the_run() {
    let output = qviz("--net auto --rate 20 --json --duration 500ms --record /dev/full");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &summary["kind"]), (Some(1), &"lab".into()));
    let message = said(&output.stderr);
    assert!(message.contains("the run goes on") && message.contains("error: cannot write the recording"), "{message}");
    assert!(summary["clients"]["started"].as_u64().unwrap() > 3);
}

case!(a_recording_that_cannot_be_opened_or_would_overwrite_something_else_stops_before_the_run);
fn a_recording_that_cannot_be_opened_or_would_overwrite_something_else_stops_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let diary = folder.path().join("diary");
    fs::write(&diary, "dear diary").unwrap();
    for path in ["/nowhere/x.qviz", diary.to_str().unwrap()] {
        let output = qviz(&format!("--json --duration 200ms --record {path}"));
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output.stderr).contains(path) && output.stdout.is_empty());
    }
    assert_eq!(fs::read_to_string(&diary).unwrap(), "dear diary");
}

case!(the_stored_recordings_are_small_whole_and_show_what_their_names_say);
fn the_stored_recordings_are_small_whole_and_show_what_their_names_say() {
    for name in RECORDINGS {
        let path = asset(name);
        assert!(fs::metadata(&path).unwrap().len() < 200_000, "{name}");
        let tape = Recording::open(&path).unwrap();
        assert_eq!(
            (tape.close, facts(&path).last().map(|fact| fact.event.clone())),
            (RecordingEnd::Ended, Some(Event::Ended)),
            "{name}"
        );
        let summary: Value =
            serde_json::from_str(&printed(&format!("replay assets/recordings/{name} --json"))).unwrap();
        assert_eq!(summary["ledger"]["balanced"], true, "{name}");
        let more_than_none = match name {
            "overflow.qviz" => "/counters/ListenOverflows",
            "ghosts.qviz" => "/clients/ghosts",
            _ => "/counters/SyncookiesSent",
        };
        assert!(summary.pointer(more_than_none).unwrap().as_u64().unwrap() > 0, "{name}");
    }
}

case!(a_moment_is_drawn_as_text_of_the_wished_size_and_of_that_moment);
fn a_moment_is_drawn_as_text_of_the_wished_size_and_of_that_moment() {
    let text = printed("replay assets/recordings/overflow.qviz --at 2s --size 80x24 --text");
    assert_eq!(text.lines().count(), 24);
    assert!(text.contains("ACCEPT"), "{text}");
    assert!(text.contains("overflow.qviz at 2.000s of 6.5") && !text.contains("live"), "{text}");
    let ascii = printed("replay assets/recordings/overflow.qviz --at 2s --size 80x24 --text --ascii");
    assert!(ascii.is_ascii());
    let later = printed("replay assets/recordings/overflow.qviz --at 3s --size 80x24 --text");
    assert_ne!(text, later);
    let output = qviz("replay assets/recordings/overflow.qviz --at 1h --size 80x24 --text");
    assert!(output.status.success() && said(&output.stderr).contains("that moment is drawn"));
}

case!(an_svg_is_well_formed_and_has_every_sign_of_the_picture);
fn an_svg_is_well_formed_and_has_every_sign_of_the_picture() {
    for look in ["", "--theme light", "--theme mono", "--ascii", "--color never"] {
        let words = format!("replay assets/recordings/ghosts.qviz --at 3s --size 120x36 {look}");
        let (svg, text) = (printed(&format!("{words} --svg -")), printed(&format!("{words} --text")));
        let drawn = well_formed(&svg);
        let signs = |text: &str| text.chars().filter(|sign| !sign.is_whitespace()).collect::<String>();
        let (_, picture) = drawn.split_once('\u{0}').unwrap();
        let mut rest = picture.chars().filter(|sign| !sign.is_whitespace()).collect::<Vec<_>>();
        let mut wanted = signs(&text).chars().collect::<Vec<_>>();
        rest.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(rest, wanted, "{look}");
    }
}

/// Follows the tags of a document, and returns its text: what stands in its head, a NUL, and the text elements.
#[track_caller]
fn well_formed(xml: &str) -> String {
    let (mut open, mut text, mut head) = (Vec::new(), String::new(), true);
    for part in xml.split('<').skip(1) {
        let (tag, content) = part.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '\n']).next().unwrap().trim_end_matches('/');
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if name == "rect" && head {
            text.push('\u{0}');
            head = false;
        }
        let plain = content.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        assert_eq!(content.matches('&').count(), plain.matches(['&', '<', '>']).count() - content.matches('>').count());
        text.push_str(&plain);
    }
    assert!(open.is_empty(), "{open:?}");
    text
}

case!(a_terminal_recording_ends_with_the_last_picture_of_the_replay);
fn a_terminal_recording_ends_with_the_last_picture_of_the_replay() {
    let cast = printed("replay assets/recordings/ghosts.qviz --size 100x30 --cast -");
    let mut lines = cast.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let header = lines.next().unwrap();
    assert_eq!((&header["version"], &header["width"], &header["height"]), (&2.into(), &100.into(), &30.into()));
    let mut screen = vt100::Parser::new(30.try_into().unwrap(), 100.try_into().unwrap(), 0);
    let mut before = 0.0;
    let mut frames = 0;
    for line in lines {
        let at = line[0].as_f64().unwrap();
        assert!(at >= before && line[1] == "o");
        before = at;
        frames += 1;
        screen.process(line[2].as_str().unwrap().as_bytes());
    }
    let end = Recording::open(&asset("ghosts.qviz")).unwrap().end().as_secs_f64();
    let at_the_end = format!("ghosts.qviz at {end:.3}s of {end:.3}s");
    assert!(screen.screen().contents().contains(&at_the_end), "{at_the_end}");
    assert!(!cast.contains("live"), "a recording of a recording is not live");
    assert!(before >= end && frames > 20, "{before} {frames}");
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let last = printed("replay assets/recordings/ghosts.qviz --size 100x30 --text");
    assert_eq!(trimmed(&screen.screen().contents()), trimmed(last.trim_end()));
}

case!(the_readmes_motion_is_what_qviz_draws_today_and_small_enough);
fn the_readmes_motion_is_what_qviz_draws_today_and_small_enough() {
    const WORDS: &str = "replay assets/recordings/overflow.qviz --size 100x24 --motion";
    let drawn = printed(&format!("{WORDS} -"));
    let stored =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/motion.svg")).unwrap_or_default();
    assert!(
        drawn == stored,
        "assets/motion.svg is stale; draw it again and look at it: qviz {WORDS} assets/motion.svg"
    );
    assert!(stored.len() <= 500_000, "{} bytes", stored.len());
    let frames = stored.matches("<g class=\"f\"").count();
    assert!((20..=60).contains(&frames), "{frames} frames of a quarter of a second");
}

case!(the_readmes_picture_in_text_is_what_qviz_draws_today);
fn the_readmes_picture_in_text_is_what_qviz_draws_today() {
    const WORDS: &str = "replay assets/recordings/overflow.qviz --at 4.6s --size 112x36 --text";
    let drawn = printed(WORDS);
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let shown = readme.split("```text\n").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap_or_default();
    assert_eq!(shown, drawn.trim_end_matches('\n'), "README.md shows an old picture; draw it again: qviz {WORDS}");
}

/// A replay in a terminal of its own, seen through the eyes of a terminal emulator.
struct ReplayTerminal {
    pty: pty_process::blocking::Pty,
    child: std::process::Child,
    screen: vt100::Parser,
}

impl ReplayTerminal {
    fn take(recording: &str) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(36, 120)).unwrap();
        let qviz = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_qviz"))
            .arg("replay")
            .arg(asset(recording))
            .env("TERM", "xterm-256color");
        let child = qviz.spawn(pts).unwrap();
        let screen = vt100::Parser::new(36.try_into().unwrap(), 120.try_into().unwrap(), 0);
        Self { pty, child, screen }
    }

    /// Waits until the screen shows all of these.
    #[track_caller]
    fn shows(&mut self, texts: &[&str]) {
        lab::wait_until(SOON, &format!("a screen with {texts:?}"), || {
            self.look();
            let shown = self.screen.screen().contents();
            texts.iter().all(|text| shown.contains(text)).then_some(())
        });
    }

    fn look(&mut self) {
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        loop {
            let flags = rustix::event::PollFlags::IN;
            let mut fds = [rustix::event::PollFd::new(&self.pty, flags)];
            let mut bytes = vec![0; 16_384];
            if rustix::event::poll(&mut fds, Some(&at_once)) != Ok(1) || !fds[0].revents().contains(flags) {
                return;
            }
            let count = self.pty.read(&mut bytes).unwrap_or(0);
            self.screen.process(&bytes[..count]);
        }
    }

    fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).unwrap();
    }
}

case!(a_replay_is_paused_sought_stepped_and_left_by_keys_and_its_knobs_say_why_not);
fn a_replay_is_paused_sought_stepped_and_left_by_keys_and_its_knobs_say_why_not() {
    let mut seat = ReplayTerminal::take("ghosts.qviz");
    seat.shows(&["ACCEPT QUEUE", "of 00:05", "▶ replay 1×"]);
    seat.press("\x1b[F");
    seat.shows(&["■ replay 1×", "2 ghosts"]);
    seat.press("\x1b[D \x1b[H");
    seat.shows(&["‖ replay 1×", "0.000s of 00:05"]);
    seat.press("..");
    seat.shows(&["listen(2) → holds 3 + 3", "client and server agree"]);
    seat.press("b");
    seat.shows(&["this is a recording"]);
    seat.press("\x1b[C\x1b[C\x1b[D");
    seat.shows(&["‖ replay 1×", "1.", "accept()"]);
    seat.press("}}");
    seat.shows(&["‖ replay 5×"]);
    seat.press("q");
    let status = lab::wait_until(SOON, "the end of the replay", || {
        seat.look();
        seat.child.try_wait().unwrap()
    });
    assert!(status.success());
    seat.look();
    assert!(seat.screen.screen().contents().contains("QUEUES"), "{}", seat.screen.screen().contents());
}
