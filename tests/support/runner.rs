//! Runs tests that need more than the library: each in a process of its own, several at once, reported as libtest reports.
//!
//! A test is a function with `case!(its_name);` above it. A test that could not be tried is counted as ignored, with the reason, and
//! the last lines say what all binaries of this `cargo test` could not run and which packages would bring it (`not_run.rs`). Words
//! on the command line choose tests by their names; `--exact`, `--skip`, `--list`, `--ignored`, `--include-ignored`, `--nocapture`
//! and `--test-threads` mean what they mean to libtest.

#![allow(dead_code, reason = "each binary uses its own part")]

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::lab::now;
use crate::needs::{Missing, NO_NETWORK, had};
use crate::not_run;
use crate::options::Options;
use crate::seeds::Seeds;
use crate::who::{self, Who};

/// One test: a claim, who tries it, and how.
pub(crate) struct Case {
    pub(crate) module: &'static str,
    pub(crate) claim: &'static str,
    pub(crate) who: Who,
    pub(crate) rule: Rule,
    pub(crate) run: fn(),
}

inventory::collect!(Case);

/// When a test runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Beside any other.
    None,
    /// Never beside another one of its file that says the same: each of them fills the machine.
    OneAtATime,
    /// Beside no other at all, so after all others: it measures the machine at its limit.
    Alone,
    /// Only when it is asked for; why.
    Ignored(&'static str),
}

/// Makes a function a test: as whoever runs the tests, or once as each of these.
macro_rules! case {
    ($claim:ident) => {
        case!($claim, as $crate::who::Who::Anybody);
    };
    ($claim:ident, one at a time) => {
        case!(@ $claim, $crate::who::Who::Anybody, $crate::runner::Rule::OneAtATime);
    };
    ($claim:ident, alone) => {
        case!(@ $claim, $crate::who::Who::Anybody, $crate::runner::Rule::Alone);
    };
    ($claim:ident, ignored because $why:literal) => {
        case!(@ $claim, $crate::who::Who::Anybody, $crate::runner::Rule::Ignored($why));
    };
    ($claim:ident, as $($who:expr),+) => {
        $(case!(@ $claim, $who, $crate::runner::Rule::None);)+
    };
    (@ $claim:ident, $who:expr, $rule:expr) => {
        inventory::submit! {
            $crate::runner::Case {
                module: module_path!(),
                claim: stringify!($claim),
                who: $who,
                rule: $rule,
                run: || $crate::runner::Ended::end($claim()),
            }
        }
    };
}

impl Case {
    /// `matrix::real_clients`, `namespace::root::the_network_ends_with_its_process`
    fn title(&self) -> String {
        let module = self.module.split_once("::").map_or("", |(_, module)| module);
        let parts = [module, &self.who.name(), self.claim];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("::")
    }
}

/// What a test function returns.
pub(crate) trait Ended {
    /// Ends the test if something was missing.
    fn end(self);
}

impl Ended for () {
    fn end(self) {}
}

impl Ended for Result<(), Missing> {
    fn end(self) {
        had(self);
    }
}

/// How a test ended, with what it said.
enum Outcome {
    Passed(String),
    Failed(String),
    NotRun(Missing),
    Left(&'static str),
}

/// The whole run; or, in a test's own process, that test.
pub(crate) fn run(at_once: usize) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut cases: Vec<&Case> = inventory::iter::<Case>.into_iter().collect();
    // Those that wait for each other begin first.
    cases.sort_by_key(|case| (case.rule != Rule::OneAtATime, case.title()));
    match arguments.as_slice() {
        [flag, title] if flag == RUN => run_here(cases.iter().find(|case| case.title() == *title)),
        [flag] if flag == who::TRY_NETWORK => who::try_network(),
        _ => run_chosen(&cases, &Options::read(&arguments, at_once)),
    }
}

/// The command that runs the present test again, in a process that has been prepared for it. It is handed on by `exec "$@"`.
pub(crate) fn again() -> [String; 3] {
    let program = std::env::current_exe().expect("the test's own program");
    let title = std::env::args().nth(2).expect("a test runs with its name");
    [program.into_os_string().into_string().expect("text"), RUN.to_owned(), title]
}

/// What became of a test that was run [`again`]; ends the present one as that ended.
#[track_caller]
pub(crate) fn as_it_ended(command: &mut Command) {
    let output = command.output().expect("the test runs again");
    let words = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    match output.status.code() {
        Some(0) => print!("{}", words[0]),
        Some(code) if code == i32::from(MISSING) => Missing::read(&words[1]).end(),
        _ => panic!("{:?}: {}{}", output.status, words[0], words[1]),
    }
}

fn run_chosen(cases: &[&Case], options: &Options) -> ExitCode {
    let chosen: Vec<&Case> = cases
        .iter()
        .copied()
        .filter(|case| options.choose(&case.title(), matches!(case.rule, Rule::Ignored(_))))
        .collect();
    if options.list {
        for case in &chosen {
            println!("{}: test", case.title());
        }
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", chosen.len());
    let seeds = Seeds::of_this_run();
    println!("{seeds}");
    let runner = Runner::new(&chosen, options, seeds);
    let queue = Queue::of(&chosen);
    let counts = Mutex::new([0_usize; 3]);
    std::thread::scope(|scope| {
        for _ in 0..options.threads.min(chosen.len()) {
            scope.spawn(|| {
                while let Some(case) = queue.next() {
                    let began = now();
                    let outcome = runner.outcome(case);
                    queue.is_over(case);
                    locked(&counts)[report(&case.title(), &outcome, began.elapsed())] += 1;
                }
            });
        }
    });
    let [passed, failed, ignored] = *locked(&counts);
    let (word, out) = (if failed == 0 { "ok" } else { "FAILED" }, cases.len() - chosen.len());
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; {out} filtered out\n"
    );
    print!("{}", not_run::summary());
    ExitCode::from(if failed > 0 { 101 } else { 0 })
}

/// Says how a test ended; the index of its count.
fn report(title: &str, outcome: &Outcome, span: Duration) -> usize {
    match outcome {
        Outcome::Passed(words) if span > LONG => {
            println!("{words}test {title} ... ok <{:.1} s>", span.as_secs_f64());
            0
        }
        Outcome::Passed(words) => {
            println!("{words}test {title} ... ok");
            0
        }
        Outcome::Failed(words) => {
            println!("test {title} ... FAILED\n{words}");
            1
        }
        Outcome::NotRun(missing) => {
            not_run::note(missing);
            println!("test {title} ... ignored, {missing}");
            2
        }
        Outcome::Left(why) => {
            println!("test {title} ... ignored, {why}");
            2
        }
    }
}

/// The tests that have not begun, the files of which one that fills the machine runs, and how many run.
struct Queue<'a> {
    state: Mutex<(VecDeque<&'a Case>, BTreeSet<&'static str>, usize)>,
    freed: Condvar,
}

impl<'a> Queue<'a> {
    fn of(chosen: &[&'a Case]) -> Self {
        Self { state: Mutex::new((chosen.iter().copied().collect(), BTreeSet::new(), 0)), freed: Condvar::new() }
    }

    /// The next test that may begin; waits until there is one. `None`: all have begun.
    fn next(&self) -> Option<&'a Case> {
        let mut state = locked(&self.state);
        loop {
            let (waiting, busy, running) = &mut *state;
            if waiting.is_empty() {
                return None;
            }
            // One that runs alone begins last, so none is waiting but others that run alone.
            let may_begin = |case: &&Case| match case.rule {
                Rule::OneAtATime => !busy.contains(case.module),
                Rule::Alone => *running == 0 && waiting.iter().all(|other| other.rule == Rule::Alone),
                Rule::None | Rule::Ignored(_) => true,
            };
            if let Some(at) = waiting.iter().position(may_begin) {
                let case = waiting.remove(at)?;
                *running += 1;
                if case.rule == Rule::OneAtATime {
                    busy.insert(case.module);
                }
                return Some(case);
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn is_over(&self, case: &Case) {
        let mut state = locked(&self.state);
        state.2 -= 1;
        if case.rule == Rule::OneAtATime {
            state.1.remove(case.module);
        }
        self.freed.notify_all();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all tests of a run have in common.
struct Runner {
    program: PathBuf,
    /// The program where an ordinary user can reach it, and the directory that holds it.
    public: Option<(PathBuf, tempfile::TempDir)>,
    no_network: Option<String>,
    include_ignored: bool,
    capture: bool,
    seeds: Seeds,
}

impl Runner {
    fn new(chosen: &[&Case], options: &Options, seeds: Seeds) -> Self {
        let program = std::env::current_exe().expect("the tests' own program");
        let others = chosen.iter().any(|case| case.who.is_another());
        let public = others.then(|| program_for_everybody(&program));
        let no_network = who::network_refused(&program);
        let (include_ignored, capture) = (options.include_ignored(), options.capture);
        Self { program, public, no_network, include_ignored, capture, seeds }
    }

    /// Runs a test in a process of its own, as who it asks for.
    fn outcome(&self, case: &Case) -> Outcome {
        if let Rule::Ignored(why) = case.rule
            && !self.include_ignored
        {
            return Outcome::Left(why);
        }
        let public = self.public.as_ref().filter(|_| case.who.is_another());
        let program = public.map_or(&self.program, |(program, _)| program);
        let mut command = match case.who.command(program) {
            Ok(command) => command,
            Err(missing) => return required(missing),
        };
        command.arg(RUN).arg(case.title()).stdin(Stdio::null());
        command.env(not_run::FILE, not_run::file()).envs(self.seeds.variables());
        command.envs(self.no_network.as_ref().map(|why| (NO_NETWORK, why)));
        if !self.capture {
            let status = command.status();
            return if status.is_ok_and(|status| status.success()) {
                Outcome::Passed(String::new())
            } else {
                Outcome::Failed(String::new())
            };
        }
        let output = match command.output() {
            Ok(output) => output,
            Err(error) => return Outcome::Failed(format!("{}: {error}", self.program.display())),
        };
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match output.status.code() {
            Some(0) => Outcome::Passed(out),
            Some(code) if code == i32::from(MISSING) => required(Missing::read(&err)),
            _ => Outcome::Failed(format!("{out}{err}{}", output.status)),
        }
    }
}

/// What is missing here may be missing, unless it is required that everything is tried.
fn required(missing: Missing) -> Outcome {
    if missing.is_optional || std::env::var_os("QVIZ_REQUIRE_LAB").is_none_or(|value| value != "1") {
        Outcome::NotRun(missing)
    } else {
        Outcome::Failed(format!("QVIZ_REQUIRE_LAB=1, but: {missing}"))
    }
}

/// Runs a test in this very process, and tells by the exit code whether something was missing.
fn run_here(case: Option<&&Case>) -> ExitCode {
    let Some(case) = case else {
        eprintln!("there is no such test");
        return ExitCode::FAILURE;
    };
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Missing>() {
            usual(info);
        }
    }));
    match std::panic::catch_unwind(case.run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(payload) => match payload.downcast_ref::<Missing>() {
            Some(missing) => {
                eprintln!("\n{}", missing.written());
                ExitCode::from(MISSING)
            }
            None => ExitCode::from(101),
        },
    }
}

/// A copy of this program in a place that an ordinary user can reach.
fn program_for_everybody(program: &Path) -> (PathBuf, tempfile::TempDir) {
    use std::os::unix::fs::PermissionsExt as _;
    let place = tempfile::tempdir().expect("a place for a copy");
    let copy = place.path().join("tests");
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).expect("one's own directory");
    std::fs::copy(program, &copy).expect("a copy of the tests' own program");
    (copy, place)
}

/// The argument by which a test's own process is started.
const RUN: &str = "--run-case";
/// Longer ones say how long they took.
const LONG: Duration = Duration::from_secs(5);
/// The exit code of a test that cannot be tried here.
const MISSING: u8 = 77;
