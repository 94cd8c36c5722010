//! Completions for shells: commands, options and their values, the names that only qviz knows (lessons, topics, recordings), and the
//! listeners that are there.

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};
use clap_complete_nushell::Nushell;

use super::args::{Cli, CompletionShell};
use super::{explain, man};
use crate::scenario::library;
use crate::text::carried;

pub(super) mod targets;

/// The script for this shell.
pub(super) fn script(shell: CompletionShell) -> Vec<u8> {
    let mut text = Vec::new();
    let mut command = with_names();
    match shell {
        CompletionShell::Bash => {
            generate(Shell::Bash, &mut command, NAME, &mut text);
            text.extend(targets::for_bash().bytes());
        }
        CompletionShell::Elvish => generate(Shell::Elvish, &mut command, NAME, &mut text),
        CompletionShell::Fish => {
            generate(Shell::Fish, &mut command, NAME, &mut text);
            text.extend(names_for_fish().into_bytes());
            text.extend(targets::for_fish().bytes());
        }
        CompletionShell::Nushell => generate(Nushell, &mut command, NAME, &mut text),
        CompletionShell::PowerShell => generate(Shell::PowerShell, &mut command, NAME, &mut text),
        CompletionShell::Zsh => {
            generate(Shell::Zsh, &mut command, NAME, &mut text);
            return targets::for_zsh(&or_files(&String::from_utf8_lossy(&text))).into_bytes();
        }
    }
    text
}

/// The command line, with the names as values of the arguments that take them. Parsing takes files there, too.
fn with_names() -> Command {
    Cli::command()
        .mut_subcommand("lesson", |command| with_values(command, "name", lessons()))
        .mut_subcommand("replay", |command| with_values(command, "file", recordings()))
        .mut_subcommand("explain", |command| with_values(command, "topic", topics()))
        .mut_subcommand("man", |command| with_values(command, "command", man::commands()))
}

fn with_values(command: Command, argument: &'static str, values: Vec<String>) -> Command {
    command.mut_arg(argument, |argument| argument.value_parser(PossibleValuesParser::new(values)))
}

fn lessons() -> Vec<String> {
    library::lessons().unwrap_or_default().iter().map(|lesson| lesson.name.clone()).collect()
}

fn recordings() -> Vec<String> {
    [carried::DEMOS.names(), carried::RECORDINGS.names()].concat().into_iter().map(str::to_owned).collect()
}

/// The first name of each topic, where a shell takes it without quotes.
fn topics() -> Vec<String> {
    let plain = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let mut names: Vec<_> = explain::topics().iter().map(|topic| topic.name.to_owned()).collect();
    names.retain(plain);
    names.sort();
    names.dedup();
    names
}

/// The generator for fish leaves out arguments that are no options.
fn names_for_fish() -> String {
    let demos = carried::DEMOS.names().into_iter().map(str::to_owned).collect();
    let all = [
        ("lesson", lessons()),
        ("replay", recordings()),
        ("demo", demos),
        ("explain", topics()),
        ("man", man::commands()),
        ("completions", CompletionShell::value_variants().iter().filter_map(|shell| shell_name(*shell)).collect()),
    ];
    let line = |(command, names): &(&str, Vec<String>)| {
        format!("complete -c qviz -n \"__fish_qviz_using_subcommand {command}\" -a \"{}\"\n", names.join(" "))
    };
    all.iter().map(line).collect()
}

fn shell_name(shell: CompletionShell) -> Option<String> {
    shell.to_possible_value().map(|value| value.get_name().to_owned())
}

/// Zsh offers nothing beside the values of an argument; a lesson or a recording may be a file as well. Bash and fish offer files by
/// themselves where no name fits.
fn or_files(script: &str) -> String {
    [lessons(), recordings()].iter().fold(script.to_owned(), |script, names| {
        let names = names.join(" ");
        let either = format!(":{{_alternative \"names:name:({names})\" \"files:file:_files\"}}'");
        script.replace(&format!(":({names})'"), &either)
    })
}

const NAME: &str = "qviz";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_knows_lessons_topics_recordings_and_themes() {
        // The generators for the other two leave out arguments that are no options.
        for shell in CompletionShell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            assert!(script.contains("print-alerts") && script.contains("projector"), "{shell:?}");
            if matches!(shell, CompletionShell::Elvish | CompletionShell::PowerShell) {
                continue;
            }
            for name in ["n-plus-one", "silent-drop", "overflow", "somaxconn", "nushell", "light"] {
                assert!(script.contains(name), "{shell:?}: {name}");
            }
        }
        let zsh = String::from_utf8(script(CompletionShell::Zsh)).unwrap();
        assert_eq!(zsh.matches("files:file:_files").count(), 2);
    }
}
