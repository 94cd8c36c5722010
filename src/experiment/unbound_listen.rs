//! listen() on a socket that was never bound: the kernel assigns a port, and clients can connect.

use std::net::{Ipv4Addr, SocketAddr};

use super::connect_attempt::{self, connect_call, reset};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let socket = ends::socket()?;
    let errno = connect_attempt::number(&socket.listen(5));
    connect_attempt::record(experiment, "server", "socket(), listen(5)", errno);
    experiment.measure("unbound-listen-errno", f64::from(errno));
    let bound = ends::name(&socket)?;
    experiment.record_call("server", "getsockname()", bound.to_string(), CallOutcome::Plain);
    experiment.measure("unbound-listen-port", f64::from(bound.port()));
    experiment.measure_flag("unbound-listen-wildcard", bound.ip().is_unspecified());
    if let Some((least, most)) = ephemeral_ports() {
        experiment.record_call("kernel", "net.ipv4.ip_local_port_range", format!("{least} {most}"), CallOutcome::Plain);
        experiment.measure_flag("unbound-listen-ephemeral", (least..=most).contains(&bound.port()));
    }
    let mut connected = 0;
    for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)] {
        let (client, to) = (ends::socket()?, SocketAddr::from((address, bound.port())));
        let errno = connect_attempt::connect(&client, to);
        connect_attempt::record(experiment, "client", connect_call(to), errno);
        if errno == 0 {
            connected += 1;
            reset(client)?;
        }
    }
    experiment.measure("unbound-listen-clients", f64::from(connected));
    Ok(())
}

/// The ephemeral ports of this network namespace.
fn ephemeral_ports() -> Option<(u16, u16)> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ports = text.split_whitespace().map(str::parse);
    Some((ports.next()?.ok()?, ports.next()?.ok()?))
}
