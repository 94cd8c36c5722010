//! Which lessons were played to their end: one line each, `NAME RIGHT/ALL`, in the user's folder of states
//! (`$XDG_STATE_HOME/qviz/lessons`, else `~/.local/state/qviz/lessons`).

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::session::files::{self, Existing};
use crate::ui::picker::Score;

/// What is kept; nothing where there is no file, or where it cannot be read.
pub(super) fn read() -> BTreeMap<String, Score> {
    let text = path().and_then(|path| files::read_text(&path, LONGEST).ok()).unwrap_or_default();
    parse(&text)
}

/// Keeps that this lesson was played to its end.
///
/// # Errors
/// Those of the file system.
pub(super) fn keep(name: &str, score: Score) -> io::Result<()> {
    let Some(path) = path() else { return Ok(()) };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut done = read();
    done.insert(name.to_owned(), score);
    let mut file = files::create(&path, Existing::Emptied)?;
    file.write_all(written(&done).as_bytes())
}

fn path() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let states = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(states.join("qviz/lessons"))
}

/// A line that is none is left out.
fn parse(text: &str) -> BTreeMap<String, Score> {
    let line = |line: &str| {
        let (name, score) = line.split_once(' ')?;
        let (right, all) = score.split_once('/')?;
        Some((name.to_owned(), (right.parse().ok()?, all.trim().parse().ok()?)))
    };
    text.lines().filter_map(line).collect()
}

fn written(done: &BTreeMap<String, Score>) -> String {
    let lines = done.iter().map(|(name, (right, all))| format!("{name} {right}/{all}"));
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// Far more bytes than there are lessons.
const LONGEST: u64 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_damaged_is_left_out() {
        let done = BTreeMap::from([("burst".to_owned(), (1, 2)), ("ghosts".to_owned(), (0, 0))]);
        assert_eq!(parse(&written(&done)), done);
        assert_eq!(parse("burst 1/2\n\nnonsense\nghosts x/y\nhandshake 3/3 \n").len(), 2);
    }
}
