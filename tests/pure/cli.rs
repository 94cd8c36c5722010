//! Words → plan: arguments, values, exits.

#[path = "cli/examples.rs"]
mod examples;
#[path = "cli/lang.rs"]
mod lang;
#[path = "cli/plan.rs"]
mod plan;
