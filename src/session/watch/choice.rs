//! Which listener is chosen for detail: by a key, or by the target that was asked for. It is followed by its address when it
//! restarts.

use super::registry::{ListenerRegistry, Resolution};
use crate::model::watch::{Address, ListenerId, Target};

/// The requested and the chosen listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    request: ChoiceRequest,
    chosen: Option<ListenerId>,
    /// The last [`Selection::Unclear`] that was returned.
    reported: Option<Resolution>,
}

/// What was requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum ChoiceRequest {
    /// No listener.
    #[default]
    None,
    /// The listener that matches the target.
    Target(Target),
    /// The listener at this address.
    Address(Address),
}

/// What follows from a reading of all listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// No change, or nothing new to report.
    Unchanged,
    /// This listener is chosen from now on.
    Chosen(ListenerId),
    /// The target cannot be resolved: no listener, or listeners at several addresses.
    Unclear(Resolution),
}

impl Choice {
    /// Requests the target, if there is one.
    pub(super) fn new(target: Option<Target>) -> Self {
        Self { request: target.map_or(ChoiceRequest::None, ChoiceRequest::Target), ..Self::default() }
    }

    /// The chosen listener.
    pub(super) const fn chosen(&self) -> Option<ListenerId> {
        self.chosen
    }

    /// Requests this listener, or none; false if it is not there.
    pub(super) fn choose(&mut self, registry: &ListenerRegistry, id: Option<ListenerId>) -> bool {
        let reading = id.and_then(|id| registry.reading(id));
        if id.is_some() && reading.is_none() {
            return false;
        }
        self.request = reading.map_or(ChoiceRequest::None, |reading| ChoiceRequest::Address(reading.address.clone()));
        self.chosen = id;
        true
    }

    /// Resolves the request after a reading of all listeners. Each unclear result is returned once.
    pub(super) fn update(&mut self, registry: &ListenerRegistry) -> Selection {
        if self.chosen.is_some_and(|id| registry.reading(id).is_some()) {
            return Selection::Unchanged;
        }
        let resolution = match &self.request {
            ChoiceRequest::None => return Selection::Unchanged,
            ChoiceRequest::Target(target) => registry.resolve(target),
            ChoiceRequest::Address(address) => {
                registry.at(address).map_or(Resolution::NoListener, Resolution::Listener)
            }
        };
        self.chosen = None;
        if let Resolution::Listener(id) = resolution {
            self.chosen = Some(id);
            self.reported = None;
            return Selection::Chosen(id);
        }
        if self.reported.as_ref() == Some(&resolution) {
            return Selection::Unchanged;
        }
        self.reported = Some(resolution.clone());
        Selection::Unclear(resolution)
    }

    /// The request as text; empty for none.
    pub(super) fn requested(&self) -> String {
        match &self.request {
            ChoiceRequest::None => String::new(),
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

    fn registry(listeners: &[(u64, &str)]) -> ListenerRegistry {
        let readings: Vec<_> = listeners
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
        let mut registry = ListenerRegistry::default();
        registry.take(&readings, true);
        registry
    }

    #[test]
    fn a_target_is_chosen_when_it_comes_and_again_after_its_restart() {
        let mut choice = Choice::new(Some("80".parse().unwrap()));
        let absent = registry(&[(1, "127.0.0.1:81")]);
        assert_eq!(choice.update(&absent), Selection::Unclear(Resolution::NoListener));
        assert_eq!(choice.update(&absent), Selection::Unchanged, "said once");
        let present = registry(&[(2, "127.0.0.1:80")]);
        assert_eq!(choice.update(&present), Selection::Chosen(ListenerId(2)));
        assert_eq!(choice.update(&present), Selection::Unchanged);
        assert_eq!(choice.update(&absent), Selection::Unclear(Resolution::NoListener), "said again");
        assert_eq!(choice.update(&registry(&[(3, "127.0.0.1:80")])), Selection::Chosen(ListenerId(3)));
    }

    #[test]
    fn who_was_chosen_by_a_key_is_followed_by_address_and_let_go_by_a_key() {
        let mut choice = Choice::new(None);
        let present = registry(&[(1, "127.0.0.1:80"), (2, "127.0.0.1:81")]);
        assert_eq!(choice.update(&present), Selection::Unchanged);
        assert!(!choice.choose(&present, Some(ListenerId(9))));
        assert!(choice.choose(&present, Some(ListenerId(2))));
        assert_eq!((choice.update(&present), choice.chosen()), (Selection::Unchanged, Some(ListenerId(2))));
        let restarted = registry(&[(1, "127.0.0.1:80"), (5, "127.0.0.1:81")]);
        assert_eq!(choice.update(&restarted), Selection::Chosen(ListenerId(5)));
        assert!(choice.choose(&restarted, None));
        assert_eq!((choice.update(&restarted), choice.chosen()), (Selection::Unchanged, None));
    }
}
