//! One lesson without a picture: it is played by itself, its expectations are checked and its claims decided.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::scene_runner::SceneRunner;
use crate::cli::args::LessonArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::headless::{self, Outputs, Signals};
use crate::cli::lab;
use crate::cli::output::{self, Output, Written};
use crate::cli::plan::{self, Form};
use crate::fold::world::World;
use crate::kernel::proc;
use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::report::lessons::{Decided, LessonsDocument, Played, text};
use crate::report::{json, jsonl};
use crate::say;
use crate::scenario::lesson::Lesson;
use crate::scenario::player::{PlayMode, Player, PlayerAction};
use crate::session::clock::Clock;
use crate::session::live::{LiveError, Past};
use crate::session::recording::Header;
use crate::session::recording::record::Recorder;
use crate::session::{Session, rest};

/// Checks a lesson and prints the result.
///
/// # Errors
/// A [`Failure`] where it could not be played to its end, or where stdout cannot be written to.
pub(super) fn run(lesson: &Arc<Lesson>, args: &LessonArgs, form: Form) -> Result<Exit, Failure> {
    if let Some(parent) = args.attended {
        follow(parent)?;
    }
    lab::enough_descriptors()?;
    let recorder = lab::recorder(args.record.as_deref())?;
    let kernel = Some(proc::kernel_release());
    let scenes = match SceneRunner::enter(lesson) {
        Ok(scenes) => scenes,
        Err(refusal) => {
            let why = say!("no private network: {refusal}. To get it: {hint}", refusal, hint = refusal.hint());
            let document = LessonsDocument::new(kernel, 0.0, vec![Played::skipped(lesson, why)], Vec::new());
            return print_document(&document, form, args.allow_skips);
        }
    };
    if let Some(obstacle) = scenes.obstacle() {
        let why = say!("{obstacle}. To get it: {hint}", obstacle, hint = obstacle.hint());
        let document = LessonsDocument::new(kernel, 0.0, vec![Played::skipped(lesson, why)], Vec::new());
        return print_document(&document, form, args.allow_skips);
    }
    let runtime = lab::runtime()?;
    let clock = Clock::start();
    let lines = (form == Form::Jsonl).then(Output::stdout);
    let player = Player::new(Arc::clone(lesson), PlayMode::Check);
    let mut lesson_run =
        LessonRun { scenes, player, clock, world: World::new(), session: None, pending: Vec::new(), lines, recorder };
    let end = runtime.block_on(lesson_run.through())?;
    let lasted = clock.now().as_secs_f64();
    let (outcome, claims) = match end {
        End::Over => (Played::of(&lesson_run.player, lasted), Decided::of(&lesson_run.player)),
        End::Signal(_) => (Played::skipped(lesson, say!("a signal ended it")), Vec::new()),
    };
    drop(lesson_run);
    let exit = print_document(&LessonsDocument::new(kernel, lasted, vec![outcome], claims), form, args.allow_skips);
    if let End::Signal(number) = end { Ok(Exit::Signal(number)) } else { exit }
}

/// From now on this process ends with the one that asked for it.
fn follow(parent: u32) -> Result<(), Failure> {
    let set = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
    set.map_err(|error| Failure::new(say!("cannot follow the parent process: {error}", error), "qviz doctor"))?;
    // It may have ended before the call.
    if rustix::process::getppid().is_some_and(|present| present.as_raw_pid().cast_unsigned() == parent) {
        return Ok(());
    }
    Err(Failure::new(say!("the process that asked for this check has ended"), "qviz lesson --all --check"))
}

/// Prints the document and returns the exit code.
pub(super) fn print_document(document: &LessonsDocument, form: Form, allow_skips: bool) -> Result<Exit, Failure> {
    let written = Output::stdout().put(|out| match form {
        Form::Json => json::write(out, document),
        Form::Jsonl => jsonl::write(out, document),
        Form::Text | Form::Picture => text::write(out, document),
    });
    let (Written::Taken | Written::PipeClosed) = written?;
    Ok(outcome(document, allow_skips))
}

/// How the program ends after this.
pub(super) const fn outcome(document: &LessonsDocument, allow_skips: bool) -> Exit {
    if document.failed > 0 || (document.skipped > 0 && !allow_skips) { Exit::Expectation } else { Exit::Success }
}

/// How a lesson came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By itself.
    Over,
    /// By this signal.
    Signal(u8),
}

/// A lesson in play, and everything that its moves need.
struct LessonRun {
    scenes: SceneRunner,
    player: Player,
    clock: Clock,
    world: World,
    session: Option<Session>,
    /// Facts that were emitted while there was no session.
    pending: Vec<Stamped>,
    lines: Option<Output>,
    recorder: Option<Recorder>,
}

impl LessonRun {
    /// Plays it to its end.
    async fn through(&mut self) -> Result<End, Failure> {
        let mut signals = Signals::take()?;
        let moves = self.player.begin();
        self.carry_out(moves, &mut signals).await?;
        while !self.player.is_over() {
            let Some(session) = &mut self.session else { return Err(broken_off()) };
            let now = self.clock.now();
            let pause = self.player.wake(now).map_or(LONGEST, |at| at.since(now));
            tokio::select! {
                biased;
                number = signals.next() => {
                    self.end_scene(&mut signals).await?;
                    return Ok(End::Signal(number));
                }
                facts = session.next() => match facts {
                    Some(facts) => self.fold(&facts)?,
                    None => return Err(broken_off()),
                },
                () = rest(pause) => {}
            }
            let moves = self.player.turn(&self.world, self.clock.now());
            self.carry_out(moves, &mut signals).await?;
        }
        self.end_scene(&mut signals).await?;
        match self.session.as_ref().and_then(Session::recording_failure) {
            Some(failure) => Err(lab::recording_failure(failure)),
            None => Ok(End::Over),
        }
    }

    async fn carry_out(&mut self, moves: Vec<PlayerAction>, signals: &mut Signals) -> Result<(), Failure> {
        for next in moves {
            match (next, &mut self.session) {
                (PlayerAction::Emit(fact), Some(session)) => session.emit(Event::Lesson(fact)),
                (PlayerAction::Emit(fact), None) => {
                    self.pending.push(Stamped { at: self.clock.now(), event: Event::Lesson(fact) });
                }
                (PlayerAction::Send(command), Some(session)) => session.send(command),
                (PlayerAction::Send(_), None) | (PlayerAction::Over, _) => {}
                (PlayerAction::Open(scene), _) => self.open(scene, signals).await?,
            }
        }
        Ok(())
    }

    async fn open(&mut self, scene: usize, signals: &mut Signals) -> Result<(), Failure> {
        self.end_scene(signals).await?;
        let past = Past { clock: Some(self.clock), pending: std::mem::take(&mut self.pending), ..Past::default() };
        let mut next = self.scenes.open(scene, past).map_err(|error| failure(&error))?;
        if let Some(recorder) = self.recorder.take() {
            next.record(recorder, &Header::new(Some(plan::command(&lab::arguments()))));
        } else if let Some(before) = &mut self.session {
            next.record_on(before);
        }
        self.session = Some(next);
        Ok(())
    }

    /// Ends the present session and takes its last facts.
    async fn end_scene(&mut self, signals: &mut Signals) -> Result<(), Failure> {
        let Some(session) = &mut self.session else { return Ok(()) };
        session.send(Command::Stop);
        let outputs = Outputs { lines: self.lines.as_mut(), observer: &mut () };
        headless::finish(session, &mut self.world, signals, outputs).await
    }

    fn fold(&mut self, facts: &[Stamped]) -> Result<(), Failure> {
        let mut outputs = Outputs { lines: self.lines.as_mut(), observer: &mut () };
        let (Written::Taken | Written::PipeClosed) = outputs.take(&mut self.world, facts)?;
        for fact in facts {
            if let Event::Refused { message } = &fact.event {
                output::report(say!("note: {remark}", remark = message));
            }
        }
        Ok(())
    }
}

/// Why a scene could not be opened.
pub(super) fn failure(error: &LiveError) -> Failure {
    Failure { message: error.to_string(), hint: Some(error.hint()), exit: Exit::Error }
}

fn broken_off() -> Failure {
    Failure::new(
        say!("the lab broke off in the middle of the lesson"),
        say!("this is a bug in qviz: please report it with what stands above"),
    )
}

/// Nothing is waited for longer than this without looking.
const LONGEST: Duration = Duration::from_secs(1);
