//! What programs ask `listen()` for, and how that is changed: the table `assets/programs.toml`. Only the limit can be read from outside,
//! never the argument of `listen()`, so a program is recognised by its name and never by a number alone.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::watch::Address;
use crate::say;

/// One program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownProgram {
    /// Its name.
    pub name: String,
    processes: Vec<String>,
    defaults: Vec<u32>,
    setting: Option<String>,
    /// What the setting is called, where somebody looks for it by that.
    #[serde(default)]
    pub terms: Vec<String>,
    workers: Option<String>,
    connections: Option<String>,
    /// The command that makes the setting take effect; `None`: the program has to be started again.
    pub apply: Option<String>,
    /// True when the running listener gets the new limit without a restart.
    pub live: bool,
    /// Where that stands.
    pub source: String,
}

#[derive(Debug, Default, Deserialize)]
struct ProgramTable {
    program: Vec<KnownProgram>,
}

impl KnownProgram {
    /// Whose default it is.
    pub fn whose(&self) -> String {
        say!("{program}'s default", program = self.name)
    }

    /// The largest number that it asks for when nobody says otherwise; `None`: no fixed number.
    pub fn largest_default(&self) -> Option<u32> {
        self.defaults.iter().copied().max()
    }

    /// The line that asks for `backlog` at `address`; `None`: the number is compiled in.
    pub fn line(&self, address: &Address, backlog: u32) -> Option<String> {
        let address = match address {
            Address::Tcp(address) => address.to_string(),
            Address::Unix(path) => format!("unix:{path}"),
        };
        let half = backlog.div_ceil(2).to_string();
        let line = self.setting.as_ref()?.replace("{half}", &half);
        Some(line.replace("{address}", &address).replace("{backlog}", &backlog.to_string()))
    }

    /// The line that asks for so many workers; `None`: it has none, or they are not set by a number.
    pub fn workers_line(&self, workers: usize) -> Option<String> {
        Some(self.workers.as_ref()?.replace("{workers}", &workers.to_string()))
    }

    /// The line that allows so many connections; `None`: it has no limit of its own that stops accept().
    pub fn connections_line(&self, connections: u32) -> Option<String> {
        Some(self.connections.as_ref()?.replace("{connections}", &connections.to_string()))
    }

    /// That line and what puts it into force, in one sentence.
    pub fn sentence(&self, address: &Address, backlog: u32) -> Option<String> {
        Some(self.with_apply(&self.line(address, backlog)?))
    }

    /// The same with N for the number; `None`: it is compiled in.
    pub fn in_general(&self) -> Option<String> {
        Some(self.with_apply(&self.setting_for_n()?))
    }

    fn with_apply(&self, setting: &str) -> String {
        match (&self.apply, self.live) {
            (Some(apply), true) => say!("`{setting}`, then `{apply}` (without a restart)", setting, apply),
            (Some(apply), false) => say!("`{setting}`, then `{apply}`", setting, apply),
            (None, _) => say!("`{setting}`, then restart it", setting),
        }
    }

    fn setting_for_n(&self) -> Option<String> {
        let line = self.setting.as_ref()?;
        Some(line.replace("{backlog}", "N").replace("{half}", "N/2").replace("{address}", "..."))
    }

    /// How it is changed, in words.
    pub fn change(&self) -> String {
        self.setting_for_n().map_or_else(|| say!("nothing: it is compiled in").to_owned(), |line| format!("`{line}`"))
    }

    fn runs_as(&self, command: &str) -> bool {
        // A version, or what a program writes behind its name: `puma 6.4 (tcp:...`, `gunicorn: master`.
        let version = |rest: &str| {
            rest.starts_with([' ', ':'])
                || rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
        };
        self.processes.iter().any(|name| command.strip_prefix(name.as_str()).is_some_and(version))
    }
}

static PROGRAMS: LazyLock<Vec<KnownProgram>> = LazyLock::new(|| {
    toml::from_str::<ProgramTable>(include_str!("../../assets/programs.toml")).unwrap_or_default().program
});

/// Every program.
pub fn all() -> &'static [KnownProgram] {
    &PROGRAMS
}

/// Programs whose process has this name.
pub fn programs_of(command: &str) -> impl Iterator<Item = &'static KnownProgram> {
    PROGRAMS.iter().filter(move |program| program.runs_as(command))
}

/// The program of this name that asks for `limit` when nobody says otherwise.
pub fn known_default(limit: u32, command: Option<&str>) -> Option<&'static KnownProgram> {
    programs_of(command?).find(|program| program.defaults.contains(&limit))
}

/// The program that has made this listener, as far as its name and its limit tell; of several of that name none whose default another number is.
pub fn program_at(command: &str, limit: Option<u32>) -> Option<&'static KnownProgram> {
    let mut named = programs_of(command);
    let only = named.next().filter(|_| named.next().is_none());
    limit.and_then(|limit| known_default(limit, Some(command))).or(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole_and_each_row_says_where_it_is_from() {
        assert!(PROGRAMS.len() >= 20, "{}", PROGRAMS.len());
        for program in PROGRAMS.iter() {
            assert!(!program.source.is_empty() && !program.processes.is_empty(), "{program:?}");
            assert!(
                program.setting.as_ref().is_none_or(|line| line.contains("{backlog}") || line.contains("{half}")),
                "{program:?}"
            );
        }
    }
}
