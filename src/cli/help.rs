//! The command line in the current language: what each command, option and value is for, as `--help` and the manual page show
//! it. Names of options are the same in every language; the English texts are the doc comments in [`args`](super::args).

use std::env;
use std::ffi::OsString;
use std::io::{IsTerminal, stdout};

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use self::sheet::Sheet;
pub(super) use self::sheet::{columns, report_columns};
use super::args::Cli;
use super::config::Config;
use super::examples;
use crate::say;
use crate::text::lang::{self, Lang};

mod refusal;
mod sheet;
#[cfg(any(test, feature = "internals"))]
mod texts;

pub use self::refusal::refusal;
#[cfg(any(test, feature = "internals"))]
pub use self::texts::texts;

/// Parses the arguments, the program's name first, with the defaults of a configuration file.
///
/// # Errors
/// Help and version, which are answers, and arguments that cannot be parsed.
pub fn parse(words: Vec<OsString>, config: &Config) -> Result<Cli, clap::Error> {
    let mut command = config.applied(command());
    let mut found = command.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches_mut(&mut found).map_err(|error| error.format(&mut command))
}

/// The command line in the current language, its lines broken for this terminal.
pub fn command() -> Command {
    match lang::here() {
        Lang::English => Cli::command(),
        Lang::Chinese => translated(Sheet::of_terminal()),
    }
}

/// The same without line breaks.
pub fn unbroken() -> Command {
    match lang::here() {
        Lang::English => Cli::command(),
        Lang::Chinese => translated(Sheet::endless()),
    }
}

/// A help page or the version as it is printed: bold where the terminal can, and with the parser's own headings translated.
pub fn page(answer: &clap::Error) -> String {
    let page = answer.render();
    let plain = env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty())
        || env::var_os("TERM").is_none_or(|term| term == "dumb");
    let page = translate_frame(&page.to_string());
    if stdout().is_terminal() && !plain { with_bold_headings(&page) } else { page }
}

/// A heading stands at the line's beginning and ends with a colon; what is said of the usage follows its own on the same line.
fn with_bold_headings(page: &str) -> String {
    let usage = lang::said("Usage:");
    let bold = |line: &str| match line.strip_prefix(usage) {
        Some(rest) => format!("\x1b[1m{usage}\x1b[0m{rest}"),
        None if line.ends_with([':', '：']) && !line.starts_with(' ') => format!("\x1b[1m{line}\x1b[0m"),
        None => line.to_owned(),
    };
    page.split('\n').map(bold).collect::<Vec<_>>().join("\n")
}

fn translate_frame(page: &str) -> String {
    let page = FRAME.iter().fold(page.to_owned(), |page, frame| page.replace(frame, lang::said(frame)));
    page.split('\n').map(translate_colon).collect::<Vec<_>>().join("\n")
}

/// A heading ends with the colon of its language.
fn translate_colon(line: &str) -> String {
    match line.rsplit_once(':') {
        Some((heading, "")) if !heading.is_ascii() => format!("{heading}{}", say!(": ").trim_end()),
        _ => line.to_owned(),
    }
}

fn translated(sheet: Sheet) -> Command {
    translated_command(built_command(), sheet, sheet)
}

/// With what the parser adds by itself: `-h`, `-V`, `help`.
fn built_command() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// A command with translated texts: on its own page as wide as `sheet`, in the list of commands as wide as `beside`.
fn translated_command(command: Command, beside: Sheet, sheet: Sheet) -> Command {
    let widest = command.get_arguments().map(|arg| arg.to_string().len() + SHORT).max().unwrap_or_default();
    let options = sheet.beside(widest);
    let longest = command.get_subcommands().map(|verb| verb.get_name().len()).max().unwrap_or_default();
    let verbs = sheet.beside(longest);
    let about = command.get_about().map(|text| translate(text, beside));
    let long_about = command.get_long_about().map(|text| translate(text, sheet));
    let mut command = command.mut_args(|arg| translated_argument(arg, options, sheet));
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(about) = long_about {
        command = command.long_about(about);
    }
    if command.get_after_help().is_some() {
        command = command.after_help(sheet.lines(examples::short())).after_long_help(sheet.lines(examples::long()));
    }
    command.mut_subcommands(|verb| translated_command(verb, verbs, sheet))
}

/// An argument's texts. Its values have their names and helps in one place, where they cannot be changed: we write them ourselves.
fn translated_argument(arg: Arg, beside: Sheet, sheet: Sheet) -> Arg {
    let below = sheet.indented(BELOW);
    let short = arg.get_help().map(|text| translate(text, Sheet::endless())).unwrap_or_default();
    let long = arg.get_long_help().or_else(|| arg.get_help()).map(|text| translate(text, below)).unwrap_or_default();
    let heading = arg.get_help_heading().and_then(translation);
    let values = if arg.is_hide_possible_values_set() { Vec::new() } else { arg.get_possible_values() };
    let mut arg = arg.hide_possible_values(true);
    if let Some(heading) = heading {
        arg = arg.help_heading(heading);
    }
    if values.is_empty() {
        let differs = arg.get_long_help().is_some();
        let arg = arg.help(beside.lines(&short));
        return if differs { arg.long_help(long) } else { arg };
    }
    let names = values.iter().map(clap::builder::PossibleValue::get_name).collect::<Vec<_>>().join(", ");
    let hint = say!("[possible values: {names}]", names);
    let each = values.iter().map(|value| match value.get_help() {
        Some(help) => format!("- {}{}{}", value.get_name(), say!(": "), translate(help, Sheet::endless())),
        None => format!("- {}", value.get_name()),
    });
    let gap = sheet.gap();
    let list = [say!("Possible values:").to_owned()].into_iter().chain(each).collect::<Vec<_>>().join(gap);
    arg.help(beside.lines(&format!("{short} {hint}"))).long_help(format!("{long}\n\n{}", below.lines(&list)))
}

fn paragraphs(text: &StyledStr) -> Vec<String> {
    text.to_string()
        .split("\n\n")
        .map(|paragraph| paragraph.trim().to_owned())
        .filter(|paragraph| !paragraph.is_empty())
        .collect()
}

/// The Chinese text, where the table has one.
fn translation(english: &str) -> Option<&'static str> {
    lang::chinese().get(english).map(String::as_str)
}

fn translate(text: &StyledStr, sheet: Sheet) -> String {
    let said = |paragraph: String| {
        let text = translation(&paragraph).map_or(paragraph, str::to_owned);
        sheet.lines(&text)
    };
    paragraphs(text).into_iter().map(said).collect::<Vec<_>>().join("\n\n")
}

/// The parser's own headings around our texts.
const FRAME: [&str; 7] = ["Usage:", "Commands:", "Arguments:", "Options:", "[OPTIONS]", "[COMMAND]", "<COMMAND>"];

/// Columns before a long option: two, and four for the short one.
const SHORT: usize = 4;
/// Columns before an argument's text under its name.
const BELOW: usize = 10;

#[cfg(test)]
mod tests;
