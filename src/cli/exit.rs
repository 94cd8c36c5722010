//! Exit codes, and the error message that is printed before the program ends with one.

use std::process::ExitCode;

use crate::say;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Success,
    /// Something could not be done; a message says what, why, and the next command.
    Error,
    /// The arguments cannot be carried out.
    Usage,
    /// An expectation or a check failed.
    Expectation,
    /// Ended by this signal, after the summary.
    Signal(u8),
    /// The command that was run has ended with this status.
    Command(u8),
}

impl Exit {
    /// The exit status: 0, 1, 2, 3, or 128 and the signal's number.
    pub const fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::Expectation => 3,
            Self::Signal(number) => 128 + (number & 0x7f),
            Self::Command(status) => status,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

/// Why a command could not be carried out.
#[derive(Debug)]
pub struct Failure {
    /// What and why.
    pub message: String,
    /// The next command, or what to do.
    pub hint: Option<String>,
    /// How the program ends.
    pub exit: Exit,
}

impl Failure {
    /// An error with what to do about it.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), exit: Exit::Error }
    }

    /// Arguments that cannot be used together, and what to write instead.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(message, hint) }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", say!("error: {message}", message = self.message))?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  {}", say!("try: {hint}", hint))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_follow_the_rule_of_the_shells() {
        let codes = [2, 15, 1, 3].map(|signal| Exit::Signal(signal).status());
        assert_eq!(codes, [130, 143, 129, 131]);
        assert_eq!(Exit::Expectation.status(), 3);
    }
}
