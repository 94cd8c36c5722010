//! Trials of bind() and listen(): what they measured on this kernel.

use qviz::model::experiment::ExperimentId;

use super::stage::facts_of;
use crate::needs::Missing;
use crate::who::Who;

case!(the_kernel_chooses_what_bind_left_open, as Who::User, Who::Root);
fn the_kernel_chooses_what_bind_left_open() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::BindFour)?;
    assert_eq!((facts["bind-rows"], facts["bind-rows-as-told"]), (4.0, 4.0), "{:?}", facts.trials.lines);
    for (row, port, address) in [
        ("wildcard-any-port", 1.0, 1.0),
        ("wildcard-given-port", 0.0, 1.0),
        ("address-any-port", 1.0, 0.0),
        ("address-given-port", 0.0, 0.0),
    ] {
        let by_kernel = |what: &str| facts[&*format!("{row}-{what}-by-kernel")];
        assert_eq!((by_kernel("port"), by_kernel("address")), (port, address), "{row}");
        assert_eq!(facts[&*format!("{row}-hears-everywhere")], address, "{row}");
    }
    // The port is there before the socket listens, and the address is still open.
    let asked = facts.outcomes("bind(0.0.0.0:0), getsockname()");
    let port = asked.first().and_then(|name| name.strip_prefix("0.0.0.0:"));
    assert!(port.is_some_and(|port| port != "0"), "{asked:?}");
    Ok(())
}

case!(a_second_bind_needs_the_consent_of_the_first, as Who::User, Who::Root);
fn a_second_bind_needs_the_consent_of_the_first() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::BindInUse)?;
    assert_eq!(facts["in-use-cells"], 15.0);
    let in_use = f64::from(libc::EADDRINUSE);
    for first in ["bound", "listening", "time-wait"] {
        let errno = |reuse: &str| facts[&*format!("{first}-{reuse}-errno")];
        // Linux wants the option on both sockets, whatever the textbooks say of SO_REUSEADDR on the second one.
        let alone = ["plain", "reuseaddr-second", "reuseport-second"].map(errno);
        assert_eq!(alone, [in_use; 3], "{first}");
        let beside_a_listener = if first == "listening" { in_use } else { 0.0 };
        assert_eq!((errno("reuseaddr-both"), errno("reuseport-both")), (beside_a_listener, 0.0), "{first}");
    }
    Ok(())
}

case!(an_unbound_listener_gets_a_port_and_hears_everybody, as Who::User, Who::Root);
fn an_unbound_listener_gets_a_port_and_hears_everybody() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::UnboundListen)?;
    assert_eq!((facts["unbound-listen-errno"], facts["unbound-listen-wildcard"]), (0.0, 1.0));
    assert_eq!((facts["unbound-listen-ephemeral"], facts["unbound-listen-clients"]), (1.0, 2.0));
    assert!(facts["unbound-listen-port"] > 0.0);
    Ok(())
}

case!(sockets_without_connections_do_not_listen, as Who::User, Who::Root);
fn sockets_without_connections_do_not_listen() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::ListenTypes)?;
    assert_eq!((facts["listen-types-taken"], facts["listen-types-refused"]), (3.0, 3.0));
    for kind in ["stream", "unix-stream", "unix-seqpacket"] {
        assert_eq!(facts[&*format!("listen-{kind}-errno")], 0.0, "{kind}");
    }
    for kind in ["dgram", "unix-dgram", "raw"] {
        assert_eq!(facts[&*format!("listen-{kind}-errno")], f64::from(libc::EOPNOTSUPP), "{kind}");
    }
    Ok(())
}
