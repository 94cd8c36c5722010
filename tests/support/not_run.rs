//! What the tests of one `cargo test` did not run, gathered over its binaries in a file, and said at the end of each.
//!
//! The binaries of one run have one parent, cargo, whose process number and start time name the file.

#![allow(dead_code, reason = "each binary uses its own part")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::needs::Missing;

/// The variable by which a test learns where to write what it has left out.
pub(crate) const FILE: &str = "QVIZ_TEST_NOT_RUN";

/// A test could not be tried.
pub(crate) fn note(missing: &Missing) {
    append(&format!("missing\t{}\t{}", missing.what, missing.package));
}

/// So many `things` were left out on purpose; `how` brings them in. For tests, which run below the binary.
pub(crate) fn left_out(count: usize, things: &str, how: &str) {
    append(&format!("left out\t{count} {things}\t{how}"));
}

/// The last lines of a binary: empty where everything was tried.
pub(crate) fn summary() -> String {
    let text = fs::read_to_string(file()).unwrap_or_default();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let mut packages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let (mut count, mut purpose) = (0, BTreeSet::new());
    for row in &rows {
        match row[..] {
            ["missing", what, package] => {
                count += 1;
                packages.entry(if package.is_empty() { what } else { package }).or_default().insert(what);
            }
            ["left out", things, how] => _ = purpose.insert((things, how)),
            _ => {}
        }
    }
    let mut said = String::new();
    if count > 0 {
        let tests = if count == 1 { "test" } else { "tests" };
        let parts = packages.iter().map(|(package, tools)| part(package, tools));
        let _ = writeln!(said, "{count} {tests} not run: {}", parts.collect::<Vec<_>>().join("; "));
    }
    for (things, how) in purpose {
        let _ = writeln!(said, "left out: {things} ({how})");
    }
    said
}

/// `ss, nstat (iproute2)`, or just the name where the package has the program's.
fn part(package: &str, tools: &BTreeSet<&str>) -> String {
    let names = tools.iter().copied().collect::<Vec<_>>().join(", ");
    if names == package { names } else { format!("{names} ({package})") }
}

fn append(line: &str) {
    let path = std::env::var_os(FILE).map_or_else(file, PathBuf::from);
    let opened = OpenOptions::new().create(true).append(true).open(&path);
    let written = opened.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    assert!(written.is_ok(), "{}: {written:?}", path.display());
}

/// The file of this run. Those of runs that are over are removed.
pub(crate) fn file() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let parent = std::os::unix::process::parent_id();
    let name = format!("not-run-{parent}-{}", started(parent).unwrap_or_default());
    for old in fs::read_dir(folder).into_iter().flatten().flatten() {
        let old_name = old.file_name().to_string_lossy().into_owned();
        let run = old_name.strip_prefix("not-run-").and_then(|run| run.split_once('-'));
        let is_over = |(pid, start): (&str, &str)| pid.parse().ok().and_then(started).is_none_or(|now| now != start);
        if run.is_some_and(is_over) {
            // Another user's file may stay.
            let _ = fs::remove_file(old.path());
        }
    }
    folder.join(name)
}

/// When a process started, in ticks since boot: the 22nd field of its stat, the 20th behind the name.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}
