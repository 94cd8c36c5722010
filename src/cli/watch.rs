//! `qviz watch`: other people's listeners. The order matters: another namespace is entered before there are threads.

use std::task::{Context, Poll};
use std::time::Duration;

use super::args::{VerdictFormat, WatchArgs};
use super::completions;
use super::exit::{Exit, Failure};
use super::gate::{self, GateCommand};
use super::headless::{self, End, Outputs, Signals};
use super::help::report_columns;
use super::lab;
use super::metrics::{self, Metrics};
use super::output::{self, Output, Written};
use super::plan::{self, Form, WatchPlace, WatchPlan};
use crate::fold::gate::Gate;
use crate::fold::nearby;
use crate::fold::world::World;
use crate::kernel::other_netns;
use crate::kernel::owners::NetnsList;
use crate::lab::namespace::Probe;
use crate::model::event::Stamped;
use crate::model::queue::SynRule;
use crate::model::stamp::Stamp;
use crate::model::watch::Target;
use crate::report::text::{Marks, WIDTH};
use crate::report::watch::{self as report, Document};
use crate::report::{json, jsonl};
use crate::say;
use crate::session::clock::Clock;
use crate::session::metrics::{MetricsListener, ScrapeQueue};
use crate::session::observer::EventObserver;
use crate::session::recording::Header;
use crate::session::recording::record::Recorder;
use crate::session::watch::{self, Length, WatchSessionPlan};
use crate::ui::UiPlan;

/// Watches as the arguments ask for.
///
/// # Errors
/// A [`Failure`] with the next command.
pub(super) fn run(args: &WatchArgs) -> Result<Exit, Failure> {
    if args.run.print_alerts || args.run.print_dashboard {
        return super::print_carried(if args.run.print_alerts { "alerts" } else { "grafana" });
    }
    if args.run.print_targets {
        return super::print(completions::targets::list().as_bytes());
    }
    let plan = WatchPlan::new(args, lab::plan_env())?;
    if args.run.containers {
        return match plan.metrics {
            Some(address) => {
                let listener = MetricsListener::open(address).map_err(|error| metrics::failure(&error))?;
                lab::runtime()?.block_on(super::containers::exporter::run(&plan, args.run.duration, listener))
            }
            None => super::containers::run(&plan, args.run.duration),
        };
    }
    let recorder = lab::recorder(plan.record.as_deref())?;
    // Scrapes come from this namespace, not from the watched one.
    let listener = plan.metrics.map(MetricsListener::open).transpose().map_err(|error| metrics::failure(&error))?;
    // Only one listener's SYN queue is shown with its limit.
    let syn_rule = plan.target.as_ref().and_then(|_| Probe::in_throw_away_namespace().syn_rule);
    enter(&plan.place)?;
    lab::runtime()?.block_on(watch(&plan, recorder, (listener, syn_rule)))
}

fn enter(place: &WatchPlace) -> Result<(), Failure> {
    let entered = match place {
        WatchPlace::Here => return Ok(()),
        WatchPlace::File(path) => other_netns::enter(path),
        WatchPlace::Process(pid) => other_netns::enter_pid(*pid),
    };
    entered.map(|_way| ()).map_err(|error| Failure::new(error.to_string(), error.hint()))
}

async fn watch(
    plan: &WatchPlan,
    recorder: Option<Recorder>,
    (listener, syn_rule): (Option<MetricsListener>, Option<SynRule>),
) -> Result<Exit, Failure> {
    if plan.form != Form::Picture && plan.length == Length::Endless && plan.command.is_empty() {
        let remark = say!("no --duration: the watch lasts until SIGINT or SIGTERM, its summary comes then");
        output::report(say!("note: {remark}", remark));
    }
    if plan.form != Form::Picture {
        for elsewhere in elsewhere(plan) {
            output::report(say!("note: {remark}", remark = elsewhere));
        }
    }
    let metrics = match (&plan.metrics_pipe, listener) {
        (Some(_), _) => Some(Metrics::new(ScrapeQueue::of_stdin().map_err(|error| no_pipe(&error))?)),
        (None, listener) => {
            listener.map(|listener| metrics::open(listener, plan.form).map(Metrics::new)).transpose()?
        }
    };
    let netns = plan.metrics_pipe.clone().or_else(|| plan.place.words());
    let attach = WatchSessionPlan { target: plan.target.clone(), length: plan.length, netns, syn_rule };
    let mut session = watch::start(attach).map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    if let Some(recorder) = recorder {
        session.record(recorder, &Header::new(Some(plan::command(&lab::arguments()))));
    }
    let mut world = World::new();
    let mut observers = WatchObservers {
        gate: Gate::new(&plan.fail_on, plan.target.as_ref()),
        to_end: plan.to_end,
        command: GateCommand::new(&plan.command, plan.form),
        metrics,
    };
    let end = if plan.form == Form::Picture {
        lab::picture(&mut session, &mut world, &look(plan), &mut observers, None).await?
    } else {
        let mut signals = Signals::take()?;
        let mut lines = (plan.form == Form::Jsonl).then(Output::stdout);
        let outputs = Outputs { lines: lines.as_mut(), observer: &mut observers };
        headless::follow(&mut session, &mut world, &mut signals, outputs).await?
    };
    if let Some(command) = &mut observers.command {
        command.end().await;
    }
    let exit = conclude(plan, &world, end, &mut observers)?;
    match session.recording_failure() {
        Some(failure) if exit == Exit::Success => Err(lab::recording_failure(failure)),
        _ => Ok(exit),
    }
}

fn no_pipe(error: &std::io::Error) -> Failure {
    let why = crate::text::errno::describe(error);
    Failure::new(say!("stdin is no pipe of qviz watch --containers --metrics: {why}", why), say!("see: qviz doctor"))
}

/// The observers of a watch: the gate that ends it with a failed expectation, the command that it lasts as long as, and the metrics.
struct WatchObservers {
    gate: Gate,
    to_end: bool,
    command: Option<GateCommand>,
    metrics: Option<Metrics>,
}

impl EventObserver for WatchObservers {
    fn observe(&mut self, world: &World, fact: &Stamped) {
        self.gate.observe(world, &fact.event);
        if let Some(command) = &mut self.command {
            command.observe(world, fact);
        }
        if let Some(metrics) = &mut self.metrics {
            metrics.observe(world, &fact.event);
        }
    }

    fn is_done(&self) -> bool {
        let failed = self.gate.has_failed() && !self.to_end;
        let unheard = self.metrics.as_ref().is_some_and(Metrics::is_over);
        failed || unheard || self.command.as_ref().is_some_and(GateCommand::is_over)
    }

    fn poll_asked(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.metrics.as_mut().map_or(Poll::Pending, |metrics| metrics.poll_asked(context))
    }

    fn answer(&mut self, world: &World) {
        if let Some(metrics) = &mut self.metrics {
            metrics.answer(world);
        }
    }
}

fn look(plan: &WatchPlan) -> UiPlan {
    UiPlan {
        ascii: plan.ascii,
        color: lab::color(plan.color),
        theme: plan.theme.clone(),
        projector: plan.projector,
        mouse: plan.mouse,
        class: false,
    }
}

/// Prints the document or the table, and says how the watch ended.
fn conclude(plan: &WatchPlan, world: &World, end: End, observers: &mut WatchObservers) -> Result<Exit, Failure> {
    let unseen = plan.target.as_ref().filter(|_| world.listeners.wanted().next().is_none());
    if let (Some(target), Length::Once) = (unseen, plan.length) {
        return Err(no_listener(target, world));
    }
    let verdict = observers.gate.verdict(world);
    let load = observers.command.as_ref().map(GateCommand::report);
    let document = || Document { verdict: verdict.as_ref().map(Into::into), load: load.clone(), ..Document::of(world) };
    let written = print_as(plan.form, world, document, (plan.length == Length::Once, plan.ascii));
    if let (Some(verdict), VerdictFormat::Github) = (&verdict, plan.format) {
        annotate(plan.form, &gate::annotation(verdict))?;
    }
    if let End::Signal(number) = end {
        drop(written);
        return Ok(Exit::Signal(number));
    }
    let (Written::Taken | Written::PipeClosed) = written?;
    if let Some(verdict) = verdict.filter(|verdict| verdict.failed) {
        return Err(Failure {
            message: format!("--fail-on: {}", verdict.sentence),
            hint: Some(detail_command(plan)),
            exit: Exit::Expectation,
        });
    }
    let never_there = || plan.target.as_ref().map_or_else(no_reading, |target| no_listener(target, world));
    if let Some(failure) = observers.command.as_mut().and_then(|command| command.failure(never_there)) {
        return Err(failure);
    }
    if end == End::Ended && !world.ended {
        return Err(Failure::new(
            say!("the watch broke off; what it saw until then stands above"),
            say!("this is a bug in qviz: please report it with what stands above"),
        ));
    }
    match unseen {
        // A check of a listener that was never there has not been passed.
        Some(target) if !plan.fail_on.is_empty() => Err(no_listener(target, world)),
        _ => Ok(load.and_then(|load| load.exit).map_or(Exit::Success, Exit::Command)),
    }
}

/// Nothing could be read before the command was to be started.
fn no_reading() -> Failure {
    Failure::new(say!("the watch ended before the command could be started"), say!("see: qviz doctor"))
}

/// Prints an annotation, apart from data.
fn annotate(form: Form, line: &str) -> Result<(), Failure> {
    if matches!(form, Form::Json | Form::Jsonl) {
        output::report(line.trim_end());
        return Ok(());
    }
    Output::stdout().put(|out| out.write_all(line.as_bytes())).map(drop)
}

/// The command that shows more.
fn detail_command(plan: &WatchPlan) -> String {
    let target = plan.target.as_ref().map(|target| format!(" {target}")).unwrap_or_default();
    format!("qviz watch{target}")
}

/// Prints what a watch has seen, in the form that was asked for; after one look the table and its findings.
pub(super) fn print(form: Form, world: &World, look: (bool, bool)) -> Result<Written, Failure> {
    print_as(form, world, || Document::of(world), look)
}

fn print_as(
    form: Form,
    world: &World,
    document: impl Fn() -> Document,
    (once, ascii): (bool, bool),
) -> Result<Written, Failure> {
    let marks = if ascii { Marks::Ascii } else { Marks::Unicode };
    if form == Form::Picture {
        return output::after_picture(|out| {
            out.write_all(report::text(world, marks, report_columns(WIDTH)).as_bytes())
        });
    }
    Output::stdout().put(|out| match form {
        Form::Picture | Form::Text if once => {
            out.write_all(report::once(world, marks, report_columns(WIDTH)).as_bytes())
        }
        Form::Picture | Form::Text => out.write_all(report::text(world, marks, report_columns(WIDTH)).as_bytes()),
        Form::Json => json::write(out, &document()),
        Form::Jsonl => jsonl::write(out, &document()),
    })
}

/// Namespaces in which the port that is asked for is listened on too, such as a container's: each with the command that shows it.
fn elsewhere(plan: &WatchPlan) -> Vec<String> {
    let port = match &plan.target {
        Some(Target::Port(port)) => Some(*port),
        Some(Target::Address(address)) => Some(address.port()),
        _ => None,
    };
    let Some(port) = port.filter(|_| plan.place == WatchPlace::Here) else { return Vec::new() };
    let list = NetnsList::read();
    let clock = Clock::start();
    let in_time = || clock.now() < Stamp::ZERO + LONGEST_LOOK;
    let others = list.others_listening_on(port, in_time).into_iter().take(MOST_ELSEWHERE);
    let words = others.map(|(entry, pid, within)| {
        let place = entry.name.clone().unwrap_or_else(|| format!("pid {pid}"));
        say!("port {within} is listened on in {place} too: qviz watch --pid {pid} :{within}", within, place, pid)
    });
    words.collect()
}

/// So many of them are named.
const MOST_ELSEWHERE: usize = 4;

/// So long other namespaces are looked through: the watch waits for it.
const LONGEST_LOOK: Duration = Duration::from_millis(100);

/// No listener has this address; the listeners there are, the nearest first.
fn no_listener(target: &Target, world: &World) -> Failure {
    let listeners = &world.listeners;
    let here = listeners.by_id.values().filter(|listener| listener.gone.is_none()).map(|listener| &listener.reading);
    let near = nearby::nearest(target, here);
    let named = |address| {
        let owner = listeners.by_id.values().find(|listener| &listener.reading.address == address)?.owner.as_ref()?;
        Some(format!("{address} ({})", owner.command))
    };
    let shown: Vec<_> =
        near.iter().take(4).map(|address| named(*address).unwrap_or_else(|| address.to_string())).collect();
    let more = near.len() - shown.len();
    let more = if more > 0 { say!(", and {more} more", more) } else { String::new() };
    match near.first() {
        Some(nearest) => Failure::new(
            say!(
                "nothing listens on {target} here. Listening, the nearest first: {others}{more}",
                target,
                others = shown.join(say!(", ")),
                more
            ),
            say!("qviz watch --once {nearest}, or qviz watch {target} to wait for it", nearest, target),
        ),
        None => Failure::new(
            say!("nothing listens on {target} here, nor on a port near it", target),
            say!("qviz watch {target} to wait for it, or another namespace: --netns PATH, --pid PID", target),
        ),
    }
}
