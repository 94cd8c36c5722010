//! `qviz watch --containers --metrics`: one page of all network namespaces. A qviz of its own watches each of them as long as it is there, and is
//! asked for its page through a pipe; one whose pipe is closed ends.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{pending, poll_fn};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::timeout;

use super::no_program;
use crate::cli::exit::{Exit, Failure};
use crate::cli::headless::Signals;
use crate::cli::metrics;
use crate::cli::plan::{Form, WatchPlan};
use crate::kernel::owners::{NetnsEntry, NetnsList};
use crate::model::stamp::Stamp;
use crate::report::openmetrics::{NamespaceCounts, merged};
use crate::session::clock::Clock;
use crate::session::metrics::{MetricsListener, PageFormat, PagePipe};
use crate::session::rest;

/// Namespaces that are watched at most; the rest is counted. Each costs a process.
const MOST: usize = 128;

/// How often namespaces are looked for.
const LOOK: Duration = Duration::from_secs(5);

/// How long all pages of a scrape may take together.
const PAGES: Duration = Duration::from_secs(2);

/// Who had that long in any case.
const LEAST: Duration = Duration::from_millis(10);

/// Serves the page until a signal comes, or so long.
///
/// # Errors
/// When qviz cannot start itself, or the address cannot be served.
pub(in crate::cli) async fn run(
    plan: &WatchPlan,
    length: Option<Duration>,
    listener: MetricsListener,
) -> Result<Exit, Failure> {
    let mut scrapes = metrics::open(listener, Form::Text)?;
    let mut signals = Signals::take()?;
    let program = std::env::current_exe().map_err(|error| no_program(&error))?;
    let target = plan.target.as_ref().map(ToString::to_string);
    let mut exporter = Exporter { program, target, ..Exporter::default() };
    let mut looks = tokio::time::interval(LOOK);
    let end = async {
        match length {
            Some(length) => rest(length).await,
            None => pending().await,
        }
    };
    tokio::pin!(end);
    loop {
        tokio::select! {
            biased;
            number = signals.next() => return Ok(Exit::Signal(number)),
            () = &mut end => return Ok(Exit::Success),
            _ = looks.tick() => exporter.look()?,
            asked = poll_fn(|context| scrapes.poll_next(context)) => {
                let Some(asked) = asked else { return Ok(Exit::Success) };
                let page = match asked.format() {
                    Some(format) => exporter.page(format).await,
                    None => String::new(),
                };
                asked.answer(|_format| page);
            }
        }
    }
}

/// All namespaces that are watched.
#[derive(Default)]
struct Exporter {
    program: PathBuf,
    target: Option<String>,
    watched: BTreeMap<u64, Watched>,
    /// Those that could not be entered.
    refused: BTreeSet<u64>,
    left_out: usize,
    hidden: u32,
}

/// A namespace, and the qviz that watches it.
struct Watched {
    child: Child,
    pipe: PagePipe,
    /// It has answered once: it was entered.
    has_answered: bool,
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Exporter {
    /// Begins to watch namespaces that have come, and ends with those that have gone.
    fn look(&mut self) -> Result<(), Failure> {
        let watchers = self.watched.values().map(|watched| watched.child.id()).collect();
        let list = NetnsList::read_without(&watchers);
        let there: BTreeSet<_> = list.entries.iter().map(|entry| entry.inode).collect();
        self.watched.retain(|inode, _| there.contains(inode));
        self.refused.retain(|inode| there.contains(inode));
        self.hidden = list.hidden;
        self.left_out = 0;
        for entry in &list.entries {
            if self.watched.contains_key(&entry.inode) || self.refused.contains(&entry.inode) {
                continue;
            }
            if self.watched.len() == MOST {
                self.left_out += 1;
                continue;
            }
            let watched = self.start(entry, &label(entry, &list)).map_err(|error| no_program(&error))?;
            self.watched.insert(entry.inode, watched);
        }
        Ok(())
    }

    fn start(&self, entry: &NetnsEntry, label: &str) -> std::io::Result<Watched> {
        let (pipe, theirs) = PagePipe::pair()?;
        let mut command = Command::new(&self.program);
        command.args(["watch", "--headless", "--no-config", "--metrics-pipe", label]);
        if !entry.own {
            command.arg("--netns").arg(&entry.path);
        }
        command.args(&self.target);
        let child = command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Watched { child, pipe, has_answered: false })
    }

    /// The page. All are asked at once; who is late is ended, and watched anew at the next look.
    async fn page(&mut self, format: PageFormat) -> String {
        for watched in self.watched.values_mut() {
            // Who does not hear it does not answer either.
            let _ = watched.pipe.ask(format).await;
        }
        let clock = Clock::start();
        let (mut pages, mut ended, mut late) = (Vec::new(), Vec::new(), 0);
        for (inode, watched) in &mut self.watched {
            let left = (Stamp::ZERO + PAGES).since(clock.now()).max(LEAST);
            match timeout(left, watched.pipe.answer()).await {
                Ok(Ok(page)) => {
                    watched.has_answered = true;
                    pages.push(page);
                    continue;
                }
                Ok(Err(_)) if !watched.has_answered => {
                    self.refused.insert(*inode);
                }
                _ => late += 1,
            }
            ended.push(*inode);
        }
        for inode in ended {
            self.watched.remove(&inode);
        }
        let (refused, left_out, hidden_processes) = (self.refused.len(), self.left_out, self.hidden as usize);
        merged(&pages, NamespaceCounts { watched: pages.len(), refused, late, left_out, hidden_processes }, format)
    }
}

/// What its series bear: its name, with its number where another has the same.
fn label(entry: &NetnsEntry, list: &NetnsList) -> String {
    let name = |entry: &NetnsEntry| match (&entry.name, entry.pid) {
        _ if entry.own => "own".to_owned(),
        (Some(name), _) => name.clone(),
        (None, Some(pid)) => format!("pid {pid}"),
        (None, None) => format!("net:[{}]", entry.inode),
    };
    let own = name(entry);
    if list.entries.iter().filter(|other| name(other) == own).count() == 1 {
        return own;
    }
    format!("{own} net:[{}]", entry.inode)
}
