//! The built-in lessons, from `assets/lessons`, and challenges, from `assets/challenges`.

use std::sync::{Arc, LazyLock};

use super::lesson::Lesson;
use super::parse::{ParseError, parse};
use crate::text::carried;

/// Every lesson in the recommended order.
///
/// # Errors
/// A lesson that cannot be parsed; a test prevents that.
pub fn lessons() -> Result<Vec<Arc<Lesson>>, ParseError> {
    parsed(texts())
}

/// Every challenge in the recommended order.
///
/// # Errors
/// A challenge that cannot be parsed; a test prevents that.
pub fn challenges() -> Result<Vec<Arc<Lesson>>, ParseError> {
    parsed(entries(&CHALLENGES))
}

fn parsed(texts: impl Iterator<Item = (&'static str, &'static str)>) -> Result<Vec<Arc<Lesson>>, ParseError> {
    let mut lessons = Vec::new();
    for (name, text) in texts {
        lessons.push(Arc::new(parse(&format!("{name}.toml"), name, text)?));
    }
    lessons.sort_by(|lesson, other| (lesson.order, &lesson.name).cmp(&(other.order, &other.name)));
    Ok(lessons)
}

/// The name and the text of each.
pub fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    entries(&BOUND)
}

fn entries(bound: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let entries = bound.strip_prefix("== ").unwrap_or_default().split("\n== ");
    entries.filter_map(|entry| entry.split_once('\n'))
}

/// Bound by `build.rs`, unpacked when first asked for.
static BOUND: LazyLock<String> = LazyLock::new(|| carried::unpacked(carried::LESSONS));
static CHALLENGES: LazyLock<String> = LazyLock::new(|| carried::unpacked(carried::CHALLENGES));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lesson_can_be_read_and_none_comes_twice() {
        let lessons = lessons().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(lessons.len(), texts().count());
        let mut places: Vec<_> = lessons.iter().map(|lesson| lesson.order).collect();
        places.dedup();
        assert_eq!(places.len(), lessons.len(), "each has a place of its own");
        assert!(lessons.iter().any(|lesson| lesson.name == "n-plus-one" && lesson.source.starts_with("order = ")));
    }
}
