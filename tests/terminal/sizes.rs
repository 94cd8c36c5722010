//! Every size, colour or not, any characters or ASCII alone.

use crate::needs::network;
use crate::pane::{Pane, depth};
use crate::traces::Traces;

case!(the_whole_picture_fits_every_usual_size);
fn the_whole_picture_fits_every_usual_size() {
    network();
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut pane = Pane::qviz((columns, rows), "--backlog 5");
        pane.wait_for_picture();
        let text = pane.text();
        assert_eq!(text.lines().count(), usize::from(rows), "the last row holds the keys:\n{text}");
        for part in [
            "listen(5)",
            "CLIENTS",
            "SYN QUEUE",
            "ACCEPT QUEUE",
            "SILENT DROPS",
            "THE FIRST ",
            "WHAT HAPPENED",
            "q quit",
        ] {
            assert!(text.contains(part), "{part} at {columns}x{rows}:\n{text}");
        }
        assert!(depth(&pane, "SYN QUEUE").is_some_and(|(_, capacity)| capacity == 6), "{text}");
        assert!(depth(&pane, "ACCEPT QUEUE").is_some_and(|(_, capacity)| capacity == 6), "{text}");
    }
}

case!(a_storm_of_sizes_down_to_one_cell_and_back_leaves_a_whole_picture);
fn a_storm_of_sizes_down_to_one_cell_and_back_leaves_a_whole_picture() {
    network();
    let mut pane = Pane::qviz((80, 24), "--backlog 5");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    for _ in 0..8 {
        for size in [(1, 1), (20, 5), (200, 60), (3, 100), (300, 2), (0, 0), (60, 16), (59, 16), (60, 15), (2, 2)] {
            pane.resize(size);
            pane.read();
        }
    }
    pane.resize((20, 5));
    pane.wait("the numbers alone", |pane| {
        let text = pane.text();
        let begins = |row: usize, word: &str| text.lines().nth(row).is_some_and(|line| line.starts_with(word));
        begins(0, "accept ") && begins(1, "SYN ") && text.trim_end().ends_with("q quit")
    });
    pane.resize((1, 1));
    pane.wait("the first letter", |pane| pane.text().starts_with('a'));
    pane.resize((120, 36));
    pane.wait_for_picture();
    pane.wait("the whole picture", |pane| {
        depth(pane, "ACCEPT QUEUE").is_some()
            && pane.text().lines().count() == 36
            && pane.text().contains("KERNEL COUNTERS")
    });
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
    pane.assert_left_clean(&traces);
}

case!(a_window_as_large_as_a_terminal_can_claim_takes_little_memory);
fn a_window_as_large_as_a_terminal_can_claim_takes_little_memory() {
    network();
    let mut pane = Pane::qviz((120, 36), "--backlog 5");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    for size in [(30_000, 30_000), (u16::MAX, u16::MAX), (u16::MAX, 1), (1, u16::MAX)] {
        pane.claim(size);
        let seen = pane.seen().len();
        pane.wait("a picture of that size", |pane| pane.seen().len() > seen);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", pane.pid())).expect("a status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    assert!(peak.and_then(|peak| peak.parse::<u64>().ok()).is_some_and(|peak| peak < 200_000), "{peak:?} kB");
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
    pane.assert_left_clean(&traces);
}

case!(a_terminal_as_small_as_a_stamp_shows_the_numbers_and_is_left_clean);
fn a_terminal_as_small_as_a_stamp_shows_the_numbers_and_is_left_clean() {
    network();
    let mut pane = Pane::qviz((20, 5), "--backlog 5");
    pane.wait("clients in the queue", |pane| {
        pane.text().lines().next().is_some_and(|line| line.starts_with("accept ") && !line.starts_with("accept 0"))
    });
    let traces = Traces::of(pane.pid());
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
    pane.assert_left_clean(&traces);
    assert!(pane.afterwards().contains("Reproduce: qviz"));
}

case!(a_terminal_that_does_not_know_its_size_gets_a_picture);
fn a_terminal_that_does_not_know_its_size_gets_a_picture() {
    network();
    let mut pane = Pane::qviz((80, 24), "--backlog 5");
    pane.resize((0, 0));
    pane.wait_for_picture();
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
}

case!(colours_are_used_unless_no_color_or_the_option_says_otherwise);
fn colours_are_used_unless_no_color_or_the_option_says_otherwise() {
    network();
    let coloured = |command| {
        let mut pane = Pane::start((80, 24), command);
        pane.wait_for_picture();
        pane.wait("something happens", |pane| depth(pane, "SYN QUEUE").is_some_and(|(depth, _)| depth > 0));
        pane.press(b"q");
        pane.end();
        colours(pane.seen())
    };
    assert!(coloured(Pane::command("--backlog 5")) > 0, "the usual terminal has colours");
    assert_eq!(coloured(Pane::command("--backlog 5").env("NO_COLOR", "1")), 0, "NO_COLOR");
    assert_eq!(coloured(Pane::command("--backlog 5 --color never")), 0, "--color never");
    assert!(
        coloured(Pane::command("--backlog 5 --color always").env("NO_COLOR", "1")) > 0,
        "the option is asked first"
    );
    assert_eq!(coloured(Pane::command("--backlog 5").env("TERM", "vt100")), 0, "a terminal without colours");
}

case!(ascii_means_ascii_to_the_last_byte);
fn ascii_means_ascii_to_the_last_byte() {
    network();
    let mut pane = Pane::qviz((120, 36), "--backlog 5 --ascii");
    pane.wait("the queue was full", |pane| {
        depth(pane, "ACCEPT QUEUE").is_some_and(|(depth, capacity)| depth == capacity)
    });
    pane.wait_for("SYN dropped");
    pane.press(b"?");
    pane.wait_for("HELP");
    pane.press(b"f");
    pane.wait_for("FROZEN");
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
    let other = pane.seen().iter().filter(|byte| !byte.is_ascii()).count();
    assert_eq!(other, 0, "{}", pane.text());
    assert!(pane.afterwards().contains("CLIENTS"), "the summary came too");
}

/// Colours that were set by the escape sequences in these bytes.
fn colours(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let styles = text.split("\x1b[").skip(1).filter_map(|after| {
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';')?;
        after[end..].starts_with('m').then(|| after[..end].to_owned())
    });
    let is_colour = |code: &str| matches!(code.parse(), Ok(30..=38_u8 | 40..=48 | 90..=97 | 100..=107));
    styles.filter(|style| style.split(';').any(is_colour)).count()
}
