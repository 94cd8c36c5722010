//! SYNs that stay without an answer although the listener drops none.

use super::context::is_one_of_several;
use super::{Action, Check, Diagnosis, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "unanswered-before-listener", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
SYNs come in at the network interface and stay without an answer, while the listener's own drop counter does not move: something between the
interface and the listener drops them. A packet filter (iptables, nftables), a full conntrack table, reverse path filtering, or a policy
of another program does that; no counter of the listener moves. An old connection with the same ports answers with an ACK instead and is
counted apart.
Kernel: packet taps see a segment before netfilter's PREROUTING (__netif_receive_skb_core, net/core/dev.c); ip_rcv_finish, nf_hook.
What to do: look at the packet filter's own counters, at nf_conntrack_count beside nf_conntrack_max, and at TcpExtIPReversePathFilter.";

/// So many are no accident: a SYN can be lost to a full ring of a network card too.
const ENOUGH: u64 = 3;

fn check(world: &World) -> Verdict {
    let unanswered = world.ledger.unanswered;
    if !world.is_watched() || world.segments.is_none() || unanswered == 0 {
        return Verdict::Absent;
    }
    // The wire is that of all sockets of an address, the drop count that of one: a sibling may have dropped them.
    if is_one_of_several(world) {
        return Verdict::Absent;
    }
    if unanswered < ENOUGH {
        return Verdict::TooEarly;
    }
    let Some(port) = world.began.as_ref().map(|began| began.address.port()) else { return Verdict::Absent };
    let seen = world.segments.map_or(0, |seen| seen.syn + seen.syn_retransmit);
    let dropped =
        world.listeners.chosen().and_then(|listener| world.drops_of(listener)).map_or(0, |drops| drops.listener);
    let filter = || say!("packet filters that name this port, with their counters").to_owned();
    let tracked = || say!("is the connection table full?").to_owned();
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        actions: vec![
            Action::live(filter, format!("iptables-save -c | grep {port}; nft list ruleset | grep {port}")),
            Action::live(tracked, "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max".to_owned()),
        ],
        evidence: vec![("unanswered_syns", unanswered as f64), ("syns", seen as f64), ("drops", dropped as f64)],
        sentence: Sentence::new(move || {
            say!(
                "{unanswered} of {seen} SYNs stayed without an answer, and the listener neither answers nor drops them: something before it does, a firewall, conntrack, or rp_filter.",
                unanswered,
                seen
            )
        }),
    })
}
