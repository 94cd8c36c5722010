//! The grammar of conditions: words and brackets, `or` over `and` over comparisons over `+ -` over `* /`.

use super::{NameCheck, Node, Operator, Relation, SyntaxError};
use crate::say;

/// The kind of expression wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// A condition.
    Condition,
    /// A number.
    Expression,
}

/// Reads a text to its end.
pub(super) fn read(text: &str, rule: Rule, naming: NameCheck<'_>) -> Result<Node, SyntaxError> {
    let mut reader = Reader { tokens: tokens(text), next: 0, end: text.len(), naming };
    let root = reader.either()?;
    if let Some((at, word)) = reader.peek() {
        return Err(fault(
            at,
            say!("`{word}` has no place here: an operator stands between two values, with spaces around it", word),
        ));
    }
    match (rule, root.is_condition()) {
        (Rule::Condition, false) => {
            Err(fault(0, say!("a number is no condition: compare it, as in `{text} == 1`", text)))
        }
        (Rule::Expression, true) => Err(fault(0, say!("a condition is no number").to_owned())),
        _ => Ok(root),
    }
}

/// The words of a text, each with its place. A bracket is always a word of its own.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices() {
        let bracket = matches!(letter, '(' | ')');
        if (bracket || letter.is_whitespace())
            && let Some(start) = start.take()
        {
            tokens.push((start, &text[start..at]));
        }
        if bracket {
            tokens.push((at, &text[at..=at]));
        } else if !letter.is_whitespace() {
            start.get_or_insert(at);
        }
    }
    tokens.extend(start.map(|start| (start, &text[start..])));
    tokens
}

struct Reader<'a> {
    tokens: Vec<(usize, &'a str)>,
    next: usize,
    end: usize,
    naming: NameCheck<'a>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<(usize, &'a str)> {
        self.tokens.get(self.next).copied()
    }

    /// Takes the next word if it is one of these.
    fn take<T>(&mut self, of: impl Fn(&str) -> Option<T>) -> Option<(usize, T)> {
        let (at, word) = self.peek()?;
        let taken = of(word)?;
        self.next += 1;
        Some((at, taken))
    }

    fn either(&mut self) -> Result<Node, SyntaxError> {
        let mut left = self.both()?;
        while let Some((at, ())) = self.take(|word| (word == "or").then_some(())) {
            let right = self.both()?;
            left = Node::Either(condition(left, at, "or")?, condition(right, at, "or")?);
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Node, SyntaxError> {
        let mut left = self.comparison()?;
        while let Some((at, ())) = self.take(|word| (word == "and").then_some(())) {
            let right = self.comparison()?;
            left = Node::Both(condition(left, at, "and")?, condition(right, at, "and")?);
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Node, SyntaxError> {
        let mut left = self.sum()?;
        while let Some((at, relation)) = self.take(relation) {
            let right = self.sum()?;
            left = Node::Comparison(relation, number(left, at)?, number(right, at)?);
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Node, SyntaxError> {
        let mut left = self.product()?;
        while let Some((at, operator)) = self.take(|word| operator(word, ["+", "-"])) {
            let right = self.product()?;
            left = Node::Calculation(operator, number(left, at)?, number(right, at)?);
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Node, SyntaxError> {
        let mut left = self.value()?;
        while let Some((at, operator)) = self.take(|word| operator(word, ["*", "/"])) {
            let right = self.value()?;
            left = Node::Calculation(operator, number(left, at)?, number(right, at)?);
        }
        Ok(left)
    }

    fn value(&mut self) -> Result<Node, SyntaxError> {
        let Some((at, word)) = self.peek() else {
            return Err(fault(self.end, say!("it ends where a value is missing").to_owned()));
        };
        self.next += 1;
        if word == "(" {
            let inner = self.either()?;
            let closed = self.take(|word| (word == ")").then_some(()));
            return closed.map(|_| inner).ok_or_else(|| fault(at, say!("this bracket is not closed").to_owned()));
        }
        let operates = relation(word).is_some() || operator(word, ["+", "-"]).or(operator(word, ["*", "/"])).is_some();
        if operates || matches!(word, ")" | "and" | "or") {
            return Err(fault(at, say!("a value is missing before `{word}`", word)));
        }
        if word.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '.')) {
            let value = word.parse().ok().filter(|value: &f64| value.is_finite());
            return value.map(Node::Number).ok_or_else(|| fault(at, say!("`{word}` is no number", word)));
        }
        (self.naming)(word).map_err(|message| fault(at, message))?;
        Ok(Node::Fact(word.to_owned()))
    }
}

fn relation(word: &str) -> Option<Relation> {
    Some(match word {
        "==" => Relation::Is,
        "!=" => Relation::IsNot,
        "<" => Relation::Below,
        "<=" => Relation::AtMost,
        ">" => Relation::Above,
        ">=" => Relation::AtLeast,
        _ => return None,
    })
}

fn operator(word: &str, among: [&str; 2]) -> Option<Operator> {
    among.contains(&word).then_some(())?;
    Some(match word {
        "+" => Operator::Plus,
        "-" => Operator::Minus,
        "*" => Operator::Times,
        _ => Operator::Over,
    })
}

fn number(node: Node, at: usize) -> Result<Box<Node>, SyntaxError> {
    if node.is_condition() {
        return Err(fault(
            at,
            say!("beside this stands a condition, not a number: join conditions with `and`").to_owned(),
        ));
    }
    Ok(Box::new(node))
}

fn condition(node: Node, at: usize, word: &str) -> Result<Box<Node>, SyntaxError> {
    if node.is_condition() {
        return Ok(Box::new(node));
    }
    Err(fault(at, say!("`{word}` joins conditions, and one side of it is a number", word)))
}

fn fault(at: usize, message: String) -> SyntaxError {
    SyntaxError { at, message }
}
