//! The rules of the house, as functions of a file's name and text; each answers with its violations, `file:line` first.

use crate::code::{Path, is_word, paths, tokens};

/// One row of the table "Who may see whom".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Its name, that of its module.
    pub(crate) name: String,
    /// The rooms that it may import.
    pub(crate) may_import: Vec<String>,
    /// Words and paths that its code must not contain.
    pub(crate) must_not_contain: Vec<String>,
}

/// The heading of the table of rooms.
pub(crate) const ROOMS: &str = "The rooms";
/// The heading of the table of rights.
pub(crate) const RIGHTS: &str = "Who may see whom";
/// A file of the house has at most so many lines.
pub(crate) const FILE_LINES: usize = 400;
/// All that the crate shows to the outside: what `main` calls.
pub(crate) const FACE: &str = "cli::run";
/// The door has at most so many lines.
pub(crate) const DOOR_LINES: usize = 40;

/// The rows of the table under a heading, in Markdown or in a module doc: cells without padding and backticks.
pub(crate) fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let plain = |line: &str| line.trim_start().trim_start_matches("//!").trim().to_owned();
    let mut lines = text
        .lines()
        .map(plain)
        .skip_while(|line| line.trim_start_matches('#').trim() != heading || !line.starts_with('#'));
    lines.next();
    let table = lines.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: String| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    table.map(cells).collect()
}

/// The rights of each room.
pub(crate) fn rights(map: &str) -> Result<Vec<Room>, String> {
    let mut rooms = Vec::new();
    for row in rows(map, RIGHTS) {
        let [name, may_import, must_not_contain] = row.as_slice() else {
            return Err(format!("the table \"{RIGHTS}\" has a row that is not three cells wide: {row:?}"));
        };
        rooms.push(Room {
            name: name.clone(),
            may_import: list(may_import, char::is_whitespace),
            must_not_contain: list(must_not_contain, |c| c == ','),
        });
    }
    let names: Vec<_> = rooms.iter().map(|room| room.name.clone()).collect();
    let stranger = rooms.iter().flat_map(|room| &room.may_import).find(|wish| !names.contains(*wish));
    match stranger {
        Some(stranger) => Err(format!("the table \"{RIGHTS}\" lets somebody see {stranger}, which is no room")),
        None if rooms.is_empty() => Err(format!("no table under \"{RIGHTS}\"")),
        None => Ok(rooms),
    }
}

/// Imports and words that the room of this file may not have; a file of no room has no violation.
pub(crate) fn trespasses(rooms: &[Room], file: &str, source: &str) -> Vec<String> {
    let home = modules(file);
    let Some(room) = rooms.iter().find(|room| home.first() == Some(&room.name)) else { return Vec::new() };
    let mut found = Vec::new();
    for path in paths(&tokens(source), &home) {
        let broken = forbidden_room(rooms, room, &path).into_iter().chain(forbidden_words(room, &path));
        found.extend(broken.map(|what| format!("{file}:{}: {} {what}", path.line, room.name)));
    }
    found.dedup();
    found
}

/// Modules that the walk over the files would not find or not understand.
pub(crate) fn hidden_modules(file: &str, source: &str) -> Vec<String> {
    let code = tokens(source);
    let starts = |window: &[crate::code::Token], signs: &[&str]| window.iter().map(|t| &t.text).eq(signs);
    let attribute = code.windows(4).filter(|w| starts(w, &["#", "[", "path", "="]));
    let include = code.windows(2).filter(|w| starts(w, &["include", "!"]));
    attribute
        .chain(include)
        .map(|w| format!("{file}:{}: code from a file that is not a module's own", w[0].line))
        .collect()
}

/// Re-exports in lib.rs, through which a room could be seen without its name.
pub(crate) fn side_doors(file: &str, source: &str) -> Vec<String> {
    let code = tokens(source);
    let uses = code.iter().enumerate().filter(|(_, token)| token.text == "use");
    let behind = |at: usize| code[at + 1..].iter().map(|token| token.text.as_str()).take_while(|text| *text != ";");
    let others = uses.filter(|(at, _)| behind(*at).collect::<String>() != FACE);
    others.map(|(_, token)| format!("{file}:{}: the map re-exports more than {FACE}", token.line)).collect()
}

/// Unsafe code in a file whose module doc does not say "unsafe".
pub(crate) fn unnamed_unsafe(file: &str, source: &str) -> Vec<String> {
    let doc = source.lines().take_while(|line| line.starts_with("//!"));
    let mut words = doc.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
    if words.any(|word| word.eq_ignore_ascii_case("unsafe")) {
        return Vec::new();
    }
    let blocks = tokens(source).into_iter().filter(|token| token.text == "unsafe");
    blocks.map(|token| format!("{file}:{}: unsafe code, and the module doc does not say so", token.line)).collect()
}

/// A file that is too long, or named mod.rs.
pub(crate) fn shape(file: &str, source: &str) -> Vec<String> {
    let most = if file == "src/main.rs" { DOOR_LINES } else { FILE_LINES };
    let mut found = Vec::new();
    if source.lines().count() > most {
        found.push(format!("{file}:{}: more than {most} lines", most + 1));
    }
    if file.ends_with("/mod.rs") {
        found.push(format!("{file}:1: foo.rs + foo/, not mod.rs"));
    }
    found
}

/// Paths of one machine and hosts of a package registry, which mean nothing elsewhere.
pub(crate) fn machine_traces(file: &str, text: &str) -> Vec<String> {
    let rooted = [concat!("/", "work/"), concat!("/", "root/"), concat!("/", "home/")];
    let hosts = [concat!("index", ".crates.io"), concat!("static", ".crates.io")];
    let stands_alone = |before: &str| {
        let last = before.chars().next_back();
        !last.is_some_and(|c| c.is_alphanumeric() || "_-.~/})*".contains(c))
    };
    let mut found = Vec::new();
    for (line, content) in text.lines().enumerate() {
        let paths =
            rooted.iter().filter(|path| content.match_indices(**path).any(|(at, _)| stands_alone(&content[..at])));
        let traces = paths.chain(hosts.iter().filter(|host| content.contains(**host)));
        found.extend(traces.map(|trace| format!("{file}:{}: {trace} belongs to one machine", line + 1)));
    }
    found
}

/// The modules that a file under src/ is, from the room down.
pub(crate) fn modules(file: &str) -> Vec<String> {
    let inside = file.strip_prefix("src/").unwrap_or(file);
    inside.strip_suffix(".rs").unwrap_or(inside).split('/').map(str::to_owned).collect()
}

fn forbidden_room(rooms: &[Room], room: &Room, path: &Path) -> Option<String> {
    let [first, second, ..] = path.words.as_slice() else { return None };
    if first != "crate" {
        return None;
    }
    let is_room = rooms.iter().any(|other| other.name == *second);
    let allowed = *second == room.name || room.may_import.contains(second);
    match second.as_str() {
        "*" => Some("may not see every room at once".to_owned()),
        _ if is_room && !allowed => Some(format!("may not see {second}")),
        _ => None,
    }
}

fn forbidden_words(room: &Room, path: &Path) -> Vec<String> {
    let stands_in = |word: &&String| {
        let wanted: Vec<_> = word.split("::").collect();
        let inside = path.words.windows(wanted.len()).any(|part| part == wanted);
        let covered = path.words.split_last().is_some_and(|(last, above)| {
            last == "*" && !above.is_empty() && above.len() < wanted.len() && above == &wanted[..above.len()]
        });
        inside || covered
    };
    room.must_not_contain.iter().filter(stands_in).map(|word| format!("must not contain {word}")).collect()
}

/// The entries of a cell; a dash is none.
fn list(cell: &str, between: impl Fn(char) -> bool) -> Vec<String> {
    cell.split(between)
        .map(str::trim)
        .filter(|entry| entry.starts_with(|c: char| is_word(&c.to_string())))
        .map(str::to_owned)
        .collect()
}
