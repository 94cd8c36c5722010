//! Which listener everything is told about: chosen by a key, or by the target that was asked for. It is followed when it restarts.

use super::register::{Meant, Register};
use crate::model::watch::{Address, ListenerId, Target};

/// Who shall be chosen, and who is.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    wish: Wish,
    chosen: Option<ListenerId>,
    /// What was said last about a wish that cannot be carried out.
    said: Option<Meant>,
}

/// Who shall be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Wish {
    /// Nobody.
    #[default]
    Nobody,
    /// Whom the target means.
    Target(Target),
    /// Whoever listens here.
    Address(Address),
}

/// What follows from a look at all listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// All stays as it is.
    Stays,
    /// This one is chosen from now on.
    Chosen(ListenerId),
    /// The target cannot be chosen: nobody, or listeners at several addresses.
    Unclear(Meant),
}

impl Choice {
    /// Whom the target means, if there is one.
    pub(super) fn new(target: Option<Target>) -> Self {
        Self { wish: target.map_or(Wish::Nobody, Wish::Target), ..Self::default() }
    }

    /// Who is chosen.
    pub(super) const fn chosen(&self) -> Option<ListenerId> {
        self.chosen
    }

    /// Somebody wishes this listener, or none; false where it is not there.
    pub(super) fn choose(&mut self, register: &Register, id: Option<ListenerId>) -> bool {
        let reading = id.and_then(|id| register.reading(id));
        if id.is_some() && reading.is_none() {
            return false;
        }
        self.wish = reading.map_or(Wish::Nobody, |reading| Wish::Address(reading.address.clone()));
        self.chosen = id;
        true
    }

    /// What follows after a look.
    pub(super) fn turn(&mut self, register: &Register) -> Turn {
        if self.chosen.is_some_and(|id| register.reading(id).is_some()) {
            return Turn::Stays;
        }
        let meant = match &self.wish {
            Wish::Nobody => return Turn::Stays,
            Wish::Target(target) => register.meant(target),
            Wish::Address(address) => register.at(address).map_or(Meant::Nobody, Meant::One),
        };
        self.chosen = None;
        if let Meant::One(id) = meant {
            self.chosen = Some(id);
            self.said = None;
            return Turn::Chosen(id);
        }
        if self.said.as_ref() == Some(&meant) {
            return Turn::Stays;
        }
        self.said = Some(meant.clone());
        Turn::Unclear(meant)
    }

    /// Who is waited for, in words.
    pub(super) fn wished(&self) -> String {
        match &self.wish {
            Wish::Nobody => String::new(),
            Wish::Target(target) => target.to_string(),
            Wish::Address(address) => address.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::QueueReading;
    use crate::model::watch::ListenerReading;

    fn register(listeners: &[(u64, &str)]) -> Register {
        let look: Vec<_> = listeners
            .iter()
            .map(|(id, address)| ListenerReading {
                id: ListenerId(*id),
                address: Address::Tcp(address.parse().unwrap()),
                v6_only: None,
                queue: QueueReading::default(),
                inode: 1,
                uid: None,
            })
            .collect();
        let mut register = Register::default();
        register.take(&look, true);
        register
    }

    #[test]
    fn a_target_is_chosen_when_it_comes_and_again_after_its_restart() {
        let mut choice = Choice::new(Some("80".parse().unwrap()));
        let nobody = register(&[(1, "127.0.0.1:81")]);
        assert_eq!(choice.turn(&nobody), Turn::Unclear(Meant::Nobody));
        assert_eq!(choice.turn(&nobody), Turn::Stays, "said once");
        let there = register(&[(2, "127.0.0.1:80")]);
        assert_eq!(choice.turn(&there), Turn::Chosen(ListenerId(2)));
        assert_eq!(choice.turn(&there), Turn::Stays);
        assert_eq!(choice.turn(&nobody), Turn::Unclear(Meant::Nobody), "said again");
        assert_eq!(choice.turn(&register(&[(3, "127.0.0.1:80")])), Turn::Chosen(ListenerId(3)));
    }

    #[test]
    fn who_was_chosen_by_a_key_is_followed_by_address_and_let_go_by_a_key() {
        let mut choice = Choice::new(None);
        let there = register(&[(1, "127.0.0.1:80"), (2, "127.0.0.1:81")]);
        assert_eq!(choice.turn(&there), Turn::Stays);
        assert!(!choice.choose(&there, Some(ListenerId(9))));
        assert!(choice.choose(&there, Some(ListenerId(2))));
        assert_eq!((choice.turn(&there), choice.chosen()), (Turn::Stays, Some(ListenerId(2))));
        let restarted = register(&[(1, "127.0.0.1:80"), (5, "127.0.0.1:81")]);
        assert_eq!(choice.turn(&restarted), Turn::Chosen(ListenerId(5)));
        assert!(choice.choose(&restarted, None));
        assert_eq!((choice.turn(&restarted), choice.chosen()), (Turn::Stays, None));
    }
}
