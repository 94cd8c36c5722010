//! The language of all output: the requested one, else the locale's. It is found before the arguments are parsed, so that
//! help and errors are in it, too.

use std::ffi::OsString;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::text::lang::Lang;

/// The option that every command has.
#[derive(Clone, Debug, Default, Args)]
pub struct LangArgs {
    /// Language of everything that is said [default: the locale's]
    ///
    /// en: English. zh: Simplified Chinese. The locale is that of LC_ALL, LC_MESSAGES or LANG.
    #[arg(long, value_name = "LANG", value_parser = parser(), global = true, help_heading = "Output")]
    pub lang: Option<Lang>,
}

/// The option's name.
const OPTION: &str = "--lang";

/// The variables that may hold a locale, the strongest first (see locale(7)).
const LOCALES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// The language that these arguments (without the program's name) ask for, else that of the locale in the environment.
pub fn requested(arguments: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> Lang {
    let (_, asked) = split_option(arguments);
    let value = |word: &OsString| by_name(word.to_str()?.trim_start_matches(OPTION).trim_start_matches('='));
    asked.iter().rev().find_map(value).unwrap_or_else(|| {
        let locale = LOCALES.into_iter().filter_map(&variable).find(|value| !value.is_empty());
        locale.map_or(Lang::English, |locale| Lang::of_locale(&locale.to_string_lossy()))
    })
}

/// The same arguments with the option behind the command: before it, it would count as one of the lab's, which no command takes.
pub fn with_option_last(arguments: &[OsString]) -> Vec<OsString> {
    let (mut others, asked) = split_option(arguments);
    let end = others.iter().position(|word| word == "--").unwrap_or(others.len());
    others.splice(end..end, asked);
    others
}

/// The other arguments, and the option with its values.
fn split_option(arguments: &[OsString]) -> (Vec<OsString>, Vec<OsString>) {
    let (mut others, mut asked) = (Vec::new(), Vec::new());
    let mut arguments = arguments.iter().cloned();
    while let Some(word) = arguments.next() {
        if word == "--" {
            others.push(word);
            others.extend(arguments);
            break;
        }
        match word.to_str().and_then(|word| word.strip_prefix(OPTION)) {
            Some("") => {
                asked.push(word);
                asked.extend(arguments.next());
            }
            Some(value) if value.starts_with('=') => asked.push(word),
            _ => others.push(word),
        }
    }
    (others, asked)
}

/// Takes the option's value.
fn parser() -> impl TypedValueParser<Value = Lang> {
    PossibleValuesParser::new(Lang::ALL.map(Lang::name)).map(|name| by_name(&name).unwrap_or_default())
}

fn by_name(name: &str) -> Option<Lang> {
    Lang::ALL.into_iter().find(|lang| lang.name() == name)
}
