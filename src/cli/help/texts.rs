//! The English texts of the command line, for the test that holds them against the table of translations.

use std::collections::BTreeSet;

use clap::{Arg, Command};

use super::{FRAME, built_command, paragraphs};
use crate::model::settings::Sysctl;

/// Every English text of the command line that needs a translation.
pub fn texts() -> BTreeSet<String> {
    let mut texts: BTreeSet<String> = FRAME.iter().map(|text| (*text).to_owned()).collect();
    gather(&built_command(), &mut texts);
    texts
}

fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_hide_set())
}

fn gather(command: &Command, texts: &mut BTreeSet<String>) {
    let of_command = [command.get_about(), command.get_long_about()];
    let of_arguments = shown(command).flat_map(|arg| [arg.get_help(), arg.get_long_help()]);
    for text in of_command.into_iter().chain(of_arguments).flatten() {
        texts.extend(paragraphs(text));
    }
    for arg in shown(command) {
        texts.extend(arg.get_help_heading().map(str::to_owned));
        texts.extend(arg.get_possible_values().iter().filter_map(|value| value.get_help()).flat_map(paragraphs));
    }
    for verb in command.get_subcommands() {
        gather(verb, texts);
    }
    // Their names are their names.
    for sysctl in Sysctl::ALL {
        texts.remove(sysctl.name());
    }
}
