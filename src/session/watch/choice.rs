//! Which listener everything is told about: chosen by a key, or by the target that was asked for. It is followed when it restarts.

use super::registry::{ListenerRegistry, Resolution};
use crate::model::watch::{Address, ListenerId, Target};

/// Who shall be chosen, and who is.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    wish: ChoiceRequest,
    chosen: Option<ListenerId>,
    /// What was said last about a wish that cannot be carried out.
    said: Option<Resolution>,
}

/// Who shall be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum ChoiceRequest {
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
pub(super) enum Selection {
    /// All stays as it is.
    Stays,
    /// This one is chosen from now on.
    Chosen(ListenerId),
    /// The target cannot be chosen: nobody, or listeners at several addresses.
    Unclear(Resolution),
}

impl Choice {
    /// Whom the target means, if there is one.
    pub(super) fn new(target: Option<Target>) -> Self {
        Self { wish: target.map_or(ChoiceRequest::Nobody, ChoiceRequest::Target), ..Self::default() }
    }

    /// Who is chosen.
    pub(super) const fn chosen(&self) -> Option<ListenerId> {
        self.chosen
    }

    /// Somebody wishes this listener, or none; false where it is not there.
    pub(super) fn choose(&mut self, register: &ListenerRegistry, id: Option<ListenerId>) -> bool {
        let reading = id.and_then(|id| register.reading(id));
        if id.is_some() && reading.is_none() {
            return false;
        }
        self.wish = reading.map_or(ChoiceRequest::Nobody, |reading| ChoiceRequest::Address(reading.address.clone()));
        self.chosen = id;
        true
    }

    /// What follows after a look.
    pub(super) fn turn(&mut self, register: &ListenerRegistry) -> Selection {
        if self.chosen.is_some_and(|id| register.reading(id).is_some()) {
            return Selection::Stays;
        }
        let meant = match &self.wish {
            ChoiceRequest::Nobody => return Selection::Stays,
            ChoiceRequest::Target(target) => register.meant(target),
            ChoiceRequest::Address(address) => register.at(address).map_or(Resolution::Nobody, Resolution::One),
        };
        self.chosen = None;
        if let Resolution::One(id) = meant {
            self.chosen = Some(id);
            self.said = None;
            return Selection::Chosen(id);
        }
        if self.said.as_ref() == Some(&meant) {
            return Selection::Stays;
        }
        self.said = Some(meant.clone());
        Selection::Unclear(meant)
    }

    /// Who is waited for, in words.
    pub(super) fn wished(&self) -> String {
        match &self.wish {
            ChoiceRequest::Nobody => String::new(),
            ChoiceRequest::Target(target) => target.to_string(),
            ChoiceRequest::Address(address) => address.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::QueueReading;
    use crate::model::watch::ListenerReading;

    fn register(listeners: &[(u64, &str)]) -> ListenerRegistry {
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
        let mut register = ListenerRegistry::default();
        register.take(&look, true);
        register
    }

    #[test]
    fn a_target_is_chosen_when_it_comes_and_again_after_its_restart() {
        let mut choice = Choice::new(Some("80".parse().unwrap()));
        let nobody = register(&[(1, "127.0.0.1:81")]);
        assert_eq!(choice.turn(&nobody), Selection::Unclear(Resolution::Nobody));
        assert_eq!(choice.turn(&nobody), Selection::Stays, "said once");
        let there = register(&[(2, "127.0.0.1:80")]);
        assert_eq!(choice.turn(&there), Selection::Chosen(ListenerId(2)));
        assert_eq!(choice.turn(&there), Selection::Stays);
        assert_eq!(choice.turn(&nobody), Selection::Unclear(Resolution::Nobody), "said again");
        assert_eq!(choice.turn(&register(&[(3, "127.0.0.1:80")])), Selection::Chosen(ListenerId(3)));
    }

    #[test]
    fn who_was_chosen_by_a_key_is_followed_by_address_and_let_go_by_a_key() {
        let mut choice = Choice::new(None);
        let there = register(&[(1, "127.0.0.1:80"), (2, "127.0.0.1:81")]);
        assert_eq!(choice.turn(&there), Selection::Stays);
        assert!(!choice.choose(&there, Some(ListenerId(9))));
        assert!(choice.choose(&there, Some(ListenerId(2))));
        assert_eq!((choice.turn(&there), choice.chosen()), (Selection::Stays, Some(ListenerId(2))));
        let restarted = register(&[(1, "127.0.0.1:80"), (5, "127.0.0.1:81")]);
        assert_eq!(choice.turn(&restarted), Selection::Chosen(ListenerId(5)));
        assert!(choice.choose(&restarted, None));
        assert_eq!((choice.turn(&restarted), choice.chosen()), (Selection::Stays, None));
    }
}
