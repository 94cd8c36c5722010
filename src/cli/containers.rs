//! `qviz watch --containers`: the listeners of every network namespace, in one list. Each namespace is watched by a qviz of its own, because a
//! user namespace can be entered only by a process of one thread, and what goes wrong in one is of no harm to the others.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::plan::{Form, WatchPlan};
use crate::kernel::owners::{NetnsEntry, NetnsList};
use crate::report::containers::{Containers, Namespace};
use crate::report::json;
use crate::report::text::Marks;
use crate::say;
use crate::text::lang;

pub(super) mod exporter;

/// Namespaces that are watched at most; the rest is counted.
const MOST: usize = 256;

/// So many are looked at at the same time.
const AT_ONCE: usize = 4;

/// Watches every namespace that may be entered and prints one list.
///
/// # Errors
/// When qviz cannot start itself.
pub(super) fn run(plan: &WatchPlan, length: Option<Duration>) -> Result<Exit, Failure> {
    let list = NetnsList::read();
    let left_out = list.entries.len().saturating_sub(MOST);
    let program = std::env::current_exe().map_err(|error| no_program(&error))?;
    let watch = NamespaceWatch { program, plan, length };
    // A watch of some seconds is of the same seconds everywhere.
    let at_once = if length.is_some() { MOST } else { AT_ONCE };
    let mut waiting: VecDeque<_> = list.entries.iter().take(MOST).collect();
    let mut running: VecDeque<(&NetnsEntry, Child)> = VecDeque::new();
    let mut namespaces = Vec::new();
    while !(waiting.is_empty() && running.is_empty()) {
        while running.len() < at_once
            && let Some(entry) = waiting.pop_front()
        {
            running.push_back((entry, watch.start(entry).map_err(|error| no_program(&error))?));
        }
        if let Some((entry, child)) = running.pop_front() {
            namespaces.push(outcome(entry, child));
        }
    }
    let containers = Containers::new(namespaces, list.hidden, left_out);
    let marks = if plan.ascii { Marks::Ascii } else { Marks::Unicode };
    Output::stdout().put(|out| match plan.form {
        Form::Json => json::write(out, &containers),
        _ => out.write_all(containers.text(marks).as_bytes()),
    })?;
    Ok(Exit::Success)
}

/// How one namespace is watched.
struct NamespaceWatch<'a> {
    program: PathBuf,
    plan: &'a WatchPlan,
    length: Option<Duration>,
}

impl NamespaceWatch<'_> {
    fn start(&self, entry: &NetnsEntry) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(["watch", "--json", "--no-config", "--lang", lang::here().name()]);
        match self.length {
            Some(length) => command.arg(format!("--duration={}ms", length.as_millis())),
            None => command.arg("--once"),
        };
        if !entry.own {
            command.arg("--netns").arg(&entry.path);
        }
        command.args(self.plan.target.as_ref().map(ToString::to_string));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    }
}

/// What came of one namespace: the document of its watch, or why there is none.
fn outcome(entry: &NetnsEntry, child: Child) -> Namespace {
    let output = child.wait_with_output();
    let watch = output.as_ref().ok().and_then(|output| serde_json::from_slice::<Value>(&output.stdout).ok());
    let said =
        output.map_or_else(|error| error.to_string(), |output| String::from_utf8_lossy(&output.stderr).into_owned());
    // One that asks for a target which nobody there listens on has no document either: that is no failure to enter.
    let entered = entry.own || enters(&entry.path, &said);
    Namespace {
        number: entry.inode,
        name: entry.name.clone(),
        pid: entry.pid,
        own: entry.own,
        entered: watch.is_some() || entered,
        why: (watch.is_none() && !entered).then(|| first_line(&said)),
        counters: entry.counters(),
        watch,
    }
}

/// True if what was said is not about entering the namespace of this file.
fn enters(path: &Path, said: &str) -> bool {
    !said.contains(&path.display().to_string())
}

/// The first line, without the word before it.
fn first_line(said: &str) -> String {
    let line = said.lines().next().unwrap_or_default();
    line.split_once(": ").map_or(line, |(_, message)| message).to_owned()
}

fn no_program(error: &std::io::Error) -> Failure {
    let why = crate::text::errno::describe(error);
    Failure::new(say!("qviz cannot start itself for each namespace: {why}", why), say!("see: qviz doctor"))
}
