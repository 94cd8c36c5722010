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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::QueueReading;
    use crate::model::watch::ListenerId;

    fn near(target: &str, addresses: &[Address]) -> Vec<String> {
        let readings: Vec<_> = addresses
            .iter()
            .map(|address| ListenerReading {
                id: ListenerId(1),
                address: address.clone(),
                v6_only: None,
                queue: QueueReading::default(),
                inode: 1,
                uid: None,
            })
            .collect();
        nearest(&target.parse().unwrap(), readings.iter()).into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_same_port_elsewhere_comes_before_the_next_port() {
        let tcp = |text: &str| Address::Tcp(text.parse().unwrap());
        let all = [tcp("0.0.0.0:9000"), tcp("[::1]:8080"), tcp("[::1]:8080"), tcp("127.0.0.1:8082"), tcp("0.0.0.0:22")];
        assert_eq!(near("127.0.0.1:8080", &all), ["[::1]:8080", "127.0.0.1:8082", "0.0.0.0:9000", "0.0.0.0:22"]);
        assert_eq!(near(":8081", &all)[..2], ["127.0.0.1:8082", "[::1]:8080"]);
    }

    #[test]
    fn unix_sockets_are_near_by_name_and_never_near_a_port() {
        let unix = |text: &str| Address::Unix(text.into());
        let all = [unix("/run/b.sock"), unix("/run/app.sock"), Address::Tcp("127.0.0.1:80".parse().unwrap())];
        assert_eq!(near("/run/apq.sock", &all), ["/run/app.sock", "/run/b.sock"]);
        assert_eq!(near("80", &all), ["127.0.0.1:80"]);
    }
}
