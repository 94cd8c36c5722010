//! The arguments of `qviz demo`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::OutputArgs;
use crate::text::carried;

/// Which demo, and what comes out.
#[derive(Clone, Debug, Default, Args)]
pub struct DemoArgs {
    /// Which demo [default: silent-drop]
    #[arg(value_parser = PossibleValuesParser::new(carried::DEMOS.names()))]
    pub name: Option<String>,

    /// What comes out.
    #[command(flatten)]
    pub output: OutputArgs,
}
