//! The plan of `qviz run`: the lab's, with a program as the server.

use std::time::Duration;

use super::{Form, LabPlan, PlanEnv};
use crate::cli::args::{Net, ProgramArgs};
use crate::cli::exit::Failure;
use crate::lab::program::ProgramPlan;
use crate::model::settings::{AcceptRate, Arrivals};
use crate::say;
use crate::session::live::program::{ProgramsPlan, Wanted};

impl LabPlan {
    /// The plan for these arguments of `qviz run`.
    ///
    /// # Errors
    /// Arguments that cannot be used together, not here, or not with a server that is not qviz's own.
    pub fn of_program(args: &ProgramArgs, here: PlanEnv) -> Result<Self, Failure> {
        not_ours(args)?;
        let mut plan = Self::new(&args.lab, here)?;
        let clients = &args.lab.clients;
        if args.load.is_some() && clients.rate.is_none() && clients.arrivals.is_none() {
            (plan.knobs.rate, plan.knobs.arrivals) = (0.0, Arrivals::Steady);
        }
        (plan.knobs.accept_rate, plan.knobs.service) = (AcceptRate::Max, Duration::ZERO);
        let bounded = plan.duration.is_some() || plan.count.is_some();
        plan.net = Net::Lab;
        plan.programs = Some(ProgramsPlan {
            server: ProgramPlan { command: args.command.clone(), environment: Vec::new() },
            log: args.server_log.clone(),
            wanted: Wanted { port: args.port, ready: args.ready.unwrap_or(READY) },
            backlog: args.lab.listener.backlog,
            load: args.load.clone(),
            ends_with_load: args.load.is_some() && !bounded && plan.form != Form::Picture,
        });
        Ok(plan)
    }
}

/// Refuses options that only qviz's own server understands.
fn not_ours(args: &ProgramArgs) -> Result<(), Failure> {
    let (server, listener) = (&args.lab.server, &args.lab.listener);
    let given = [
        (server.accept_rate.is_some(), "--accept-rate"),
        (server.workers.is_some(), "--workers"),
        (server.service.is_some(), "--service"),
        (listener.listen.is_some(), "--listen"),
        (listener.net == Some(Net::Host), "--net host"),
        (listener.net == Some(Net::Here), "--net here"),
    ];
    let Some((_, option)) = given.into_iter().find(|(given, _)| *given) else { return Ok(()) };
    Err(Failure::usage(
        say!("{option} cannot be used with qviz run: the server is your own, in the private network", option),
        say!("leave {option} away; --port says which of its listeners is meant", option),
    ))
}

/// How long a listener may take to appear.
const READY: Duration = Duration::from_secs(10);
