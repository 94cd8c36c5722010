//! The options that name the configuration file.

use std::path::PathBuf;

use clap::Args;

/// The options that every command has; they are taken before the arguments are parsed.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// Take the defaults of options from FILE [default: ~/.config/qviz/config.toml]
    ///
    /// TOML, each option by its long name: backlog = 16, theme = "light", lang = "zh". An option on the command line is stronger. qviz
    /// config prints what is in force. Its folder is that of XDG_CONFIG_HOME.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, global = true, help_heading = "Configuration", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,

    /// Read no configuration file
    #[arg(long, global = true, help_heading = "Configuration")]
    pub no_config: bool,
}
