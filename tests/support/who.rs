//! Who tries a test: whoever runs the tests, an ordinary user, root, or somebody whose kernel denies what the lab needs.

#![allow(dead_code, reason = "each binary uses its own part")]

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use qviz::lab::namespace::{Namespace, NetworkPlan};
use qviz::model::settings::Sysctls;

use crate::needs::{Missing, program};

/// Who runs a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever runs the tests.
    Anybody,
    /// An ordinary user.
    User,
    /// Root.
    Root,
    /// Whoever runs the tests, in a user namespace in which this limit is 0.
    Limited(&'static str, Standing),
    /// Whoever runs the tests, with /proc/sys mounted read-only, as in a container.
    ReadOnlySysctls,
}

/// Where a limited test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In the limited namespace, with all capabilities.
    Root,
    /// In the limited namespace, without capabilities.
    Bare,
    /// In a namespace below the limited one, as another user, without capabilities.
    Below,
}

impl Who {
    /// Its part of a test's name.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Anybody => String::new(),
            Self::User => "user".to_owned(),
            Self::Root => "root".to_owned(),
            Self::ReadOnlySysctls => "read_only".to_owned(),
            Self::Limited(limit, standing) => format!("{limit}::{standing:?}").to_lowercase(),
        }
    }

    /// Whether this may be another user than who runs the tests.
    pub(crate) fn is_another(self) -> bool {
        self != Self::Anybody && is_root()
    }

    /// How this one starts the program; what is missing for it.
    pub(crate) fn command(self, tests: &Path) -> Result<Command, Missing> {
        let mut command = match self {
            Self::Root if !is_root() => return Err(Missing::optional("root", "")),
            Self::Anybody | Self::User | Self::Root => Command::new(tests),
            Self::Limited(limit, standing) => limited(tests, limit, standing)?,
            Self::ReadOnlySysctls => read_only(tests)?,
        };
        if self == Self::User && is_root() {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        Ok(command)
    }
}

/// The program in a user namespace of its own, in which one limit is 0.
fn limited(tests: &Path, limit: &str, standing: Standing) -> Result<Command, Missing> {
    let through: &[&str] = match standing {
        Standing::Root => &[],
        Standing::Bare => &["setpriv", "--bounding-set=-all", "--inh-caps=-all"],
        Standing::Below => &["unshare", "--user", "--map-user=1000", "--map-group=1000"],
    };
    if let Some(needed) = through.first() {
        program(needed)?;
    }
    let lines = format!("echo 0 > /proc/sys/user/$0 || {}; exec \"$@\"", cannot("a limit cannot be set here"));
    let mut command = Command::new(program("unshare")?);
    command.args(["--user", "--map-root-user", "sh", "-c", &lines, limit]).args(through);
    command.arg(tests).env(LIMIT, limit);
    Ok(command)
}

/// The program where /proc/sys can be read only.
fn read_only(tests: &Path) -> Result<Command, Missing> {
    program("mount")?;
    let mount = format!(
        "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys || {}; exec \"$0\" \"$@\"",
        cannot("/proc/sys cannot be mounted here")
    );
    let mut command = Command::new(program("unshare")?);
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount]).arg(tests);
    Ok(command)
}

/// A shell's way to say what [`Missing::read`] understands.
fn cannot(why: &str) -> String {
    format!("{{ echo '{}' >&2; exit 77; }}", Missing::because(why, "").written())
}

/// Why no private network can be had here, tried in a process of its own; `None`: it can.
pub(crate) fn network_refused(tests: &Path) -> Option<String> {
    let tried = Command::new(tests).arg(TRY_NETWORK).stdin(Stdio::null()).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Enters a private network and ends.
pub(crate) fn try_network() -> ExitCode {
    match Namespace::enter(&NetworkPlan::like_host(Sysctls::default())) {
        Ok(_network) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("{refusal}");
            ExitCode::FAILURE
        }
    }
}

/// Whether this process is root where it stands.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The argument by which the program tries whether a private network can be had.
pub(crate) const TRY_NETWORK: &str = "--try-network";
/// The variable that tells a test its limit.
pub(crate) const LIMIT: &str = "QVIZ_TEST_LIMIT";
/// An ordinary user and group.
pub(crate) const UNPRIVILEGED: u32 = 65_534;
