//! What `qviz tune` has changed, or would change: as a document and as text.

use std::io::{self, Write};

use serde::Serialize;

use super::summary::VERSION;
use crate::fold::programs::program_at;
use crate::model::watch::Address;
use crate::say;
use crate::text::sanitize;

/// One change of a backlog.
#[derive(Clone, Debug, Serialize)]
pub struct Tuning {
    schema: &'static str,
    kind: &'static str,
    /// True when nothing was changed.
    pub dry_run: bool,
    /// The argument of `listen()`.
    pub backlog: i32,
    /// The sockets, in the kernel's order.
    pub listeners: Vec<Tuned>,
    /// `net.core.somaxconn` of their network namespace; null where it could not be read.
    pub somaxconn: Option<u32>,
    /// True when somaxconn is smaller than the backlog and so became the limit.
    pub clamped: bool,
    /// The command that sets the limits from before; null where one command cannot.
    pub undo: Option<String>,
    /// The line of the program's own configuration that makes it last; null where the program is not known.
    pub permanent: Option<String>,
    /// Where that line is documented.
    pub source: Option<String>,
}

/// One socket.
#[derive(Clone, Debug, Serialize)]
pub struct Tuned {
    /// `tcp4`, `tcp6` or `unix`.
    pub family: &'static str,
    /// Its address.
    #[serde(serialize_with = "as_text")]
    pub address: Address,
    /// The process whose descriptor was copied.
    pub pid: u32,
    /// Its name.
    pub command: String,
    /// Its descriptor.
    pub fd: u32,
    /// Connections that waited.
    pub waiting: Option<u32>,
    /// The limit before, as sock_diag lists it.
    pub before: Option<u32>,
    /// The limit after, read again; in a dry run the limit that would result.
    pub after: Option<u32>,
}

fn as_text<S: serde::Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(address)
}

impl Tuning {
    /// The change of these sockets, each with its limit before and after; `undo` is the command with the limits from before.
    pub fn new(backlog: i32, somaxconn: Option<u32>, dry_run: bool, listeners: Vec<Tuned>) -> Self {
        let clamped = somaxconn.is_some_and(|most| backlog.cast_unsigned() > most);
        let limit = limit(backlog, somaxconn);
        let mut lines: Vec<String> = listeners
            .iter()
            .filter_map(|listener| {
                let program = program_at(&listener.command, listener.before)?;
                let sentence = program.sentence(&listener.address, limit)?;
                Some(format!("{}{}{sentence}", program.name, say!(": ")))
            })
            .collect();
        lines.dedup();
        let documented = listeners.iter().find_map(|listener| program_at(&listener.command, listener.before));
        let source = documented.map(|program| program.source.clone());
        let permanent = (!lines.is_empty()).then(|| lines.join(say!("; ")));
        Self {
            schema: VERSION,
            kind: "tune",
            dry_run,
            backlog,
            listeners,
            somaxconn,
            clamped,
            undo: None,
            permanent,
            source,
        }
    }

    /// Writes it as text.
    ///
    /// # Errors
    /// The writer's own.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for listener in &self.listeners {
            writeln!(out, "{}", sanitize::line(&self.row(listener)))?;
        }
        for remark in self.remarks() {
            writeln!(out, "{}", sanitize::line(&remark))?;
        }
        Ok(())
    }

    fn row(&self, listener: &Tuned) -> String {
        let Tuned { address, pid, command, fd, .. } = listener;
        let number = |limit: Option<u32>| limit.map_or_else(|| "?".to_owned(), |limit| limit.to_string());
        let (before, after) = (number(listener.before), number(listener.after));
        let capacity = number(listener.after.map(|limit| limit.saturating_add(1)));
        let who = say!("{address}  {command} (pid {pid}, descriptor {fd})", address, command, pid, fd);
        if self.dry_run {
            say!("{who}: limit {before}, would be {after} (holds {capacity} connections)", who, before, after, capacity)
        } else {
            say!("{who}: limit was {before}, is {after} (holds {capacity} connections)", who, before, after, capacity)
        }
    }

    fn remarks(&self) -> Vec<String> {
        let (backlog, mut remarks) = (self.backlog, Vec::new());
        if let (true, Some(somaxconn)) = (self.clamped, self.somaxconn) {
            remarks.push(say!(
                "net.core.somaxconn is {somaxconn}: the kernel makes {somaxconn} of {backlog}. For more: sysctl -w net.core.somaxconn={backlog} in that network namespace, then the same command again",
                somaxconn,
                backlog
            ));
        }
        let crowded =
            |listener: &&Tuned| listener.waiting.zip(listener.after).is_some_and(|(depth, limit)| depth > limit);
        if let Some(listener) = self.listeners.iter().find(crowded) {
            remarks.push(say!(
                "{address} is full: {waiting} connections wait. They stay; new ones are dropped until fewer wait",
                address = listener.address,
                waiting = listener.waiting.unwrap_or_default()
            ));
        }
        if self.listeners.iter().any(|listener| listener.family == "unix") {
            remarks.push(
                say!("until the program calls listen() again, clients of this unix socket see qviz's process as its owner (SO_PEERCRED: the pid; user and group stay)")
                    .to_owned(),
            );
        }
        if self.dry_run {
            remarks.push(say!("nothing was changed (--dry-run)").to_owned());
        }
        match &self.undo {
            Some(undo) => remarks.push(say!("to undo it: {undo}", undo)),
            None => remarks.push(
                say!(
                    "to undo it: restart the program; its sockets had different limits, or more than somaxconn is now"
                )
                .to_owned(),
            ),
        }
        remarks.push(match (&self.permanent, &self.source) {
            (Some(line), Some(source)) => {
                say!("it lasts until the program calls listen() again. To make it last: {line} ({source})", line, source)
            }
            _ => say!("it lasts until the program calls listen() again. To make it last: the backlog in its own configuration, or the second argument of its listen() call").to_owned(),
        });
        remarks
    }
}

/// The limit that `listen(backlog)` makes: min(backlog, somaxconn), a negative backlog counting as a huge one (`__sys_listen`,
/// net/socket.c).
pub fn limit(backlog: i32, somaxconn: Option<u32>) -> u32 {
    backlog.cast_unsigned().min(somaxconn.unwrap_or(u32::MAX))
}
