//! What a test needs beyond Rust, a linker and the base utilities, and the package that brings it.
//!
//! A test asks for it by [`tool`], [`network`] or [`had`]. Where it is missing the test ends there and is counted as not run; under
//! `QVIZ_REQUIRE_LAB=1` it has failed.

#![allow(dead_code, reason = "each binary uses its own part")]

use std::fmt::{self, Display, Formatter};
use std::panic::panic_any;
use std::path::PathBuf;
use std::process::Command;

/// Why a test could not be tried: the payload of the panic that ends it.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    /// A program, or what else is missing.
    pub(crate) what: String,
    /// The package that would bring it; empty where none does.
    pub(crate) package: String,
    /// What was tried and how it failed; empty where the program is not installed.
    pub(crate) why: String,
    /// Nobody can ask for it: it stays a test not run also where everything is required.
    pub(crate) is_optional: bool,
}

impl Missing {
    /// Something that no package brings.
    pub(crate) fn because(what: &str, why: impl Into<String>) -> Self {
        Self { what: what.to_owned(), package: String::new(), why: why.into(), is_optional: false }
    }

    /// Something that a machine may lack even where everything is required.
    pub(crate) fn optional(what: &str, why: impl Into<String>) -> Self {
        Self { is_optional: true, ..Self::because(what, why) }
    }

    /// A program that is not installed.
    pub(crate) fn program(name: &str) -> Self {
        let package = PACKAGES.iter().find(|(tool, _)| *tool == name).map_or(name, |(_, package)| package);
        Self { package: package.to_owned(), ..Self::because(name, "") }
    }

    /// As one line, which [`Missing::read`] understands.
    pub(crate) fn written(&self) -> String {
        let optional = if self.is_optional { "optional" } else { "" };
        let why = self.why.split_whitespace().collect::<Vec<_>>().join(" ");
        [MARK, &self.what, &self.package, optional, &why].join("\t")
    }

    /// The last such line of what a process said.
    pub(crate) fn read(text: &str) -> Self {
        let line = text.lines().rev().find(|line| line.starts_with(MARK)).unwrap_or_default();
        let parts: Vec<_> = line.split('\t').collect();
        match parts[..] {
            [_, what, package, optional, why] => {
                Self { package: package.to_owned(), is_optional: !optional.is_empty(), ..Self::because(what, why) }
            }
            _ => Self::because("something", text.trim()),
        }
    }

    /// Ends this test.
    pub(crate) fn end(self) -> ! {
        panic_any(self)
    }
}

impl Display for Missing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        match (self.package.as_str(), self.why.as_str()) {
            ("", "") => Ok(()),
            ("", why) => write!(f, ": {why}"),
            (package, _) if package == self.what => write!(f, " is not installed"),
            (package, _) => write!(f, " is not installed (package {package})"),
        }
    }
}

/// A program that is not part of the base utilities; ends this test where it is not installed.
#[track_caller]
pub(crate) fn tool(name: &str) -> Command {
    Command::new(had(program(name)))
}

/// Ends this test unless these programs are installed: for those that a script calls.
pub(crate) fn tools(names: &[&str]) {
    for name in names {
        had(program(name));
    }
}

/// What a test needs; ends the test where it is missing.
pub(crate) fn had<T>(precondition: Result<T, Missing>) -> T {
    precondition.unwrap_or_else(|missing| missing.end())
}

/// Ends this test where no private network can be had. The runner has tried it in a process of its own.
pub(crate) fn network() {
    if let Some(why) = std::env::var_os(NO_NETWORK) {
        Missing::because("a private network", why.to_string_lossy()).end();
    }
}

/// The system's own program of this name rather than one in somebody's home directory.
pub(crate) fn program(name: &str) -> Result<PathBuf, Missing> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<_> = std::env::split_paths(&path).collect();
    // A stable order: what is in /usr/bin, if it may be used at all, comes first.
    places.sort_by_key(|place| place.as_os_str() != "/usr/bin");
    let found = places.into_iter().map(|place| place.join(name)).find(|program| program.is_file());
    found.ok_or_else(|| Missing::program(name))
}

/// The variable by which the runner tells its cases why there is no private network.
pub(crate) const NO_NETWORK: &str = "QVIZ_TEST_NO_NETWORK";

/// How the line begins that says what is missing.
const MARK: &str = "qviz-test-missing";

/// Which Debian package brings a program, where it has another name.
const PACKAGES: &[(&str, &str)] = &[
    ("ip", "iproute2"),
    ("nstat", "iproute2"),
    ("ss", "iproute2"),
    ("mount", "mount"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("setsid", "util-linux"),
    ("unshare", "util-linux"),
    ("nginx", "nginx-light"),
    ("node", "nodejs"),
    ("initdb", "postgresql"),
    ("postgres", "postgresql"),
    ("promtool", "prometheus"),
];
