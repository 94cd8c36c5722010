//! One client alone made three or more overflows: packets are not clients.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "one-client-many-overflows", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
ListenOverflows and ListenDrops count packets, not clients. A client whose SYN is dropped sends its SYN again (up to 11 times in
its life with the defaults), a ghost repeats its ACK and its data, and each of these packets is another overflow. Divide before you
alarm: qviz always shows both numbers.
Kernel: NET_INC_STATS(LINUX_MIB_LISTENOVERFLOWS) in tcp_conn_request and tcp_v4_syn_recv_sock, once per packet.
What to do: compare the packets with the clients of each cause in the ledger.";

fn check(world: &World) -> Verdict {
    let most = match world.roster.most_overflows() {
        most @ 3.. => most,
        2 => return Verdict::TooEarly,
        _ => return Verdict::Absent,
    };
    let (packets, clients) = world
        .ledger
        .lost_by_cause()
        .filter(|(cause, _)| cause.is_overflow())
        .fold((0, 0), |sum, (_, lost)| (sum.0 + lost.segments, sum.1 + lost.clients));
    Verdict::Found(Diagnosis {
        severity: Severity::Note,
        actions: Vec::new(),
        evidence: vec![
            ("most_overflows_of_one_client", most.into()),
            ("overflow_packets", packets as f64),
            ("overflow_clients", clients as f64),
        ],
        sentence: Sentence::new(move || {
            say!("one client caused {most} overflows: ListenOverflows counts packets, not clients.", most)
        }),
    })
}
