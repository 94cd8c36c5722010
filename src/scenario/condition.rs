//! Conditions and expressions over facts.

/// A condition on facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(String);

/// A number made of facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression(String);
