//! The clients that a load generator opens: real ones of somebody else's, known by their segments alone.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::lab::wire::line::Line;
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::stamp::Stamp;

/// Those that are not over.
#[derive(Debug, Default)]
pub(super) struct LoadClients {
    count: u32,
    live: HashMap<Peer, LoadClient, FixedState>,
}

#[derive(Debug)]
struct LoadClient {
    id: u32,
    isn: u32,
    connected: bool,
    /// Who has sent its FIN: the client, the server.
    closed: [bool; 2],
}

impl LoadClients {
    /// True when this client is one of them.
    pub(super) fn know(&self, peer: &Peer) -> bool {
        self.live.contains_key(peer)
    }

    /// A segment leaves the clients' side: a new SYN is a new client.
    pub(super) fn leaves(&mut self, now: Stamp, segment: &Segment, line: &mut Line, out: &mut Vec<Stamped>) {
        let (peer, isn) = (segment.peer, segment.seq);
        if segment.kind() != Kind::Syn || self.live.get(&peer).is_some_and(|one| one.isn == isn) {
            return;
        }
        let id = FIRST_ID + self.count;
        self.count += 1;
        self.live.insert(peer, LoadClient { id, isn, connected: false, closed: [false; 2] });
        line.learn(now, id, peer);
        let event = ClientEvent::Started { half_open: false };
        out.push(Stamped { at: now, event: Event::Client { id, peer, event } });
    }

    /// A segment reaches the clients' side: its client is connected by the SYN-ACK.
    pub(super) fn arrive(&mut self, at: Stamp, segment: &Segment, out: &mut Vec<Stamped>) {
        let peer = segment.peer;
        if let Some(one) = self.live.get_mut(&peer).filter(|one| !one.connected && segment.kind() == Kind::SynAck) {
            one.connected = true;
            out.push(Stamped { at, event: Event::Client { id: one.id, peer, event: ClientEvent::Connected } });
        }
    }

    /// A segment passed at the listener's end.
    pub(super) fn pass(&mut self, at: Stamp, segment: &Segment, line: &mut Line, out: &mut Vec<Stamped>) {
        let peer = segment.peer;
        let Some(one) = self.live.get_mut(&peer) else { return };
        let id = one.id;
        let mut say = |event| out.push(Stamped { at, event: Event::Client { id, peer, event } });
        let end = match segment.kind() {
            Kind::Rst if one.connected => Some(ClientEvent::Reset),
            Kind::Rst => Some(ClientEvent::Refused),
            Kind::Fin => {
                one.closed[usize::from(segment.toward == Toward::Client)] = true;
                (one.closed == [true; 2]).then_some(ClientEvent::Finished)
            }
            _ => None,
        };
        if let Some(end) = end {
            say(end);
            self.live.remove(&peer);
            line.forget(&peer);
        }
    }
}

/// Their numbers begin far behind those of the lab's own clients.
const FIRST_ID: u32 = 1 << 24;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::model::segment::flags;
    use crate::model::settings::{Knobs, Sysctls};

    fn segment(toward: Toward, flags: u8, seq: u32) -> Segment {
        let peer = Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 4_000);
        Segment { peer, toward, flags, seq, ack: 0, payload: 0, window_scale: false, timestamps: false }
    }

    fn line() -> Line {
        let knobs = Knobs::quiet();
        Line::new(1, knobs, Sysctls::default(), 1_000)
    }

    #[test]
    fn a_client_is_known_by_its_segments_from_its_syn_to_both_fins() {
        let mut line = line();
        let (mut load, mut out) = (LoadClients::default(), Vec::new());
        let syn = segment(Toward::Listener, flags::SYN, 1);
        for _ in 0..2 {
            load.leaves(Stamp::ZERO, &syn, &mut line, &mut out);
        }
        assert!(load.know(&syn.peer) && line.knows(&syn.peer));
        for (toward, bits) in [
            (Toward::Client, flags::SYN | flags::ACK),
            (Toward::Listener, flags::ACK),
            (Toward::Listener, flags::ACK),
            (Toward::Client, flags::FIN | flags::ACK),
            (Toward::Listener, flags::FIN | flags::ACK),
        ] {
            load.pass(Stamp::ZERO, &segment(toward, bits, 2), &mut line, &mut out);
            if toward == Toward::Client {
                load.arrive(Stamp::ZERO, &segment(toward, bits, 2), &mut out);
            }
        }
        let events: Vec<ClientEvent> = out
            .iter()
            .filter_map(|fact| match fact.event {
                Event::Client { event, .. } => Some(event),
                _ => None,
            })
            .collect();
        let started = ClientEvent::Started { half_open: false };
        assert_eq!(events, [started, ClientEvent::Connected, ClientEvent::Finished]);
        assert!(!load.know(&syn.peer) && !line.knows(&syn.peer));
    }

    #[test]
    fn a_reset_is_a_refusal_before_the_handshake_and_a_reset_after_it() {
        for (connects, end) in [(false, ClientEvent::Refused), (true, ClientEvent::Reset)] {
            let mut line = line();
            let (mut load, mut out) = (LoadClients::default(), Vec::new());
            load.leaves(Stamp::ZERO, &segment(Toward::Listener, flags::SYN, 1), &mut line, &mut out);
            if connects {
                load.arrive(Stamp::ZERO, &segment(Toward::Client, flags::SYN | flags::ACK, 2), &mut out);
            }
            load.pass(Stamp::ZERO, &segment(Toward::Client, flags::RST, 0), &mut line, &mut out);
            assert!(matches!(out.last(), Some(Stamped { event: Event::Client { event, .. }, .. }) if *event == end));
        }
    }
}
