//! `qviz watch`: other people's listeners. The order matters: another namespace is entered before there are threads.

use super::args::WatchArgs;
use super::exit::{Exit, Failure};
use super::headless::{self, End, EventObserver, Outputs, Signals};
use super::lab;
use super::metrics::Metrics;
use super::output::{self, Output, Written};
use super::plan::{self, Form, WatchPlace, WatchPlan};
use crate::fold::alarm::Alarm;
use crate::fold::nearby;
use crate::fold::world::World;
use crate::kernel::elsewhere;
use crate::model::event::Stamped;
use crate::model::watch::Target;
use crate::report::text::Marks;
use crate::report::watch::{self as report, Document};
use crate::report::{json, jsonl};
use crate::say;
use crate::session::metrics::{MetricsListener, ScrapeError};
use crate::session::recording::Header;
use crate::session::recording::record::Recorder;
use crate::session::watch::{self, Length, WatchSessionPlan};
use crate::ui::UiPlan;

/// Watches as the words say.
///
/// # Errors
/// A [`Failure`] with the next command.
pub(super) fn run(args: &WatchArgs) -> Result<Exit, Failure> {
    let plan = WatchPlan::new(args, lab::surroundings())?;
    let recorder = lab::recorder(plan.record.as_deref())?;
    // Whoever scrapes stands in this namespace, not in the one that is watched.
    let door = plan.metrics.map(MetricsListener::open).transpose().map_err(|error| unserved(&error))?;
    enter(&plan.place)?;
    lab::runtime()?.block_on(watch(&plan, recorder, door))
}

fn enter(place: &WatchPlace) -> Result<(), Failure> {
    let entered = match place {
        WatchPlace::Here => return Ok(()),
        WatchPlace::File(path) => elsewhere::enter(path),
        WatchPlace::Process(pid) => elsewhere::enter_pid(*pid),
    };
    entered.map(|_way| ()).map_err(|error| Failure::new(error.to_string(), error.hint()))
}

async fn watch(plan: &WatchPlan, recorder: Option<Recorder>, door: Option<MetricsListener>) -> Result<Exit, Failure> {
    if plan.form != Form::Picture && plan.length == Length::Endless {
        let remark = say!("no --duration: the watch lasts until SIGINT or SIGTERM, its summary comes then");
        output::tell(say!("note: {remark}", remark));
    }
    let metrics = door.map(|door| open(door, plan.form)).transpose()?;
    let attach = WatchSessionPlan { target: plan.target.clone(), length: plan.length, netns: plan.place.words() };
    let mut session = watch::start(attach).map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    if let Some(recorder) = recorder {
        session.record(recorder, &Header::new(Some(plan::command(&lab::words()))));
    }
    let mut world = World::new();
    let mut guard =
        WatchObservers { alarm: Alarm::new(plan.fail_on.clone(), plan.target.clone()), rung: None, metrics };
    let end = if plan.form == Form::Picture {
        lab::picture(&mut session, &mut world, &look(plan), &mut guard, None).await?
    } else {
        let mut signals = Signals::take()?;
        let mut lines = (plan.form == Form::Jsonl).then(Output::stdout);
        let ears = Outputs { lines: lines.as_mut(), audience: &mut guard };
        headless::follow(&mut session, &mut world, &mut signals, ears).await?
    };
    let exit = concluded(plan, &world, (end, guard.rung))?;
    match session.recording_failure() {
        Some(failure) if exit == Exit::Success => Err(lab::tape(failure)),
        _ => Ok(exit),
    }
}

/// Begins to serve metrics and says where.
fn open(door: MetricsListener, form: Form) -> Result<Metrics, Failure> {
    let address = door.address();
    if form != Form::Picture {
        let remark = say!("metrics at http://{address}/metrics", address);
        output::tell(say!("note: {remark}", remark));
    }
    if !address.ip().is_loopback() {
        let remark = say!(
            "whoever reaches {address} can read which addresses are listened on here, and how full they are",
            address
        );
        output::tell(say!("note: {remark}", remark));
    }
    door.serve().map(Metrics::new).map_err(|error| unserved(&error))
}

fn unserved(error: &ScrapeError) -> Failure {
    Failure::new(error.to_string(), error.hint())
}

/// Listens for what ends the watch with a failed expectation, and for those who scrape.
struct WatchObservers {
    alarm: Alarm,
    rung: Option<String>,
    metrics: Option<Metrics>,
}

impl EventObserver for WatchObservers {
    fn hear(&mut self, world: &World, fact: &Stamped) {
        if self.rung.is_none() {
            self.rung = self.alarm.check(world, &fact.event);
        }
        if let Some(metrics) = &mut self.metrics {
            metrics.hear(world, &fact.event);
        }
    }

    fn has_heard_enough(&self) -> bool {
        self.rung.is_some()
    }
}

fn look(plan: &WatchPlan) -> UiPlan {
    UiPlan {
        ascii: plan.ascii,
        color: lab::color(plan.color),
        theme: plan.theme.clone(),
        projector: plan.projector,
        mouse: plan.mouse,
    }
}

/// Prints the document or the table, and says how the watch ended.
fn concluded(plan: &WatchPlan, world: &World, (end, rung): (End, Option<String>)) -> Result<Exit, Failure> {
    let unseen = plan.target.as_ref().filter(|_| world.listeners.wanted().next().is_none());
    if let (Some(target), Length::Once) = (unseen, plan.length) {
        return Err(nobody(target, world));
    }
    let written = print(plan.form, world, (plan.length == Length::Once, plan.ascii));
    if let End::Signal(number) = end {
        drop(written);
        return Ok(Exit::Signal(number));
    }
    let (Written::Taken | Written::NobodyReads) = written?;
    if let Some(reason) = rung {
        return Err(Failure {
            message: format!("--fail-on: {reason}"),
            hint: Some(closer(plan)),
            exit: Exit::Expectation,
        });
    }
    if end == End::Ended && !world.ended {
        return Err(Failure::new(
            say!("the watch broke off; what it saw until then stands above"),
            say!("this is a bug in qviz: please report it with what stands above"),
        ));
    }
    match unseen {
        // A check of a listener that was never there has not been passed.
        Some(target) if !plan.fail_on.is_empty() => Err(nobody(target, world)),
        _ => Ok(Exit::Success),
    }
}

/// The command that shows more.
fn closer(plan: &WatchPlan) -> String {
    let target = plan.target.as_ref().map(|target| format!(" {target}")).unwrap_or_default();
    format!("qviz watch{target}")
}

/// Prints what a watch has seen, in the form that was asked for; after one look the table alone.
pub(super) fn print(form: Form, world: &World, (once, ascii): (bool, bool)) -> Result<Written, Failure> {
    let marks = if ascii { Marks::Ascii } else { Marks::Unicode };
    Output::stdout().put(|out| match form {
        Form::Picture | Form::Text if once => out.write_all(report::table(world, marks).as_bytes()),
        Form::Picture | Form::Text => out.write_all(report::text(world, marks).as_bytes()),
        Form::Json => json::write(out, &Document::of(world)),
        Form::Jsonl => jsonl::write(out, &Document::of(world)),
    })
}

/// Nobody listens there; who listens instead, the nearest first.
fn nobody(target: &Target, world: &World) -> Failure {
    let survey = &world.listeners;
    let here = survey.by_id.values().filter(|one| one.gone.is_none()).map(|one| &one.reading);
    let near = nearby::nearest(target, here);
    let named = |address| {
        let owner = survey.by_id.values().find(|one| &one.reading.address == address)?.owner.as_ref()?;
        Some(format!("{address} ({})", owner.command))
    };
    let shown: Vec<_> =
        near.iter().take(4).map(|address| named(*address).unwrap_or_else(|| address.to_string())).collect();
    let more = near.len() - shown.len();
    let more = if more > 0 { say!(", and {more} more", more) } else { String::new() };
    match near.first() {
        Some(nearest) => Failure::new(
            say!(
                "nobody listens on {target} here. Listening, the nearest first: {others}{more}",
                target,
                others = shown.join(say!(", ")),
                more
            ),
            say!("qviz watch --once {nearest}, or qviz watch {target} to wait for it", nearest, target),
        ),
        None => Failure::new(
            say!("nobody listens on {target} here, nor anywhere near", target),
            say!("qviz watch {target} to wait for it, or another namespace: --netns PATH, --pid PID", target),
        ),
    }
}
