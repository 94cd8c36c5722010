//! Words → plan: arguments, values, exits.

#[path = "cli/examples.rs"]
mod examples;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/lang.rs"]
mod lang;
#[path = "cli/plan.rs"]
mod plan;
