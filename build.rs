//! Packs what the program carries (Chinese texts, lessons, demos, recordings, alert rules), deflated, so that adding a lesson or a demo is adding a file; and
//! keeps the commit and the target that `qviz --version` names.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("lessons.z"), deflated(&bound("assets/lessons", "toml")?))?;
    fs::write(out.join("challenges.z"), deflated(&bound("assets/challenges", "toml")?))?;
    let recordings = RECORDINGS.map(|name| PathBuf::from(format!("assets/recordings/{name}.qviz")));
    fs::write(out.join("demos.pack"), pack(&files("assets/demos", "qviz")?)?)?;
    fs::write(out.join("chinese.pack"), pack(&files("assets/lang/zh", "toml")?)?)?;
    fs::write(out.join("recordings.pack"), pack(&recordings)?)?;
    fs::write(out.join("texts.pack"), pack(&TEXTS.map(PathBuf::from))?)?;
    println!("cargo::rustc-env=QVIZ_TARGET={}", env::var("TARGET").unwrap_or_default());
    let libc = env::var("CARGO_CFG_TARGET_ENV").unwrap_or_default();
    println!("cargo::rustc-env=QVIZ_LIBC={libc}");
    println!("cargo::rustc-env=QVIZ_COMMIT={}", commit());
    println!("cargo::rerun-if-env-changed=QVIZ_COMMIT");
    Ok(())
}

/// Texts under their names, in one.
fn bound(folder: &str, ending: &str) -> io::Result<String> {
    let mut bound = String::new();
    for path in files(folder, ending)? {
        bound.extend(["== ", &name(&path), "\n", &fs::read_to_string(&path)?, "\n"]);
    }
    Ok(bound)
}

/// Several files, each deflated, under their names: the lengths of name and file as four bytes each, name, file.
fn pack(paths: &[PathBuf]) -> io::Result<Vec<u8>> {
    let mut pack = Vec::new();
    for path in paths {
        println!("cargo::rerun-if-changed={}", path.display());
        let (name, file) = (name(path), deflated(&fs::read_to_string(path)?));
        for length in [name.len(), file.len()] {
            pack.extend(u32::try_from(length).map_err(io::Error::other)?.to_le_bytes());
        }
        pack.extend(name.into_bytes());
        pack.extend(file);
    }
    Ok(pack)
}

fn files(folder: &str, ending: &str) -> io::Result<Vec<PathBuf>> {
    println!("cargo::rerun-if-changed={folder}");
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == ending) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Its length as eight bytes, then the deflated text.
fn deflated(text: &str) -> Vec<u8> {
    let mut packed = (text.len() as u64).to_le_bytes().to_vec();
    packed.extend(miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 10));
    packed
}

/// The commit of a clone, or that of the variable QVIZ_COMMIT; `unknown` in an unpacked crate.
fn commit() -> String {
    if let Ok(given) = env::var("QVIZ_COMMIT") {
        return given;
    }
    let head = Path::new(".git/HEAD");
    // A debug build is not made anew for each commit.
    if !head.exists() || env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        return "unknown".to_owned();
    }
    println!("cargo::rerun-if-changed=.git/HEAD");
    let branch = fs::read_to_string(head).unwrap_or_default();
    if let Some(branch) = branch.trim().strip_prefix("ref: ").filter(|branch| Path::new(".git").join(branch).exists()) {
        println!("cargo::rerun-if-changed=.git/{branch}");
    }
    let asked = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let said = asked.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    said.map_or_else(|| "unknown".to_owned(), |said| String::from_utf8_lossy(&said).trim().to_owned())
}

/// Recordings without a story that `qviz replay NAME` knows, too; the others stand behind pictures of the tests.
const RECORDINGS: [&str; 1] = ["overflow"];

/// Files that the program prints.
const TEXTS: [&str; 3] = ["assets/watch/alerts.yml", "assets/watch/grafana.json", "assets/lessons/README.md"];
