//! Conditions and expressions over facts, as lessons write them: `accept_queue.depth >= listener.accept_capacity and t_s < 5 + 1`.
//!
//! An unknown fact has no value. What depends on it is neither true nor false; but `and` with something false is false, and `or`
//! with something true is true.

use self::grammar::Rule;

mod grammar;

/// A condition on facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    text: String,
    root: Node,
}

/// A number made of facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    root: Node,
}

/// Why a text is no condition or expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The offset in bytes.
    pub at: usize,
    /// What is wrong there.
    pub message: String,
}

/// The value of a fact by its name; `None` if unknown.
pub type Known<'a> = &'a dyn Fn(&str) -> Option<f64>;

/// Whether a word is the name of a fact; if not, why.
pub type NameCheck<'a> = &'a dyn Fn(&str) -> Result<(), String>;

/// A part of a condition or expression.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(f64),
    Fact(String),
    Calculation(Operator, Box<Node>, Box<Node>),
    Comparison(Relation, Box<Node>, Box<Node>),
    Both(Box<Node>, Box<Node>),
    Either(Box<Node>, Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Is,
    IsNot,
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// A syntax error, with its place.
    pub fn parse(text: &str, naming: NameCheck<'_>) -> Result<Self, SyntaxError> {
        let root = grammar::read(text, Rule::Condition, naming)?;
        Ok(Self { text: text.to_owned(), root })
    }

    /// Whether it holds; `None` if undecided.
    pub fn holds(&self, known: Known<'_>) -> Option<bool> {
        self.root.evaluate(known)
    }

    /// True when it is certain to hold.
    pub fn is_met(&self, known: Known<'_>) -> bool {
        self.holds(known) == Some(true)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The facts in it, each once, in the order of the text.
    pub fn facts(&self) -> Vec<&str> {
        self.root.facts()
    }
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// A syntax error, with its place.
    pub fn parse(text: &str, naming: NameCheck<'_>) -> Result<Self, SyntaxError> {
        let root = grammar::read(text, Rule::Expression, naming)?;
        Ok(Self { root })
    }

    /// Its value; `None` when a fact is not known, or when it is divided by zero.
    pub fn value(&self, known: Known<'_>) -> Option<f64> {
        self.root.number(known)
    }

    /// The facts in it, each once, in the order of the text.
    pub fn facts(&self) -> Vec<&str> {
        self.root.facts()
    }
}

impl Node {
    /// True for a condition, false for a number.
    const fn is_condition(&self) -> bool {
        matches!(self, Self::Comparison(..) | Self::Both(..) | Self::Either(..))
    }

    fn number(&self, known: Known<'_>) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Fact(name) => known(name),
            Self::Calculation(operator, left, right) => operator.of(left.number(known)?, right.number(known)?),
            Self::Comparison(..) | Self::Both(..) | Self::Either(..) => None,
        }
    }

    fn evaluate(&self, known: Known<'_>) -> Option<bool> {
        match self {
            Self::Number(_) | Self::Fact(_) | Self::Calculation(..) => None,
            Self::Comparison(relation, left, right) => Some(relation.of(left.number(known)?, right.number(known)?)),
            Self::Both(left, right) => match (left.evaluate(known), right.evaluate(known)) {
                (Some(true), Some(true)) => Some(true),
                (Some(false), _) | (_, Some(false)) => Some(false),
                _ => None,
            },
            Self::Either(left, right) => match (left.evaluate(known), right.evaluate(known)) {
                (Some(false), Some(false)) => Some(false),
                (Some(true), _) | (_, Some(true)) => Some(true),
                _ => None,
            },
        }
    }

    fn facts(&self) -> Vec<&str> {
        let mut facts = Vec::new();
        self.gather(&mut facts);
        facts
    }

    fn gather<'a>(&'a self, facts: &mut Vec<&'a str>) {
        match self {
            Self::Number(_) => {}
            Self::Fact(name) if facts.contains(&name.as_str()) => {}
            Self::Fact(name) => facts.push(name),
            Self::Calculation(_, left, right)
            | Self::Comparison(_, left, right)
            | Self::Both(left, right)
            | Self::Either(left, right) => {
                left.gather(facts);
                right.gather(facts);
            }
        }
    }
}

impl Operator {
    fn of(self, left: f64, right: f64) -> Option<f64> {
        let value = match self {
            Self::Plus => left + right,
            Self::Minus => left - right,
            Self::Times => left * right,
            Self::Over => left / right,
        };
        value.is_finite().then_some(value)
    }
}

impl Relation {
    /// Numbers that differ only in their last digits are equal: 0.1 + 0.2 is 0.3.
    fn of(self, left: f64, right: f64) -> bool {
        let same = (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1.0);
        match self {
            Self::Is => same,
            Self::IsNot => !same,
            Self::Below => left < right && !same,
            Self::AtMost => left < right || same,
            Self::Above => left > right && !same,
            Self::AtLeast => left > right || same,
        }
    }
}
