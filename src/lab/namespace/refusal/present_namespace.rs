//! Whether anything may be made in the network namespace in which the program was started.

use rustix::thread::{CapabilitySet, capabilities};

use super::Cause;

/// What decides whether anything is made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab::namespace) struct PresentNamespace {
    /// Whether this is the network namespace with which the machine was started; `None` where that cannot be seen.
    pub(in crate::lab::namespace) is_first: Option<bool>,
    /// CAP_NET_ADMIN is in effect.
    pub(in crate::lab::namespace) net_admin: bool,
}

impl PresentNamespace {
    /// Looks at the calling thread and its namespace.
    pub(in crate::lab::namespace) fn read() -> Self {
        // Settings of the machine as a whole stand in the files of its first network namespace alone (`net_core_table`,
        // net/core/sysctl_net_core.c); the others are in every one.
        let is_visible = std::fs::exists("/proc/sys/net/ipv4/tcp_syncookies").unwrap_or(false);
        let is_first = is_visible.then(|| std::fs::exists("/proc/sys/net/core/netdev_budget").unwrap_or(true));
        let net_admin = capabilities(None).is_ok_and(|held| held.effective.contains(CapabilitySet::NET_ADMIN));
        Self { is_first, net_admin }
    }

    /// Why the pair may not be made; `None`: it may.
    pub(in crate::lab::namespace) const fn forbids(self) -> Option<Cause> {
        match (self.is_first, self.net_admin) {
            (Some(false), true) => None,
            (Some(false), false) => Some(Cause::NoNetAdmin),
            (Some(true), _) => Some(Cause::FirstNamespace),
            (None, _) => Some(Cause::NoProc),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_in_a_namespace_that_is_not_the_first_and_with_the_right_anything_is_made() {
        let judged = |is_first, net_admin| PresentNamespace { is_first, net_admin }.forbids();
        assert_eq!(judged(Some(false), true), None);
        assert_eq!(judged(Some(false), false), Some(Cause::NoNetAdmin));
        assert_eq!(judged(Some(true), true), Some(Cause::FirstNamespace));
        assert_eq!(judged(None, true), Some(Cause::NoProc));
    }
}
