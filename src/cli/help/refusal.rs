//! Parse errors: the parser's own sentences, in the current language.

use std::error::Error as _;
use std::num::{IntErrorKind, ParseIntError};

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::translate_frame;
use crate::say;
use crate::scenario::words::nearest;

/// The parser's error as text, with what to do. An error without a sentence here keeps the parser's own text.
pub fn refusal(error: &Error) -> String {
    let what = sentence(error).unwrap_or_else(|| own_words(error));
    let mut text = say!("error: {message}", message = what);
    for line in hints(error) {
        text.push_str("\n  ");
        text.push_str(&line);
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        text.push_str("\n\n");
        text.push_str(&translate_frame(&usage.to_string()));
    }
    text.push_str("\n\n");
    text.push_str(say!("For more information, try '--help'."));
    text
}

/// What is wrong.
fn sentence(error: &Error) -> Option<String> {
    let of = |kind| context(error, kind);
    let argument = of(ContextKind::InvalidArg);
    Some(match error.kind() {
        ErrorKind::ValueValidation => say!(
            "invalid value '{value}' for '{argument}': {reason}",
            value = of(ContextKind::InvalidValue)?,
            argument = argument?,
            reason = reason(error)
        ),
        ErrorKind::InvalidValue => match of(ContextKind::InvalidValue)? {
            value if value.is_empty() => say!("a value is required for '{argument}'", argument = argument?),
            value => say!("invalid value '{value}' for '{argument}'", value, argument = argument?),
        },
        ErrorKind::UnknownArgument => say!("unexpected argument '{argument}'", argument = argument?),
        ErrorKind::InvalidSubcommand => {
            say!("unrecognized subcommand '{verb}'", verb = of(ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::ArgumentConflict => conflict(error)?,
        ErrorKind::MissingRequiredArgument => say!("'{argument}' is missing", argument = argument?),
        ErrorKind::TooManyValues => say!(
            "unexpected value '{value}' for '{argument}'",
            value = of(ContextKind::InvalidValue)?,
            argument = argument?
        ),
        ErrorKind::InvalidUtf8 => say!("an argument is not text (UTF-8)").to_owned(),
        _ => return None,
    })
}

fn conflict(error: &Error) -> Option<String> {
    let other = context(error, ContextKind::PriorArg);
    if let Some(verb) = context(error, ContextKind::InvalidSubcommand) {
        return Some(say!("the subcommand '{verb}' cannot be used with '{other}'", verb, other = other?));
    }
    let argument = context(error, ContextKind::InvalidArg)?;
    Some(match other {
        Some(other) if other != argument => say!("'{argument}' cannot be used with '{other}'", argument, other),
        _ => say!("'{argument}' cannot be given twice", argument),
    })
}

/// Why the value was refused: ours where they are made; the parser's own are about numbers, in the words of a programming language.
fn reason(error: &Error) -> String {
    let Some(source) = error.source() else { return String::new() };
    if let Some(number) = source.downcast_ref::<ParseIntError>() {
        return match number.kind() {
            IntErrorKind::PosOverflow => say!("the number is too large"),
            IntErrorKind::NegOverflow => say!("the number is too small"),
            _ => say!("not a whole number, such as 1 or 42"),
        }
        .to_owned();
    }
    let reason = source.to_string();
    let range = reason.split_once(" is not in ").and_then(|(_, range)| range.split_once(".."));
    match range {
        Some((least, most)) if !most.is_empty() => {
            say!("from {least} to {most}", least, most = most.trim_start_matches('='))
        }
        _ => reason,
    }
}

/// What would have been right.
fn hints(error: &Error) -> Vec<String> {
    let mut hints = Vec::new();
    if let Some(values) = context(error, ContextKind::ValidValue) {
        hints.push(say!("[possible values: {names}]", names = values));
    }
    for kind in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        let near = context(error, kind).filter(|near| kind != ContextKind::SuggestedArg || is_near(error, near));
        hints.extend(near.map(|near| say!("did you mean '{near}'?", near)));
    }
    hints
}

/// True when an option's name is likely to be what was meant: an option of another command is no slip of a finger.
fn is_near(error: &Error, name: &str) -> bool {
    let given = context(error, ContextKind::InvalidArg).unwrap_or_default();
    !nearest(&given, &[name]).is_empty()
}

/// One value of the error's context; several are joined with commas.
fn context(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) if !texts.is_empty() => Some(texts.join(", ")),
        _ => None,
    }
}

/// The first paragraph of the parser's own message, without its "error:".
fn own_words(error: &Error) -> String {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    first.strip_prefix("error: ").unwrap_or(first).trim().to_owned()
}
