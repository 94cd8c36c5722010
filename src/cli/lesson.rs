//! `qviz lesson`: the list of lessons to choose from or in print, one of them on the screen, one or all of them checked.

use super::args::LessonArgs;
use super::exit::{Exit, Failure};
use super::output::{Output, Written};
use super::plan::{self, Form};
use crate::report::lessons::text;
use crate::say;

mod all;
mod check;
mod lookup;
mod pick;
mod picture;
mod progress;
mod scene_runner;

/// Lists, plays or checks lessons as the arguments ask for.
///
/// # Errors
/// A [`Failure`] with the next command.
pub(super) fn run(args: &LessonArgs) -> Result<Exit, Failure> {
    if args.format {
        return super::print_carried("README");
    }
    let form = form(args)?;
    let Some(name) = &args.name else {
        return match form {
            _ if args.all => all::run(args, form),
            Form::Picture => pick::run(args),
            _ => list(),
        };
    };
    let lesson = lookup::find(name)?;
    if form == Form::Picture { picture::run(&lesson, args) } else { check::run(&lesson, args, form) }
}

fn list() -> Result<Exit, Failure> {
    let lessons = lookup::everything()?;
    match Output::stdout().put(|out| text::list(out, &lessons))? {
        Written::Taken | Written::PipeClosed => Ok(Exit::Success),
    }
}

/// What comes out of a check; a lesson without a screen is one.
fn form(args: &LessonArgs) -> Result<Form, Failure> {
    let data = args.output.json || args.output.jsonl;
    if data && !args.check {
        return Err(Failure::usage(say!("--json and --jsonl tell what came of a check"), say!("add --check")));
    }
    if args.all && args.output.jsonl {
        return Err(Failure::usage(
            say!("--jsonl tells the facts of one lesson, and --all plays many at once"),
            say!("qviz lesson NAME --check --jsonl, or qviz lesson --all --check --json"),
        ));
    }
    if args.check {
        return Ok(match (args.output.json, args.output.jsonl) {
            (true, _) => Form::Json,
            (_, true) => Form::Jsonl,
            _ => Form::Text,
        });
    }
    plan::form(&args.output, super::lab::plan_env())
}
