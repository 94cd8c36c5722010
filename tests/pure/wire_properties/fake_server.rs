//! A listener in memory that answers at once, in the way that its policy says.

use std::collections::BTreeMap;

use qviz::model::peer::Peer;
use qviz::model::segment::{Kind, Segment, Toward, flags};

/// What a peer meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Handshake, answer to the request, orderly close.
    Serve,
    /// RST in answer to the SYN.
    Refuse,
    /// Nothing.
    Silence,
    /// Handshake, then RST in answer to the request.
    Reset,
}

/// The connections of a listener.
#[derive(Clone, Debug)]
pub(crate) struct FakeServer {
    policy: fn(&Peer) -> Policy,
    connections: BTreeMap<Peer, Connection>,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    received: u32,
    fin_sent: bool,
    fin_acked: bool,
    peer_closed: bool,
}

impl FakeServer {
    pub(crate) fn new(policy: fn(&Peer) -> Policy) -> Self {
        Self { policy, connections: BTreeMap::new() }
    }

    /// The answers to a client's segment.
    pub(crate) fn receive(&mut self, segment: &Segment, answers: &mut Vec<Segment>) {
        let policy = (self.policy)(&segment.peer);
        let answer = |flags, seq, ack, payload| Segment {
            peer: segment.peer,
            toward: Toward::Client,
            flags,
            seq,
            ack,
            payload,
            window_scale: true,
            timestamps: false,
        };
        match (segment.kind(), policy) {
            (_, Policy::Silence) | (Kind::Rst, _) => {}
            (Kind::Syn, Policy::Refuse) => answers.push(answer(flags::RST | flags::ACK, 0, segment.end(), 0)),
            (Kind::Syn, _) => {
                let fresh =
                    Connection { received: segment.end(), fin_sent: false, fin_acked: false, peer_closed: false };
                let connection = self.connections.entry(segment.peer).or_insert(fresh);
                answers.push(answer(flags::SYN | flags::ACK, ISN, connection.received, 0));
            }
            (kind, _) => {
                let Some(connection) = self.connections.get_mut(&segment.peer) else { return };
                if policy == Policy::Reset && kind != Kind::Ack {
                    self.connections.remove(&segment.peer);
                    return answers.push(answer(flags::RST, segment.ack, 0, 0));
                }
                connection.fin_acked |= connection.fin_sent && segment.ack == ISN.wrapping_add(2);
                if segment.end() != segment.seq && segment.seq.wrapping_sub(connection.received) as i32 <= 0 {
                    connection.received = segment.end();
                    connection.peer_closed |= kind == Kind::Fin;
                }
                let seq = ISN.wrapping_add(1);
                if segment.payload > 0 && !connection.fin_sent {
                    connection.fin_sent = true;
                    answers.push(answer(flags::FIN | flags::ACK, seq, connection.received, 0));
                } else if segment.end() != segment.seq {
                    answers.push(answer(flags::ACK, ISN.wrapping_add(2), connection.received, 0));
                }
                if connection.fin_acked && connection.peer_closed {
                    self.connections.remove(&segment.peer);
                }
            }
        }
    }

    /// Sends every unacknowledged FIN again.
    pub(crate) fn retransmit(&self, answers: &mut Vec<Segment>) {
        let waiting = self.connections.iter().filter(|(_, connection)| connection.fin_sent && !connection.fin_acked);
        answers.extend(waiting.map(|(peer, connection)| Segment {
            peer: *peer,
            toward: Toward::Client,
            flags: flags::FIN | flags::ACK,
            seq: ISN.wrapping_add(1),
            ack: connection.received,
            payload: 0,
            window_scale: false,
            timestamps: false,
        }));
    }
}

/// So that sequence numbers wrap within the handshake.
const ISN: u32 = u32::MAX - 1;
