//! A session in a private network, asked for trials; what it facts, and what it left behind.

use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::Arc;
use std::time::Duration;

use qviz::fold::trials::ExperimentResults;
use qviz::kernel::proc;
use qviz::lab::namespace::{Namespace, NetworkPlan, Refusal};
use qviz::model::command::Command;
use qviz::model::event::Event;
use qviz::model::experiment::{ExperimentFact, ExperimentId};
use qviz::model::settings::{AcceptRate, ClientKind, Knobs, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;
use qviz::scenario::Script;
use qviz::session::Session;
use qviz::session::live::{self, LabSite, LivePlan, Past};
use rustix::io::Errno;
use rustix::process::{WaitOptions, wait};

use crate::lab::wait_until;
use crate::needs::Missing;

/// What a session is asked for.
#[derive(Default)]
pub(crate) struct Asked<'a> {
    /// These trials, all at once.
    pub(crate) trials: &'a [ExperimentId],
    /// Settings of the namespace that differ from a fresh Linux.
    pub(crate) sysctls: &'a [(Sysctl, i64)],
    /// The session ends as soon as the first trial has facts its first line.
    pub(crate) hurried: bool,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Facts {
    /// The fold of all facts.
    pub(crate) trials: ExperimentResults,
    /// What could not be begun, and why.
    pub(crate) refused: Vec<String>,
    /// When each began.
    pub(crate) begun: Vec<(ExperimentId, Stamp)>,
    /// When each ended.
    pub(crate) ended: Vec<(ExperimentId, Stamp)>,
}

impl Facts {
    /// Why the last trial could not be carried out.
    pub(crate) fn failed(&self) -> Option<String> {
        self.trials.failed.as_ref().map(ToString::to_string)
    }

    /// How many lines tell of this call.
    pub(crate) fn calls(&self, call: &str) -> usize {
        self.outcomes(call).len()
    }

    /// What came of this call, each time it was made.
    pub(crate) fn outcomes(&self, call: &str) -> Vec<String> {
        let lines = self.trials.lines.iter().filter(|(_, line)| line.call.to_string() == call);
        lines.map(|(_, line)| line.outcome.to_string()).collect()
    }
}

impl Index<&str> for Facts {
    type Output = f64;

    /// A number that was measured.
    #[track_caller]
    fn index(&self, name: &str) -> &f64 {
        let measured = &self.trials.measured;
        assert!(measured.contains_key(name), "{name} was not measured, but {measured:?}; {:?}", self.trials.lines);
        &measured[name]
    }
}

/// Everything that one trial tells in a namespace with the settings of a fresh Linux.
pub(crate) fn facts_of(trial: ExperimentId) -> Result<Facts, Missing> {
    facts_with(trial, &[])
}

/// The same with other settings.
pub(crate) fn facts_with(trial: ExperimentId, sysctls: &[(Sysctl, i64)]) -> Result<Facts, Missing> {
    let facts = facts_by(&Asked { trials: &[trial], sysctls, ..Asked::default() })?;
    assert_eq!((&facts.trials.failed, &facts.refused), (&None, &Vec::new()), "{:?}", facts.trials.lines);
    Ok(facts)
}

/// Everything that a session tells of the trials that it is asked for. It leaves no descriptor, no child and no changed sysctl.
pub(crate) fn facts_by(asked: &Asked<'_>) -> Result<Facts, Missing> {
    let refused =
        |refusal: Refusal| Missing::because("a private network", format!("{refusal}; try: {}", refusal.hint()));
    let descriptors = descriptors();
    let lab = Namespace::enter(&network(asked.sysctls)).map_err(refused)?;
    let sysctls = proc::read_sysctls();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let session = live::start(plan(lab)).unwrap();
    for trial in asked.trials {
        session.send(Command::RunExperiment(*trial));
    }
    let facts = runtime.block_on(collect(session, asked));
    drop(runtime);
    // The lab's thread closes its own behind the last fact.
    wait_until(SOON, "the end of every descriptor", || (self::descriptors().len() <= descriptors.len()).then_some(()));
    assert_eq!(self::descriptors(), descriptors, "descriptors before and after");
    assert_eq!(proc::read_sysctls(), sysctls, "sysctls before and after");
    assert_eq!(wait(WaitOptions::NOHANG).err(), Some(Errno::CHILD), "children that are left");
    Ok(facts)
}

async fn collect(mut session: Session, asked: &Asked<'_>) -> Facts {
    let mut facts = Facts::default();
    while let Some(batch) = session.next().await {
        for fact in batch {
            match fact.event {
                Event::Experiment(event) => facts.take(fact.at, &event),
                Event::Refused { message } => facts.refused.push(message.to_string()),
                _ => {}
            }
        }
        let hurry = asked.hurried && !facts.trials.lines.is_empty();
        if hurry || facts.ended.len() == asked.trials.len() {
            session.send(Command::Stop);
        }
    }
    facts
}

impl Facts {
    fn take(&mut self, at: Stamp, fact: &ExperimentFact) {
        match fact {
            ExperimentFact::Began(trial) => self.begun.push((*trial, at)),
            ExperimentFact::Ended { trial, .. } => self.ended.push((*trial, at)),
            ExperimentFact::Measured { name, value } => {
                assert!(!value.is_nan(), "{name}");
            }
            ExperimentFact::Line(_) => {}
        }
        self.trials.apply(at, fact);
    }
}

/// A fresh Linux's settings, as a lesson has them.
fn network(sysctls: &[(Sysctl, i64)]) -> NetworkPlan {
    let fresh = [
        (Sysctl::Somaxconn, 4096),
        (Sysctl::Syncookies, 1),
        (Sysctl::AbortOnOverflow, 0),
        (Sysctl::MaxSynBacklog, 128),
        (Sysctl::SynackRetries, 5),
        (Sysctl::SynRetries, 6),
    ];
    let mut plan = NetworkPlan::like_host(Sysctls::default());
    let settings: BTreeMap<Sysctl, i64> = fresh.into_iter().chain(sysctls.iter().copied()).collect();
    for (sysctl, value) in settings {
        plan.overrides.set(sysctl, value);
    }
    plan
}

/// Nobody comes by himself: what happens is the trials' doing.
fn plan(lab: Namespace) -> LivePlan {
    let knobs = Knobs { accept_rate: AcceptRate::Paused, rtt: Duration::from_millis(400), ..Knobs::quiet() };
    LivePlan {
        capture: None,
        knobs,
        clients: ClientKind::Wire,
        address: None,
        seed: 1,
        count: None,
        duration: None,
        script: Script::default(),
        site: LabSite::Lab(Arc::new(lab)),
        host: Sysctls::default(),
        sysctls: Sysctls::default(),
        programs: None,
        past: Past::default(),
    }
}

/// The descriptors that this process holds, by number.
fn descriptors() -> Vec<String> {
    let names = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// More than closing a session takes.
const SOON: Duration = Duration::from_secs(30);
