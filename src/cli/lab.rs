//! The lab, from plan to summary. The order matters: sysctls of the host, private network, and only then threads.

use std::io::IsTerminal;
use std::path::Path;

use rustix::io::Errno;

use super::args::{Color, LabArgs, OutputArgs, ProgramArgs};
use super::defaults;
use super::environment::RunEnvironment;
use super::exit::{Exit, Failure};
use super::headless::{self, End, Outputs, Signals};
use super::help::report_columns;
use super::log;
use super::output::{self, Output, Written};
use super::plan::{self, Form, LabPlan, PlanEnv};
use crate::fold::world::World;
use crate::kernel::proc;
use crate::lab::server::raise_descriptor_limit;
use crate::model::command::Command;
use crate::model::settings::{Arrivals, Knobs, Sysctls};
use crate::model::stamp::Stamp;
use crate::report::summary::Summary;
use crate::report::text::{Marks, WIDTH};
use crate::report::{json, jsonl, text};
use crate::say;
use crate::scenario::Script;
use crate::session::Session;
use crate::session::live::LabSite;
use crate::session::live::{self, LivePlan, Past};
use crate::session::observer::EventObserver;
use crate::session::recording::record::{self, Recorder};
use crate::session::recording::{Header, RecordingError};
use crate::ui::{self, ColorChoice, ExitReason, LessonLoop, UiPlan};

/// Runs the lab as the arguments ask for.
///
/// # Errors
/// A [`Failure`] with the next command.
pub(super) fn run(args: &LabArgs) -> Result<Exit, Failure> {
    carry_out(&LabPlan::new(args, plan_env())?, args)
}

/// Runs a program of the user's as the lab's server.
///
/// # Errors
/// A [`Failure`] with the next command.
pub(super) fn run_program(args: &ProgramArgs) -> Result<Exit, Failure> {
    carry_out(&LabPlan::of_program(args, plan_env())?, &args.lab)
}

fn carry_out(plan: &LabPlan, args: &LabArgs) -> Result<Exit, Failure> {
    if let Some(path) = &args.run.log {
        log::begin(path)?;
    }
    tracing::info!(?plan, "planned");
    enough_descriptors()?;
    let recorder = recorder(plan.record.as_deref())?;
    let host = proc::read_sysctls();
    let environment = RunEnvironment::find(plan, &host)?;
    let runtime = runtime()?;
    runtime.block_on(live_run(plan, environment, host, recorder))
}

/// Opens the file of the requested recording.
pub(super) fn recorder(path: Option<&Path>) -> Result<Option<Recorder>, Failure> {
    path.map(|path| Recorder::open(path, record::LIMIT)).transpose().map_err(|error| recording_failure(&error))
}

/// What waits for facts, keys and signals; one thread.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(say!("cannot start the runtime: {error}", error), say!("see the limits of this shell: ulimit -a"))
    })
}

/// Tries out whether there are enough file descriptors for a lab: later each part would fail with a message of its own.
pub(super) fn enough_descriptors() -> Result<(), Failure> {
    raise_descriptor_limit();
    let mut held = Vec::with_capacity(DESCRIPTORS);
    for _ in 0..DESCRIPTORS {
        match rustix::io::dup(rustix::stdio::stderr()) {
            Ok(descriptor) => held.push(descriptor),
            Err(errno @ (Errno::MFILE | Errno::NFILE)) => {
                return Err(Failure::new(
                    say!(
                        "a lab needs {needed} more open files, and only {left} are left: {error}",
                        needed = DESCRIPTORS,
                        left = held.len(),
                        error = std::io::Error::from(errno)
                    ),
                    say!("raise the limit of open files: ulimit -n 4096"),
                ));
            }
            Err(_) => break,
        }
    }
    Ok(())
}

async fn live_run(
    plan: &LabPlan,
    environment: RunEnvironment,
    host: Sysctls,
    recorder: Option<Recorder>,
) -> Result<Exit, Failure> {
    if plan.form != Form::Picture {
        for remark in remarks(plan, &environment) {
            output::report(say!("note: {remark}", remark));
        }
    }
    let (knobs, script) = initial_state(plan);
    let mut session = live::start(LivePlan {
        capture: plan.capture.clone(),
        knobs,
        clients: environment.clients,
        address: plan.address,
        seed: plan.seed,
        count: plan.count,
        duration: plan.duration,
        site: environment.place,
        script,
        host,
        sysctls: Sysctls::default(),
        programs: plan.programs.clone(),
        past: Past::default(),
    })
    .map_err(|error| Failure { message: error.to_string(), hint: Some(error.hint()), exit: Exit::Error })?;
    tracing::info!("the listener is ready");
    if let Some(recorder) = recorder {
        session.record(recorder, &Header::new(Some(plan::repeat(&arguments(), plan.seed))));
    }
    let mut world = World::new();
    let end = if plan.form == Form::Picture {
        let look = UiPlan {
            ascii: plan.ascii,
            color: color(plan.color),
            theme: plan.theme.clone(),
            projector: plan.projector,
            mouse: plan.mouse,
            class: false,
        };
        picture(&mut session, &mut world, &look, &mut (), None).await?
    } else {
        let mut signals = Signals::take()?;
        let mut lines = (plan.form == Form::Jsonl).then(Output::stdout);
        let outputs = Outputs { lines: lines.as_mut(), observer: &mut () };
        headless::follow(&mut session, &mut world, &mut signals, outputs).await?
    };
    tracing::info!(?end, "ended");
    let exit = conclude(plan, &world, end)?;
    match session.recording_failure() {
        Some(failure) if exit == Exit::Success => Err(recording_failure(failure)),
        _ => Ok(exit),
    }
}

/// A recording's error as the program's.
pub(super) fn recording_failure(error: &RecordingError) -> Failure {
    Failure::new(error.to_string(), error.hint())
}

/// The knobs and the script at the start: with a delay no client arrives until the script starts them.
fn initial_state(plan: &LabPlan) -> (Knobs, Script) {
    let knobs = plan.knobs.clone();
    if plan.delay.is_zero() {
        return (knobs, Script::default());
    }
    let at = Stamp::ZERO + plan.delay;
    // The pattern before the rate: steady arrivals would begin at once.
    let script = Script::new(vec![(at, Command::Arrivals(knobs.arrivals)), (at, Command::Rate(knobs.rate))]);
    (Knobs { rate: 0.0, arrivals: Arrivals::Steady, ..knobs }, script)
}

/// Shows the picture until the user leaves, then takes the session's last facts.
pub(super) async fn picture(
    session: &mut Session,
    world: &mut World,
    look: &UiPlan,
    observer: &mut dyn EventObserver,
    lesson_loop: Option<LessonLoop<'_>>,
) -> Result<End, Failure> {
    let reason = ui::run(session, world, look, observer, lesson_loop)
        .await
        .map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    session.send(Command::Stop);
    headless::finish(session, world, &mut Signals::take()?, Outputs { lines: None, observer }).await?;
    Ok(match reason {
        ExitReason::Quit | ExitReason::Ended => End::Ended,
        ExitReason::Signal(number) => End::Signal(u8::try_from(number).unwrap_or(SIGHUP)),
        ExitReason::TerminalGone => End::Signal(SIGHUP),
    })
}

/// How these options want the picture to look.
pub(super) fn ui_plan(output: &OutputArgs) -> UiPlan {
    UiPlan {
        ascii: output.ascii,
        color: color(output.color.unwrap_or_default()),
        theme: output.theme.clone().unwrap_or_else(|| defaults::THEME.to_owned()),
        projector: output.projector,
        mouse: !output.no_mouse,
        class: false,
    }
}

/// The same choice as the picture's type.
pub(super) const fn color(choice: Color) -> ColorChoice {
    match choice {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

/// Prints a summary in the form that was asked for.
pub(super) fn print(form: Form, summary: &Summary, ascii: bool) -> Result<Written, Failure> {
    let marks = if ascii { Marks::Ascii } else { Marks::Unicode };
    if form == Form::Picture {
        return output::after_picture(|out| text::write(out, summary, marks, report_columns(WIDTH)));
    }
    Output::stdout().put(|out| match form {
        Form::Picture | Form::Text => text::write(out, summary, marks, report_columns(WIDTH)),
        Form::Json => json::write(out, summary),
        Form::Jsonl => jsonl::write(out, summary),
    })
}

/// Prints the summary and says how the run ended.
fn conclude(plan: &LabPlan, world: &World, end: End) -> Result<Exit, Failure> {
    let mut summary = Summary::of(world);
    summary.repeat = Some(plan::repeat(&arguments(), plan.seed));
    let written = print(plan.form, &summary, plan.ascii);
    if let End::Signal(number) = end {
        drop(written);
        return Ok(Exit::Signal(number));
    }
    let (Written::Taken | Written::PipeClosed) = written?;
    if end == End::Ended && !world.ended {
        return Err(Failure::new(
            say!("the lab broke off; what it counted until then stands above"),
            say!("this is a bug in qviz: please report it with what stands above"),
        ));
    }
    Ok(Exit::Success)
}

/// What a person should know before the run begins.
fn remarks(plan: &LabPlan, environment: &RunEnvironment) -> Vec<String> {
    let mut remarks = environment.remarks.clone();
    let ends_with_load = plan.programs.as_ref().is_some_and(|programs| programs.ends_with_load);
    let endless = plan.duration.is_none() && plan.count.is_none() && !ends_with_load;
    if endless {
        remarks.push(
            say!("no --duration and no --count: the run lasts until SIGINT or SIGTERM, its summary comes then")
                .to_owned(),
        );
    }
    if matches!(environment.place, LabSite::Host { .. }) && !plan.wire_options.is_empty() {
        remarks.push(say!("no effect on the host's loopback: {options}", options = plan.wire_options.join(" ")));
    }
    remarks
}

pub(super) fn plan_env() -> PlanEnv {
    let controlling = || std::fs::File::open("/dev/tty").is_ok();
    // A dumb terminal moves no cursor: a picture would be a heap of letters there.
    let draws = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    PlanEnv { screen: std::io::stdout().is_terminal() && draws, keys: std::io::stdin().is_terminal() || controlling() }
}

/// The command line without the program's name.
pub(super) fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Open files that a lab needs for itself and its first clients.
const DESCRIPTORS: usize = 24;

/// Hangup: the terminal has gone.
pub(super) const SIGHUP: u8 = 1;
