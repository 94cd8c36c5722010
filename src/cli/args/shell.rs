//! The shells that completions are made for.

use clap::ValueEnum;

/// A shell that completions are made for.
#[allow(missing_docs, reason = "their names say it, and help would show a comment beside each")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompletionShell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}
