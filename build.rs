//! Binds the lessons of `assets/lessons` into one text, so that adding a lesson is adding a file.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=assets/lessons");
    let mut lessons = Vec::new();
    for entry in fs::read_dir("assets/lessons")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            lessons.push(path);
        }
    }
    lessons.sort();
    let mut bound = String::new();
    for path in lessons {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        bound.extend(["== ", &name, "\n", &fs::read_to_string(&path)?, "\n"]);
    }
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&out).join("lessons.txt"), bound)
}
