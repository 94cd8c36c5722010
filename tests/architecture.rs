//! The map in `src/lib.rs` is true: its tables are read here and held against every file of the house.
//!
//! The second half proves the checker itself: each rule meets a planted violation and has to name it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read the house has failed")]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/code.rs"]
mod code;
#[path = "architecture/house.rs"]
mod house;
#[path = "architecture/planted.rs"]
mod planted;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use circles::Sources;
use house::{RIGHTS, ROOMS, Room};

#[test]
fn no_file_breaks_the_table() {
    let rooms = house::rights(&read("src/lib.rs")).unwrap();
    let broken = in_every_source(|file, source| house::trespasses(&rooms, file, source));
    assert_clean(&broken);
}

#[test]
fn the_map_lists_exactly_the_rooms_that_exist() {
    let map = read("src/lib.rs");
    let code = code::tokens(&map);
    let declared: BTreeSet<_> =
        code.windows(2).filter(|pair| pair[0].text == "mod").map(|pair| pair[1].text.clone()).collect();
    let strip = |cell: &String| cell.trim_matches(['[', ']']).to_owned();
    let listed = |heading| house::rows(&map, heading).iter().map(|row| strip(&row[0])).collect::<BTreeSet<_>>();
    assert_eq!(listed(ROOMS), declared, "the table \"{ROOMS}\" against the modules of src/lib.rs");
    assert_eq!(listed(RIGHTS), declared, "the table \"{RIGHTS}\" against the modules of src/lib.rs");
    assert_eq!(rooms_on_disk(), declared, "files and directories of src/ against the modules of src/lib.rs");
}

#[test]
fn the_picture_in_architecture_md_is_the_twin_of_the_map() {
    let (map, twin) = (read("src/lib.rs"), read("ARCHITECTURE.md"));
    assert_eq!(house::rows(&twin, RIGHTS), house::rows(&map, RIGHTS), "the table \"{RIGHTS}\"");
    let names =
        |text: &str| -> Vec<_> { house::rows(text, ROOMS).iter().map(|row| row[0].replace(['[', ']'], "")).collect() };
    assert_eq!(names(&twin), names(&map), "the table \"{ROOMS}\"");
}

#[test]
fn files_are_short_and_the_door_is_shorter() {
    assert_clean(&in_every_source(house::shape));
}

#[test]
fn unsafe_code_stands_only_where_the_module_doc_says_so() {
    assert_clean(&in_every_source(house::unnamed_unsafe));
}

#[test]
fn every_module_is_its_own_file_and_the_map_has_no_side_door() {
    assert_clean(&in_every_source(house::hidden_modules));
    assert_clean(&house::side_doors("src/lib.rs", &read("src/lib.rs")));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let texts = sources();
    assert_clean(&Sources::new(&texts).circles());
}

#[test]
fn the_methods_of_a_type_stand_in_few_files() {
    let texts = sources();
    assert_clean(&Sources::new(&texts).scattered());
}

#[test]
fn no_parameter_hides_three_in_a_tuple() {
    assert_clean(&in_every_source(circles::tuple_parameters));
}

#[test]
fn no_tracked_file_names_one_machine() {
    let files = tracked();
    assert!(files.iter().any(|file| file == "src/lib.rs"), "{files:?}");
    let others = files.iter().filter(|file| *file != "Cargo.lock");
    // A file may be tracked and deleted in the working tree, or not be text.
    let texts = others.filter_map(|file| Some((file, fs::read(at(file)).ok()?)));
    assert_clean(
        &texts
            .flat_map(|(file, text)| house::machine_traces(file, &String::from_utf8_lossy(&text)))
            .collect::<Vec<_>>(),
    );
}

// The checker, checked.

#[test]
fn a_planted_import_is_named_with_file_and_line() {
    assert_eq!(in_model("\nuse crate::kernel::tap;\n"), ["src/model/plant.rs:2: model may not see kernel"]);
    assert_eq!(in_model("fn f() { crate::kernel::tap::open(); }"), ["src/model/plant.rs:1: model may not see kernel"]);
    assert_eq!(
        in_model("use crate::{\n  model::peer,\n  kernel::{tap::Tap, own},\n  lab,\n};"),
        ["src/model/plant.rs:3: model may not see kernel", "src/model/plant.rs:4: model may not see lab",]
    );
}

#[test]
fn a_planted_import_is_found_under_any_spelling() {
    let seen = "src/model/plant.rs:1: model may not see kernel";
    for plant in [
        "use super::super::kernel::own;",
        "#[cfg(test)] mod tests { use super::super::super::kernel::own; }",
        "use crate as house; fn f() { house::kernel::own::read(); }",
        "use qviz::kernel;",
        "use crate::kernel as model;",
        "pub(crate) fn f() -> r#crate::r#kernel::T {}",
        "type T = Vec<crate::kernel::own::Reading>;",
        "m!(crate::kernel::own);",
    ] {
        assert_eq!(in_model(plant), [seen], "{plant}");
    }
    assert_eq!(in_model("use crate::*;"), ["src/model/plant.rs:1: model may not see every room at once"]);
}

#[test]
fn what_the_table_allows_is_no_violation() {
    for fine in [
        "use crate::model::peer::Peer;",
        "use super::peer::Peer; use self::inner::T;",
        "#[cfg(test)] mod tests { use super::*; use super::super::kernel; }",
        "mod a { mod b {} } use super::kernel_like;",
        "/// See [`crate::kernel::tap`].\n//! crate::kernel\n/* crate::kernel /* nested */ tokio */ fn f() {}",
        r##"const A: &str = "crate::kernel \" tokio"; const B: &str = r#"" std::fs "#; const C: u8 = b'\''; const D: char = '"';"##,
        "fn f<'tokio>(x: &'tokio str) { let instant = x.len(); }",
        "use std::{io, net::SocketAddr}; struct Instants; fn fs() {}",
    ] {
        assert_eq!(in_model(fine), Vec::<String>::new(), "{fine}");
    }
    assert_eq!(house::trespasses(&table(), "src/ui/view.rs", "use crate::model::peer;"), Vec::<String>::new());
    assert_eq!(house::trespasses(&table(), "src/main.rs", "use tokio::x; use qviz::kernel;"), Vec::<String>::new());
}

#[test]
fn a_planted_word_is_named_under_any_spelling() {
    let says = |word| format!("src/model/plant.rs:1: model must not contain {word}");
    for (plant, word) in [
        ("use tokio::time::sleep;", "tokio"),
        ("async fn f() { tokio::spawn(g()); }", "tokio"),
        ("use std::{io, fs::File};", "std::fs"),
        ("use std::fs as disk;", "std::fs"),
        ("fn f() { let t = std::time::Instant::now(); }", "Instant"),
        ("use ::std::net::TcpStream;", "std::net::TcpStream"),
        ("use core::net; fn f(x: net::TcpStream) {}", "std::net::TcpStream"),
        ("use std::net::*;", "std::net::TcpStream"),
    ] {
        assert_eq!(in_model(plant), [says(word)], "{plant}");
    }
}

#[test]
fn a_line_is_counted_through_comments_and_strings_of_many_lines() {
    let plant = "/*\n*/ const A: &str = \"\n\\\n\";\nlet b = r##\"\"#\n\"##;\nuse crate::kernel::own;";
    assert_eq!(in_model(plant), ["src/model/plant.rs:7: model may not see kernel"]);
}

#[test]
fn a_table_with_a_stranger_or_a_missing_cell_is_refused() {
    let map = |rows: &str| format!("//! ## {RIGHTS}\n//!\n//! | room | may | must not |\n//! |---|---|---|\n{rows}");
    assert!(house::rights(&map("//! | model | cellar | – |")).unwrap_err().contains("cellar, which is no room"));
    assert!(house::rights(&map("//! | model | – |")).unwrap_err().contains("not three cells"));
    assert!(house::rights("//! nothing").unwrap_err().contains("no table"));
}

#[test]
fn planted_unsafe_code_is_found_unless_the_module_doc_names_it() {
    let code = "fn f() {\n    unsafe { g() }\n}";
    assert_eq!(
        house::unnamed_unsafe("src/a.rs", code),
        ["src/a.rs:2: unsafe code, and the module doc does not say so"]
    );
    let named = format!("//! System calls; unsafe.\n{code}");
    assert_eq!(house::unnamed_unsafe("src/a.rs", &named), Vec::<String>::new());
    let late = format!("//! Plain.\n{code}\n// unsafe");
    assert_eq!(house::unnamed_unsafe("src/a.rs", &late).len(), 1);
    assert_eq!(house::unnamed_unsafe("src/a.rs", "// unsafe {\n#![deny(unsafe_code)]"), Vec::<String>::new());
}

#[test]
fn planted_shapes_are_found() {
    let lines = |count| "\n".repeat(count);
    assert_eq!(house::shape("src/main.rs", &lines(41)), ["src/main.rs:41: more than 40 lines"]);
    assert_eq!(house::shape("src/ui.rs", &lines(401)), ["src/ui.rs:401: more than 400 lines"]);
    assert_eq!(house::shape("src/ui.rs", &lines(400)), Vec::<String>::new());
    assert_eq!(house::shape("src/ui/mod.rs", ""), ["src/ui/mod.rs:1: foo.rs + foo/, not mod.rs"]);
    assert_eq!(house::hidden_modules("src/a.rs", "\n#[path = \"b.rs\"]\nmod b;").len(), 1);
    assert_eq!(house::hidden_modules("src/a.rs", "include!(\"b.rs\"); include_str!(\"c\");").len(), 1);
    assert_eq!(
        house::side_doors("src/lib.rs", "pub mod a;\npub use cli::run;\npub use a::B;\npub use cli::{run, args};"),
        ["src/lib.rs:3: the map re-exports more than cli::run", "src/lib.rs:4: the map re-exports more than cli::run"]
    );
}

#[test]
fn planted_machine_paths_are_found() {
    let planted = ["root", "work", "home"].map(|name| format!("cd \"/{name}/x\""));
    for plant in planted {
        assert_eq!(house::machine_traces("a", &plant).len(), 1, "{plant}");
    }
    assert_eq!(house::machine_traces("a", concat!("\nhttps://index", ".crates.io/x")).len(), 1);
    assert_eq!(house::machine_traces("a", "$HOME/work/ frame/work/ ./root/ {dir}/home/"), Vec::<String>::new());
}

fn in_model(source: &str) -> Vec<String> {
    house::trespasses(&table(), "src/model/plant.rs", source)
}

fn table() -> Vec<Room> {
    let map = format!(
        "# Other\n| a | b | c |\n## {RIGHTS}\nRead this.\n\n| room | may import | must not contain |\n|---|---|---|\n\
         | `model` | – | `tokio`, std::fs, std::net::TcpStream, Instant |\n| kernel | model | – |\n| lab | model kernel | – |\n\
         | ui | model | tokio |\n## After\n| x |\n|---|\n| y |"
    );
    let rooms = house::rights(&map).unwrap();
    assert_eq!(rooms.len(), 4);
    assert_eq!(rooms[2].may_import, ["model", "kernel"]);
    assert_eq!(rooms[1].must_not_contain, Vec::<String>::new());
    rooms
}

fn at(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

#[track_caller]
fn read(file: &str) -> String {
    fs::read_to_string(at(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[track_caller]
fn assert_clean(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

fn in_every_source(rule: impl Fn(&str, &str) -> Vec<String>) -> Vec<String> {
    sources().iter().flat_map(|(file, text)| rule(file, text)).collect()
}

/// Every source file's name and text.
fn sources() -> Vec<(String, String)> {
    let files = files_below("src");
    assert!(files.iter().any(|file| file == "src/model/event.rs"), "the walk found only {files:?}");
    let sources = files.into_iter().filter(|file| Path::new(file).extension().is_some_and(|ending| ending == "rs"));
    sources.map(|file| (file.clone(), read(&file))).collect()
}

/// The rooms by their files and directories.
fn rooms_on_disk() -> BTreeSet<String> {
    let direct = fs::read_dir(at("src")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let rooms = direct.map(|name| name.trim_end_matches(".rs").to_owned());
    rooms.filter(|name| name != "lib" && name != "main").collect()
}

/// Every file below a directory of the project, by its path from the project's root.
fn files_below(directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(at(directory)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{directory}/{name}");
        if !entry.file_type().unwrap().is_dir() {
            found.push(path);
        } else if name != "target" && name != ".git" {
            found.extend(files_below(&path));
        }
    }
    found.sort();
    found
}

/// The files that git tracks; in an exported tree without git, all but what a build leaves.
fn tracked() -> Vec<String> {
    // Another user than the owner may run this test: that is what safe.directory is about.
    let listing = Command::new("git").args(["-c", "safe.directory=*", "ls-files", "-z"]).current_dir(at("")).output();
    if let Ok(listing) = listing.as_ref().map(|output| &output.stdout).map(|text| String::from_utf8_lossy(text))
        && !listing.is_empty()
    {
        return listing.split_terminator('\0').map(str::to_owned).collect();
    }
    files_below(".").into_iter().map(|file| file.trim_start_matches("./").to_owned()).collect()
}
