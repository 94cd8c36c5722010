//! The listeners nearest to a target that matches none.

use crate::model::watch::{Address, ListenerReading, Target};

/// The addresses of the listeners nearest to a target, best first: the same port elsewhere, then the next port; for a unix socket
/// the name with the longest common prefix.
pub fn nearest<'a>(target: &Target, listeners: impl Iterator<Item = &'a ListenerReading>) -> Vec<&'a Address> {
    let mut ranked: Vec<_> =
        listeners.filter_map(|listener| Some((distance(target, &listener.address)?, &listener.address))).collect();
    ranked.sort();
    ranked.dedup_by_key(|(_, address)| *address);
    ranked.into_iter().map(|(_, address)| address).collect()
}

/// TCP and unix listeners are never near each other.
fn distance(target: &Target, address: &Address) -> Option<u32> {
    let port = match target {
        Target::Port(port) => *port,
        Target::Address(wanted) => wanted.port(),
        Target::Program(_) | Target::Process(_) | Target::Unit(_) => return None,
        Target::Unix(wanted) => {
            let Address::Unix(path) = address else { return None };
            let common = wanted.bytes().zip(path.bytes()).take_while(|(listener, other)| listener == other).count();
            return Some(u32::MAX - common as u32);
        }
    };
    address.port().map(|other| u32::from(other.abs_diff(port)))
}
