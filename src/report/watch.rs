//! The reports of a watch: one document ([`Document`]), a table like that of `ss` ([`table()`]), and the text after a watch
//! without a screen ([`text()`]). All are made from the world alone.

mod document;
pub(super) mod rows;
mod table;
mod text;

pub use document::{CommandEnd, Document};
pub use table::table;
pub use text::{once, text};

use crate::fold::listeners::ListenerState;
use crate::fold::world::World;

/// The reported listeners, fullest first: those asked for, gone ones last.
fn in_order(world: &World) -> Vec<&ListenerState> {
    let mut all: Vec<_> = world.listeners.wanted().collect();
    let fullness = |listener: &ListenerState| listener.fullness().unwrap_or(0.0);
    all.sort_by(|listener, other| {
        let gone = listener.gone.is_some().cmp(&other.gone.is_some());
        let fuller = fullness(other).total_cmp(&fullness(listener));
        let address = listener.reading.address.cmp(&other.reading.address);
        gone.then(fuller).then(address).then(listener.id().cmp(&other.id()))
    });
    all
}
