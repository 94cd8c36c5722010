//! A listener's own drop counter (`sk_drops`), which wraps at 2^32, added up over time.

/// The change of a listener's drop counter since it was first read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCount {
    last: Option<u32>,
    /// Exact also beyond 2^32; 0 while it was never read.
    pub(super) counted: u64,
}

impl DropCount {
    /// A counter that shows this now.
    pub(super) const fn from(drops: Option<u32>) -> Self {
        Self { last: drops, counted: 0 }
    }

    /// The change; `None` when it was never read.
    pub fn total(self) -> Option<u64> {
        self.last.map(|_| self.counted)
    }

    /// Takes a reading; the change since the last one.
    pub(super) fn read(&mut self, drops: Option<u32>) -> u64 {
        let more = drops.zip(self.last).map_or(0, |(drops, last)| drops.wrapping_sub(last)).into();
        self.counted += more;
        self.last = drops.or(self.last);
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_goes_on_where_the_kernels_number_wraps() {
        let mut drops = DropCount::default();
        assert_eq!(drops.total(), None);
        for value in [u32::MAX - 1, u32::MAX, 1, 4] {
            drops.read(Some(value));
        }
        assert_eq!(drops.total(), Some(6));
    }
}
