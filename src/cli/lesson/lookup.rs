//! Finds a lesson or challenge: a built-in one by its name or its number in the list, or another one by its file.

use std::path::Path;
use std::sync::Arc;

use crate::cli::exit::Failure;
use crate::cli::values;
use crate::say;
use crate::scenario::lesson::Lesson;
use crate::scenario::library;
use crate::scenario::parse::{ParseError, parse};
use crate::session::files;
use crate::text::sanitize;

/// The lesson of this name, or of this file.
///
/// # Errors
/// No lesson has this name; or the file cannot be read, or is no lesson.
pub(super) fn find(name: &str) -> Result<Arc<Lesson>, Failure> {
    if is_file(name) {
        return read(name).map(Arc::new);
    }
    let lessons = everything()?;
    if let Ok(number) = name.parse::<usize>() {
        let last = lessons.len();
        return number.checked_sub(1).and_then(|place| lessons.get(place).cloned()).ok_or_else(|| {
            let hint = say!("qviz lesson (lists every lesson)");
            Failure::usage(say!("there is no lesson {number}: the last one is {last}", number, last), hint)
        });
    }
    let names: Vec<_> = lessons.iter().map(|lesson| lesson.name.as_str()).collect();
    if let Some(lesson) = lessons.iter().find(|lesson| lesson.name == name) {
        return Ok(Arc::clone(lesson));
    }
    let near: Vec<_> = values::nearest(name, &names).iter().map(|near| format!("qviz lesson {near}")).collect();
    let hint =
        if near.is_empty() { say!("qviz lesson (lists every lesson)").to_owned() } else { near.join(say!(", or ")) };
    Err(Failure::usage(say!("there is no lesson '{name}'", name = sanitize::line(name)), hint))
}

/// Every lesson that qviz brings along, in the order in which they are best taken.
///
/// # Errors
/// One of them cannot be read: a defect of qviz.
pub(super) fn all() -> Result<Vec<Arc<Lesson>>, Failure> {
    library::lessons().map_err(|error| parse_failure(&error))
}

/// Every lesson, and behind them every challenge, as they are numbered.
///
/// # Errors
/// One of them cannot be read: a defect of qviz.
pub(super) fn everything() -> Result<Vec<Arc<Lesson>>, Failure> {
    let challenges = library::challenges().map_err(|error| parse_failure(&error))?;
    Ok([all()?, challenges].concat())
}

/// A name has no slash and no ending.
fn is_file(name: &str) -> bool {
    let ends = Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    name.contains('/') || ends
}

fn read(file: &str) -> Result<Lesson, Failure> {
    let text = files::read_text(Path::new(file), LONGEST).map_err(|error| {
        Failure::new(
            say!("cannot read {file}: {error}", file = sanitize::line(file), error),
            say!("check the path, or take one of those that `qviz lesson` lists"),
        )
    })?;
    let name = Path::new(file).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    parse(file, &name, &text).map_err(|error| parse_failure(&error))
}

fn parse_failure(error: &ParseError) -> Failure {
    Failure::new(sanitize::line(&error.to_string()), say!("correct that line; the format: qviz lesson --format"))
}

/// Far more bytes than a lesson has; a device that never ends is none.
const LONGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn a_name_is_found_and_an_unknown_one_refused_with_the_nearest() {
        assert_eq!(find("n-plus-one").unwrap().name, "n-plus-one");
        let refused = find("n-plus-on").unwrap_err();
        assert_eq!((refused.exit, refused.hint.as_deref()), (Exit::Usage, Some("qviz lesson n-plus-one")));
        assert_eq!(find("2").unwrap().name, "n-plus-one");
        assert!(find(&everything().unwrap().len().to_string()).unwrap().challenge);
        assert_eq!((find("0").unwrap_err().exit, find("99").unwrap_err().exit), (Exit::Usage, Exit::Usage));
        assert!(find("zzzzzz").unwrap_err().hint.unwrap().contains("lists every lesson"));
    }

    #[test]
    fn a_file_is_read_and_what_is_wrong_with_it_is_an_error() {
        assert_eq!(find("./no-such.toml").unwrap_err().exit, Exit::Error);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        let (_, text) = library::texts().find(|(name, _)| *name == "n-plus-one").unwrap();
        std::fs::write(&path, text).unwrap();
        assert_eq!(find(path.to_str().unwrap()).unwrap().name, "own");
        std::fs::write(&path, text.replace("order = ", "ordr = ")).unwrap();
        let refused = find(path.to_str().unwrap()).unwrap_err();
        assert_eq!(refused.exit, Exit::Error);
        assert!(refused.message.contains("own.toml:1:1: unknown key `ordr`: did you mean `order`?"), "{refused}");
    }
}
