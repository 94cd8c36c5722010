//! bind() with the wildcard or an address, and with port 0 or a given one: the kernel chooses what was left open. The port is
//! chosen at once, as getsockname() tells; the address of a wildcard socket is chosen for each connection, by where its client knocks.

use std::net::{Ipv4Addr, SocketAddr};

use super::connect_attempt::{self, connect_call, free_port, reset};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (any, one) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::LOCALHOST);
    let rows = [
        ("wildcard-any-port", any, 0),
        ("wildcard-given-port", any, free_port()?.port()),
        ("address-any-port", one, 0),
        ("address-given-port", one, free_port()?.port()),
    ];
    let mut as_told = 0;
    for (row, address, port) in rows {
        let chosen = bind(bench, SocketAddr::from((address, port)))?;
        bench.measure_flag(&format!("{row}-port-by-kernel"), chosen.port);
        bench.measure_flag(&format!("{row}-address-by-kernel"), chosen.address);
        bench.measure_flag(&format!("{row}-hears-everywhere"), chosen.everywhere);
        let wildcard = address == any;
        let textbook = KernelChoice { port: port == 0, address: wildcard, everywhere: wildcard };
        as_told += u32::from(chosen == textbook);
    }
    bench.measure("bind-rows", rows.len() as f64);
    bench.measure("bind-rows-as-told", f64::from(as_told));
    Ok(())
}

/// What the kernel has chosen where the program left it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KernelChoice {
    /// The port, at bind().
    port: bool,
    /// The address, at each connection.
    address: bool,
    /// A client that knocks at another address of this machine is heard.
    everywhere: bool,
}

/// Binds one socket, asks it at once for its name, lets it listen, and knocks at two addresses of loopback.
fn bind(bench: &mut Experiment<'_>, asked: SocketAddr) -> Result<KernelChoice, ExperimentError> {
    let socket = ends::socket()?;
    let call = format!("bind({asked})");
    let bound = socket.bind(&asked.into());
    ends::call(call.clone(), bound)?;
    let own = ends::name(&socket)?;
    bench.record_call("server", format!("{call}, getsockname()"), own.to_string(), CallOutcome::Plain);
    ends::call("listen(5)", socket.listen(5))?;
    let mut served_at = Vec::new();
    for place in TARGETS {
        let to = SocketAddr::from((place, own.port()));
        let client = ends::socket()?;
        let errno = connect_attempt::connect(&client, to);
        connect_attempt::record(bench, "client", connect_call(to), errno);
        if errno == 0 {
            let (served, _) = ends::call("accept()", socket.accept())?;
            let local = ends::name(&served)?;
            bench.record_call("server", "accept(), getsockname()", local.to_string(), CallOutcome::Plain);
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

/// Two addresses of this machine: all of 127/8 is.
const TARGETS: [Ipv4Addr; 2] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];
