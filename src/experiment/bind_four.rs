//! bind() with the wildcard or an address, and with port 0 or a given one: the kernel chooses what was left open. The
//! port is chosen at bind(), as getsockname() shows; the address of a wildcard socket is the destination of each
//! connection.

use std::net::{Ipv4Addr, SocketAddr};

use super::connect_attempt::{self, connect_call, free_port, reset};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (any, loopback) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::LOCALHOST);
    let rows = [
        ("wildcard-any-port", any, 0),
        ("wildcard-given-port", any, free_port()?.port()),
        ("address-any-port", loopback, 0),
        ("address-given-port", loopback, free_port()?.port()),
    ];
    let mut as_in_textbook = 0;
    for (row, address, port) in rows {
        let chosen = bind(experiment, SocketAddr::from((address, port)))?;
        experiment.measure_flag(&format!("{row}-port-by-kernel"), chosen.port);
        experiment.measure_flag(&format!("{row}-address-by-kernel"), chosen.address);
        experiment.measure_flag(&format!("{row}-hears-everywhere"), chosen.everywhere);
        let wildcard = address == any;
        let textbook = KernelChoice { port: port == 0, address: wildcard, everywhere: wildcard };
        as_in_textbook += u32::from(chosen == textbook);
    }
    experiment.measure("bind-rows", rows.len() as f64);
    experiment.measure("bind-rows-as-told", f64::from(as_in_textbook));
    Ok(())
}

/// What the kernel has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KernelChoice {
    /// The port, at bind().
    port: bool,
    /// The address, at each connection.
    address: bool,
    /// Connections to another address of this machine are accepted.
    everywhere: bool,
}

/// Binds one socket, reads its name, listens, and connects to two loopback addresses.
fn bind(experiment: &mut Experiment<'_>, asked: SocketAddr) -> Result<KernelChoice, ExperimentError> {
    let socket = ends::socket()?;
    let call = format!("bind({asked})");
    let bound = socket.bind(&asked.into());
    ends::call(call.clone(), bound)?;
    let own = ends::name(&socket)?;
    experiment.record_call("server", format!("{call}, getsockname()"), own.to_string(), CallOutcome::Plain);
    ends::call("listen(5)", socket.listen(5))?;
    let mut served_at = Vec::new();
    for target in TARGETS {
        let to = SocketAddr::from((target, own.port()));
        let client = ends::socket()?;
        let errno = connect_attempt::connect(&client, to);
        connect_attempt::record(experiment, "client", connect_call(to), errno);
        if errno == 0 {
            let (served, _) = ends::accept(experiment, &socket)?;
            let local = ends::name(&served)?;
            experiment.record_call("server", "accept(), getsockname()", local.to_string(), CallOutcome::Plain);
            served_at.push(local.ip());
            reset(client)?;
        }
    }
    Ok(KernelChoice {
        port: own.port() != asked.port(),
        address: served_at.iter().any(|served| *served != own.ip()),
        everywhere: served_at == TARGETS,
    })
}

/// Two addresses of this machine (all of 127/8).
const TARGETS: [Ipv4Addr; 2] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];
