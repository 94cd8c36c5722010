//! What /proc and the environment show about the permission to make namespaces, and about what the program stands in.

use std::path::Path;

use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, capabilities};

use super::Cause;
use super::present_namespace::PresentNamespace;
use crate::lab::confinement::Confinement;

/// What /proc shows about the permission to create namespaces; `None` when a file is missing or unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `user.max_user_namespaces`
    pub max_user_namespaces: Option<i64>,
    /// `user.max_net_namespaces`
    pub max_net_namespaces: Option<i64>,
    /// `kernel.unprivileged_userns_clone` (Debian and others)
    pub userns_clone: Option<i64>,
    /// `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu)
    pub apparmor_restricts: Option<i64>,
    /// The field `Seccomp` of /proc/self/status: 2 = a filter is in force.
    pub seccomp: Option<i64>,
    /// Whether /proc/self/ns/user exists.
    pub user_namespaces: bool,
    /// Whether the running kernel's module directory exists.
    pub modules: bool,
    /// The user is root, and CAP_SETFCAP is missing.
    pub root_without_setfcap: bool,
    /// What the program stands in.
    pub confinement: Confinement,
    /// Why the lab cannot be had in the present network namespace; `None`: it can.
    pub here: Option<Cause>,
}

impl Evidence {
    /// Reads it from /proc.
    pub fn read() -> Self {
        let release = rustix::system::uname();
        let modules = release.release().to_str().is_ok_and(|release| {
            ["/lib/modules", "/usr/lib/modules"].iter().any(|root| Path::new(root).join(release).is_dir())
        });
        Self {
            max_user_namespaces: number("/proc/sys/user/max_user_namespaces"),
            max_net_namespaces: number("/proc/sys/user/max_net_namespaces"),
            userns_clone: number("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_restricts: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            seccomp: seccomp(),
            user_namespaces: std::fs::exists("/proc/self/ns/user").unwrap_or(false),
            modules,
            root_without_setfcap: geteuid().is_root() && !holds(CapabilitySet::SETFCAP),
            confinement: Confinement::read(),
            here: PresentNamespace::read().forbids(),
        }
    }

    /// The cause of EPERM: the most specific switch first; a seccomp filter alone proves little, so it comes last.
    pub(super) const fn permission_cause(&self) -> Cause {
        match *self {
            Self { userns_clone: Some(0), .. } => Cause::SwitchedOff,
            Self { apparmor_restricts: Some(1..), .. } => Cause::AppArmor,
            Self { seccomp: Some(1..), .. } => Cause::Seccomp,
            _ => Cause::Unknown,
        }
    }
}

/// Whether the calling thread may have this right.
fn holds(right: CapabilitySet) -> bool {
    capabilities(None).is_ok_and(|held| held.permitted.contains(right))
}

fn number(path: &str) -> Option<i64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn seccomp() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Seccomp:"))?.trim().parse().ok()
}
