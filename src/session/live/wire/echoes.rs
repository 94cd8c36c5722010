//! The echoes behind a segment: once all have come, it has been processed.

/// Those that are awaited.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    last: u16,
    awaited: Vec<u16>,
}

impl Echoes {
    /// A number for the next one, which is awaited from now on.
    pub(super) fn ask(&mut self) -> u16 {
        self.last = self.last.wrapping_add(1);
        self.awaited.push(self.last);
        self.last
    }

    /// The echo of this number has come.
    pub(super) fn came(&mut self, number: u16) {
        self.awaited.retain(|awaited| *awaited != number);
    }

    /// What was awaited is awaited no longer.
    pub(super) fn give_up(&mut self) {
        self.awaited.clear();
    }

    /// True when none is awaited.
    pub(super) const fn have_come(&self) -> bool {
        self.awaited.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_awaited_in_any_order() {
        let mut echoes = Echoes::default();
        let (first, second) = (echoes.ask(), echoes.ask());
        echoes.came(second);
        assert!(!echoes.have_come());
        echoes.came(second.wrapping_add(1));
        assert!(!echoes.have_come(), "nobody asked for that one");
        echoes.came(first);
        assert!(echoes.have_come());
    }
}
