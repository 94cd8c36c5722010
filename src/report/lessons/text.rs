//! The results as text: each lesson with its checks, each claim with its verdict, numbers and sentence; and the list of lessons.

use std::io::{self, Write};
use std::sync::Arc;

use unicode_width::UnicodeWidthStr;

use super::{Checked, Decided, LessonsDocument, Played};
use crate::say;
use crate::scenario::chapter::{chapter, minutes};
use crate::scenario::lesson::Lesson;
use crate::scenario::outcome::Verdict;
use crate::text::sanitize;
use crate::text::wrap::{left, wrapped};

/// Writes everything.
///
/// # Errors
/// The writer's own.
pub fn write(out: &mut dyn Write, document: &LessonsDocument) -> io::Result<()> {
    for played in &document.lessons {
        lesson(out, played, document.claims.iter().filter(|claim| claim.lesson == played.id))?;
    }
    closing(out, document)
}

/// Writes one lesson and its claims.
///
/// # Errors
/// The writer's own.
pub fn lesson<'a>(out: &mut dyn Write, played: &Played, claims: impl Iterator<Item = &'a Decided>) -> io::Result<()> {
    let outcome = match played.passed {
        Some(true) => say!("passed in {seconds} s", seconds = format_args!("{:.1}", played.duration_s)),
        Some(false) => say!("FAILED after {seconds} s", seconds = format_args!("{:.1}", played.duration_s)),
        None => say!("skipped: {why}", why = played.skipped.as_deref().unwrap_or_default()),
    };
    writeln!(out, "{}: {} ({})", played.id, sanitize::line(&outcome), sanitize::line(&played.title))?;
    for check in &played.checks {
        self::check(out, check)?;
    }
    for claim in claims {
        self::claim(out, claim)?;
    }
    Ok(())
}

/// Writes how many passed, and where.
///
/// # Errors
/// The writer's own.
pub fn closing(out: &mut dyn Write, document: &LessonsDocument) -> io::Result<()> {
    let LessonsDocument { passed, failed, skipped, kernel, duration_s, .. } = document;
    let counts = say!("{passed} passed, {failed} failed, {skipped} skipped", passed, failed, skipped);
    let kernel = sanitize::line(kernel.as_deref().unwrap_or("?"));
    writeln!(
        out,
        "{}",
        say!("{counts} in {seconds} s on Linux {kernel}", counts, seconds = format_args!("{duration_s:.1}"), kernel)
    )
}

/// Lists the lessons, one line each below their chapters, with the numbers by which they can be called.
///
/// # Errors
/// The writer's own.
pub fn list(out: &mut dyn Write, lessons: &[Arc<Lesson>]) -> io::Result<()> {
    let widest = |words: fn(&Lesson) -> &str| lessons.iter().map(|one| words(one).width()).max().unwrap_or(0);
    let (names, titles) = (widest(|lesson| &lesson.name), widest(|lesson| lesson.title.here()));
    let mut last = "";
    for (number, lesson) in (1..).zip(lessons) {
        let chapter = chapter(lesson);
        if chapter != last {
            writeln!(out, "{chapter}")?;
            last = chapter;
        }
        let (name, title) = (left(&lesson.name, names), left(lesson.title.here(), titles));
        let minutes = say!("{minutes} min", minutes = minutes(lesson));
        writeln!(out, "{number:>4}  {name}  {minutes}  {title}  {}", lesson.learn.here())?;
    }
    Ok(())
}

fn check(out: &mut dyn Write, check: &Checked) -> io::Result<()> {
    let sign = if check.passed { say!("so") } else { say!("NOT SO") };
    writeln!(out, "  {sign}: {}", sanitize::line(&check.what))?;
    let measured = check.measured.words();
    let measured = if measured.is_empty() { String::new() } else { say!(" (measured: {numbers})", numbers = measured) };
    writeln!(out, "      {}", sanitize::line(&format!("{}{measured}", check.expected)))
}

fn claim(out: &mut dyn Write, claim: &Decided) -> io::Result<()> {
    let verdict = [Verdict::Holds, Verdict::DoesNotHold, Verdict::Undecided];
    let verdict = verdict.into_iter().find(|one| one.name() == claim.verdict).map_or("", Verdict::words);
    writeln!(out, "  {}: {verdict}", sanitize::line(&claim.id))?;
    for text in [say!("Claim: {claim}", claim = claim.claim), claim.sentence.clone()] {
        writeln!(out, "{}", wrapped(&sanitize::line(&text), WIDTH, "      "))?;
    }
    writeln!(out, "      {}", sanitize::line(&claim.measured.words()))
}

/// The width of the text in columns.
pub(super) const WIDTH: usize = 96;
