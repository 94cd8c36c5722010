//! Every lesson checked, each in a process of its own, because each enters a private network of its own; several at once, because they
//! mostly wait.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{check, lookup};
use crate::cli::args::LessonArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::headless::Signals;
use crate::cli::lab;
use crate::cli::output::{Output, Written};
use crate::cli::plan::Form;
use crate::kernel::proc;
use crate::report::json;
use crate::report::lessons::{Decided, LessonsDocument, Played, text};
use crate::say;
use crate::scenario::lesson::Lesson;
use crate::session::clock::Clock;
use crate::text::lang;

/// Checks all lessons and prints the results.
///
/// # Errors
/// A [`Failure`] where processes cannot be started, or where stdout cannot be written to.
pub(super) fn run(args: &LessonArgs, form: Form) -> Result<Exit, Failure> {
    let lessons = lookup::all()?;
    let clock = Clock::start();
    let mut check_run = CheckRun { results: lessons.iter().map(|_| None).collect(), lessons, printed: 0, form };
    let signal = lab::runtime()?.block_on(check_run.run_all())?;
    check_run.print_ready()?;
    let document = check_run.document(clock.now().as_secs_f64());
    let written = Output::stdout().put(|out| match form {
        Form::Json | Form::Jsonl => json::write(out, &document),
        Form::Text | Form::Picture => text::closing(out, &document),
    });
    if let Some(number) = signal {
        return Ok(Exit::Signal(number));
    }
    let (Written::Taken | Written::PipeClosed) = written?;
    Ok(check::outcome(&document, args.allow_skips))
}

/// What came of one lesson.
type Outcome = (Played, Vec<Decided>);

struct CheckRun {
    lessons: Vec<Arc<Lesson>>,
    results: Vec<Option<Outcome>>,
    /// How many results were printed already, where each is printed as it comes.
    printed: usize,
    form: Form,
}

impl CheckRun {
    /// Lets all of them be played, those that may take long first. The number of the signal that ended it, if one did: then the
    /// processes that still run are killed.
    async fn run_all(&mut self) -> Result<Option<u8>, Failure> {
        let mut signals = Signals::take()?;
        let mut waiting: Vec<_> = (0..self.lessons.len()).collect();
        waiting.sort_by_key(|index| std::cmp::Reverse(longest(&self.lessons[*index])));
        let mut waiting = VecDeque::from(waiting);
        let mut running = JoinSet::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(index) = waiting.pop_front()
            {
                let lesson = Arc::clone(&self.lessons[index]);
                running.spawn(async move { (index, check_one(&lesson).await) });
            }
            tokio::select! {
                biased;
                number = signals.next() => return Ok(Some(number)),
                ended = running.join_next() => {
                    let Some(ended) = ended else { return Ok(None) };
                    let (index, result) = ended.map_err(|error| Failure::new(error.to_string(), "qviz lesson --all --check"))?;
                    self.results[index] = Some(result);
                    self.print_ready()?;
                }
            }
        }
    }

    /// Prints the results of the lessons that have ended, in their order.
    fn print_ready(&mut self) -> Result<(), Failure> {
        while self.form == Form::Text
            && let Some(Some((played, claims))) = self.results.get(self.printed)
        {
            let (Written::Taken | Written::PipeClosed) =
                Output::stdout().put(|out| text::lesson(out, played, claims.iter()))?;
            self.printed += 1;
        }
        Ok(())
    }

    fn document(self, lasted: f64) -> LessonsDocument {
        let (mut played, mut claims) = (Vec::new(), Vec::new());
        for (lesson, result) in self.lessons.iter().zip(self.results) {
            let (outcome, decided) =
                result.unwrap_or_else(|| (Played::skipped(lesson, say!("a signal ended it")), Vec::new()));
            played.push(outcome);
            claims.extend(decided);
        }
        LessonsDocument::new(Some(proc::kernel_release()), lasted, played, claims)
    }
}

/// Checks one lesson in a process of its own, which is killed when this future is dropped.
async fn check_one(lesson: &Lesson) -> Outcome {
    let clock = Clock::start();
    let broken =
        |what: &str, why: &str| (Played::broken(lesson, clock.now().as_secs_f64(), what.to_owned(), why), Vec::new());
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return broken(say!("its process can be started"), &error.to_string()),
    };
    let child = tokio::process::Command::new(program)
        .args(["lesson", &lesson.name, "--check", "--json", "--lang", lang::here().name()])
        .args(["--attended", &std::process::id().to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let deadline = longest(lesson) + SLACK;
    let output = match tokio::time::timeout(deadline, child).await {
        Err(_) => {
            return broken(
                say!("it comes to its end in time"),
                &say!("{seconds} s at most", seconds = deadline.as_secs()),
            );
        }
        Ok(Err(error)) => return broken(say!("its process can be started"), &error.to_string()),
        Ok(Ok(output)) => output,
    };
    let document = serde_json::from_slice::<LessonsDocument>(&output.stdout).ok();
    let result = document.and_then(|document| Some((document.lessons.into_iter().next()?, document.claims)));
    result.unwrap_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        broken(say!("it comes to its end"), &if said.is_empty() { output.status.to_string() } else { said })
    })
}

/// How long a lesson may take if nothing in it comes before its time is over.
fn longest(lesson: &Lesson) -> Duration {
    let steps = lesson.scenes.iter().flat_map(|scene| &scene.steps);
    steps.map(|step| if step.until.is_some() { step.within.max(step.after) } else { step.after }).sum()
}

/// Lessons mostly wait; so many leave two processors calm.
const AT_ONCE: usize = 8;

/// What opening the scenes, and a busy machine, may take on top.
const SLACK: Duration = Duration::from_secs(30);
