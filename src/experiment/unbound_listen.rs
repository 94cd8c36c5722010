//! listen() on a socket that was never bound: the kernel gives it a port, and everybody can come.

use std::net::{Ipv4Addr, SocketAddr};

use super::connect_attempt::{self, connect_call, reset};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let socket = ends::socket()?;
    let errno = connect_attempt::number(&socket.listen(5));
    connect_attempt::record(bench, "server", "socket(), listen(5)", errno);
    bench.measure("unbound-listen-errno", f64::from(errno));
    let own = ends::name(&socket)?;
    bench.record_call("server", "getsockname()", own.to_string(), CallOutcome::Plain);
    bench.measure("unbound-listen-port", f64::from(own.port()));
    bench.measure_flag("unbound-listen-wildcard", own.ip().is_unspecified());
    if let Some((least, most)) = ephemeral_ports() {
        bench.record_call("kernel", "net.ipv4.ip_local_port_range", format!("{least} {most}"), CallOutcome::Plain);
        bench.measure_flag("unbound-listen-ephemeral", (least..=most).contains(&own.port()));
    }
    let mut came = 0;
    for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)] {
        let (client, to) = (ends::socket()?, SocketAddr::from((address, own.port())));
        let errno = connect_attempt::connect(&client, to);
        connect_attempt::record(bench, "client", connect_call(to), errno);
        if errno == 0 {
            came += 1;
            reset(client)?;
        }
    }
    bench.measure("unbound-listen-clients", f64::from(came));
    Ok(())
}

/// The ports that the kernel gives out by itself, in this network namespace.
fn ephemeral_ports() -> Option<(u16, u16)> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ports = text.split_whitespace().map(str::parse);
    Some((ports.next()?.ok()?, ports.next()?.ok()?))
}
