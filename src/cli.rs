//! ARGUMENTS → PLAN: arguments, plan, exit codes, completions, man page. Start at [`run`].

use std::process::ExitCode;

use self::args::CliCommand;
use self::config::Config;
use self::exit::{Exit, Failure};
use self::output::{Output, Written};
use crate::experiment::child;
use crate::lab::program::init;
use crate::text::carried;
use crate::text::lang::speak;

pub mod args;
pub mod completions;
pub mod config;
mod containers;
pub mod defaults;
mod demo;
pub mod doctor;
mod environment;
pub mod examples;
pub mod exit;
pub mod explain;
mod gate;
mod headless;
pub mod help;
mod lab;
pub mod lang;
mod lesson;
mod log;
pub mod man;
mod metrics;
pub mod output;
pub mod plan;
mod replay;
mod sweep;
mod tune;
pub mod values;
mod version;
mod watch;

/// The whole program: parses the arguments, carries them out, returns the exit status. Call it while the process has one thread.
pub fn run() -> ExitCode {
    // The child processes of an experiment are this program, too.
    if let Some(played) =
        child::run_as_child(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()))
    {
        return played;
    }
    if let Some(done) = init::run_as_child(std::env::args_os().skip(1)) {
        return done;
    }
    match dispatch() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::report(&failure);
            failure.exit.into()
        }
    }
}

fn dispatch() -> Result<Exit, Failure> {
    let mut arguments = std::env::args_os();
    let (program, arguments) = (arguments.next().unwrap_or_else(|| "qviz".into()), arguments.collect::<Vec<_>>());
    let variable = |name: &str| std::env::var_os(name);
    speak(lang::requested(&arguments, variable));
    let config = Config::read(&arguments, variable, &help::unbroken(), help::refusal)?;
    let arguments = config::without_options(&arguments);
    if let Some(named) = config.value("lang") {
        // What stands on the command line comes later, and is stronger.
        let with_default = [vec!["--lang".into(), named.into()], arguments.clone()].concat();
        speak(lang::requested(&with_default, variable));
    }
    let cli = match help::parse([vec![program], lang::with_option_last(&arguments)].concat(), &config) {
        Ok(cli) => cli,
        Err(error) => return print_parse_result(&error),
    };
    match cli.verb {
        None => lab::run(&cli.lab),
        Some(CliCommand::Run(args)) => lab::run_program(&args),
        Some(CliCommand::Watch(args)) => watch::run(&args),
        Some(CliCommand::Sweep(args)) => sweep::run(&args),
        Some(CliCommand::Tune(args)) => tune::run(&args),
        Some(CliCommand::Lesson(args)) => lesson::run(&args),
        Some(CliCommand::Replay(args)) => replay::run(&args),
        Some(CliCommand::Demo(args)) => demo::run(&args),
        Some(CliCommand::Explain { topic }) => explain(&topic.join(" ")),
        Some(CliCommand::Doctor { json }) => doctor::run(json),
        Some(CliCommand::Config) => print(config.text().as_bytes()),
        Some(CliCommand::Completions { shell }) => print(&completions::script(shell)),
        Some(CliCommand::Man { command }) => print(&man::page(command.as_deref())?),
    }
}

/// Help and version are answers; everything else is a usage error.
fn print_parse_result(error: &clap::Error) -> Result<Exit, Failure> {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
    match exit {
        Exit::Usage => output::report(help::refusal(error)),
        _ => return print(help::page(error).as_bytes()),
    }
    Ok(exit)
}

fn explain(topic: &str) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    output::check_written(explain::write(&mut text, topic)?)?;
    print(&text)
}

/// A reader that has seen enough is no error.
fn print(text: &[u8]) -> Result<Exit, Failure> {
    match Output::stdout().put(|out| out.write_all(text))? {
        Written::Taken | Written::PipeClosed => Ok(Exit::Success),
    }
}

/// A file that the program carries.
fn print_carried(name: &str) -> Result<Exit, Failure> {
    print(carried::TEXTS.text(name).unwrap_or_default().as_bytes())
}
