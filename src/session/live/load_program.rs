//! A load generator: a program of somebody else's in the clients' namespace.

use std::net::{IpAddr, SocketAddr};

use super::program::look;
use crate::lab::namespace::{LISTENER_V4, LISTENER_V6, NetnsToken};
use crate::lab::program::{Program, ProgramError, ProgramPlan};
use crate::model::program::{ProgramRole, ProgramState};

/// The load generator.
pub(super) struct LoadProgram {
    program: Program,
    state: ProgramState,
}

impl LoadProgram {
    /// Starts it in the clients' namespace; it learns in its environment where the listener is.
    pub(super) fn start(command: &str, listener: SocketAddr, netns: &NetnsToken) -> Result<Self, ProgramError> {
        let host = match listener.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() || ip.is_loopback() => LISTENER_V4.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => LISTENER_V6.into(),
            ip => ip,
        };
        let address = SocketAddr::new(host, listener.port());
        let plan = ProgramPlan {
            command: ["/bin/sh", "-c", command].map(Into::into).into(),
            environment: vec![
                ("QVIZ_HOST", host.to_string()),
                ("QVIZ_PORT", listener.port().to_string()),
                ("QVIZ_URL", format!("http://{address}/")),
            ],
        };
        let started = netns.in_clients(|| Program::start(&plan, None));
        let program = started.map_err(|errno| ProgramError { command: command.to_owned(), source: errno.into() })??;
        let state = ProgramState {
            role: ProgramRole::Load,
            command: vec![command.to_owned()],
            pid: program.pids().first().copied(),
            listener: None,
            other_listeners: Vec::new(),
            backlog_asked: None,
            exit: None,
            output: Vec::new(),
        };
        Ok(Self { program, state })
    }

    /// What is known of it.
    pub(super) const fn state(&self) -> &ProgramState {
        &self.state
    }

    /// Takes over how it is; true when that has changed.
    pub(super) fn look(&mut self) -> bool {
        look(&mut self.program, &mut self.state)
    }

    /// True when nothing of it is left.
    pub(super) const fn is_gone(&self) -> bool {
        self.program.is_gone()
    }

    /// Ends it and takes its last lines over.
    pub(super) fn end(&mut self) {
        self.program.end();
        look(&mut self.program, &mut self.state);
        self.state.output = self.program.output();
    }
}
