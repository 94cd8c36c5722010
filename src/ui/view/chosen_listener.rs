//! The listener whose details are shown, as its screen and its timeline need it.

use crate::fold::listeners::ListenerState;
use crate::model::watch::Address;
use crate::ui::view::Scene;

/// The listener whose details are shown.
#[derive(Clone, Copy)]
pub(in crate::ui::view) struct ChosenListener<'s> {
    /// Its state among all listeners; `None`: not known yet.
    pub(in crate::ui::view) listener: Option<&'s ListenerState>,
    /// True when the world holds this listener's details: queued and half-open connections.
    pub(in crate::ui::view) detailed: bool,
}

impl<'s> ChosenListener<'s> {
    pub(in crate::ui::view) fn of(scene: &Scene<'s>) -> Self {
        let world = scene.world;
        let listener = scene.state.watch.shown_listener(world);
        let chosen = listener.is_some_and(|listener| world.listeners.chosen == Some(listener.reading.id));
        let begun = match (&world.began, listener.map(|listener| &listener.reading.address)) {
            (Some(began), Some(Address::Tcp(address))) => began.watched && began.address == *address,
            _ => false,
        };
        Self { listener, detailed: chosen && begun }
    }

    /// True for a unix socket, which has no handshake and whose clients the kernel does not list.
    pub(in crate::ui::view) fn is_unix(self) -> bool {
        self.listener.is_some_and(|listener| listener.reading.address.port().is_none())
    }
}
