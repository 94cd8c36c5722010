//! File descriptors: the limit of this process, and how it is shared.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit is never raised above this: larger tables in the kernel and here would be useless.
const CEILING: u64 = 262_144;

/// Descriptors kept for everything that is neither a client nor an accepted connection.
const RESERVE: u64 = 64;

/// The smallest share, whatever the limit says.
const SMALLEST_SHARE: u64 = 16;

/// Raises this process's soft limit of descriptors (RLIMIT_NOFILE) to the hard one, at most to 262,144, and returns
/// the soft limit before and now. It never lowers the limit; when the kernel refuses, both are equal.
pub fn raise_descriptor_limit() -> (u64, u64) {
    let limit = getrlimit(Resource::Nofile);
    let before = limit.current.unwrap_or(u64::MAX);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(CEILING);
    if wanted <= before {
        return (before, before);
    }
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => (before, wanted),
        Err(_) => (before, before),
    }
}

/// The number of sockets that each side (server, clients) may have: half of what the soft limit leaves after a
/// reserve.
pub(in crate::lab) fn descriptor_share() -> usize {
    share_of(getrlimit(Resource::Nofile).current.unwrap_or(CEILING))
}

fn share_of(soft: u64) -> usize {
    (soft.min(CEILING).saturating_sub(RESERVE) / 2).max(SMALLEST_SHARE) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_and_the_reserve_fit_under_the_limit() {
        for soft in [128, 1_024, 20_000, 262_144] {
            assert!(2 * share_of(soft) as u64 + RESERVE <= soft);
        }
        assert_eq!(share_of(0), 16);
        assert_eq!(share_of(u64::MAX), 131_040);
    }

    #[test]
    fn raising_twice_changes_nothing_more() {
        let (_, now) = raise_descriptor_limit();
        assert_eq!(raise_descriptor_limit(), (now, now));
        assert_eq!(getrlimit(Resource::Nofile).current, Some(now));
    }
}
