//! The causes that are left for a segment that was only seen.

use crate::model::cause::Cause;

/// Causes that a silent SYN may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::fold) struct Causes(u8);

impl Causes {
    /// With `cause` too.
    pub(in crate::fold) const fn with(self, cause: Cause, possible: bool) -> Self {
        if possible { Self(self.0 | bit(cause)) } else { self }
    }

    /// Without `cause`.
    pub(in crate::fold) const fn without(self, cause: Cause, impossible: bool) -> Self {
        if impossible { Self(self.0 & !(bit(cause))) } else { self }
    }

    /// The cause, where only one is left.
    pub(in crate::fold) fn only(self) -> Option<Cause> {
        let mut left = SYN_CAUSES.into_iter().filter(|cause| self.0 & bit(*cause) != 0);
        left.next().filter(|_| left.next().is_none())
    }
}

/// The causes that a SYN can have.
const SYN_CAUSES: [Cause; 3] = [Cause::SynAcceptQueueFull, Cause::SynSynQueueFull, Cause::SynMaxSynBacklog];

const fn bit(cause: Cause) -> u8 {
    1 << (cause as u8 % 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_the_only_one_that_is_left() {
        let two = Causes::default().with(Cause::SynSynQueueFull, true).with(Cause::SynMaxSynBacklog, true);
        assert_eq!(two.with(Cause::SynAcceptQueueFull, false).only(), None);
        assert_eq!(two.without(Cause::SynSynQueueFull, false).only(), None);
        assert_eq!(two.without(Cause::SynSynQueueFull, true).only(), Some(Cause::SynMaxSynBacklog));
        assert_eq!(Causes::default().only(), None);
    }
}
