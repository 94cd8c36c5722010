//! Recordings and lessons that nobody has written: thousands of damaged ones are read, folded, drawn and printed, with overflow checks.
//! None may panic, go on for ever, or bring out a byte that steers a terminal.
//!
//! So many are tried as `QVIZ_SEEDS` says, 150 for each: 300, and 3,000 in CI. `QVIZ_SEED_BASE` is printed and repeats a run.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests may stop and say why")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;

use crate::seeds::{self, Seeds};

#[path = "mutations/mutate.rs"]
mod mutate;
#[path = "mutations/show.rs"]
mod show;

/// Inputs for each seed.
const PER_SEED: u64 = 150;

/// How long one input may take, on a busy machine, unoptimized. A few hundred facts take a tenth of a second.
const LONGEST: Duration = Duration::from_secs(60);

#[test]
fn no_damaged_recording_panics_goes_on_for_ever_or_steers_the_terminal() {
    let corpus = recordings();
    each_input("mutations::no_damaged_recording", move |rng, folder| {
        let text = mutate::recording(&corpus, rng);
        let path = folder.join("input.qviz");
        fs::write(&path, &text).unwrap();
        show::recording(&path, rng);
    });
}

#[test]
fn no_damaged_lesson_panics_goes_on_for_ever_or_steers_the_terminal() {
    let corpus: Vec<_> = qviz::scenario::library::texts().map(|(_, text)| text.to_owned()).collect();
    each_input("mutations::no_damaged_lesson", move |rng, folder| {
        let text = mutate::lesson(&corpus, rng);
        fs::write(folder.join("input.toml"), &text).unwrap();
        show::lesson(&text, rng);
    });
}

/// Those of the repository that are short, and some that were made for this.
fn recordings() -> Vec<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["assets/recordings", "tests/pure/mutations"];
    let mut files: Vec<_> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "qviz"))
        .collect();
    files.sort();
    let lines = |path: &_| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
    files.iter().map(lines).collect()
}

/// Tries each input in a thread that is not waited for longer than [`LONGEST`]. What fails is kept, and named with its seed.
fn each_input(test: &str, try_one: impl Fn(&mut Pcg64Mcg, &Path) + Send + 'static) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let (begun, beginning) = mpsc::channel();
    let worker = std::thread::spawn(move || {
        for seed in Seeds::of_this_run().range() {
            for number in 0..PER_SEED {
                let _main_gives_up = begun.send((seed, number));
                let mut rng = Pcg64Mcg::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number));
                if catch_unwind(AssertUnwindSafe(|| try_one(&mut rng, &place))).is_err() {
                    return Err((seed, number));
                }
            }
        }
        Ok(())
    });
    let (mut last, mut count) = ((0, 0), 0_u64);
    let failed = loop {
        match beginning.recv_timeout(LONGEST) {
            Ok(next) => (last, count) = (next, count + 1),
            Err(mpsc::RecvTimeoutError::Timeout) => break Some((last, "it goes on for ever")),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                break worker.join().unwrap().err().map(|place| (place, "it panics"));
            }
        }
    };
    println!("{count} inputs, {}", Seeds::of_this_run());
    if let Some(((seed, number), what)) = failed {
        let kept = folder.keep();
        panic!(
            "{what}: input {number} of seed {seed}, kept in {}; {}",
            kept.display(),
            seeds::command(seed, "pure", test)
        );
    }
    assert!(count >= PER_SEED, "nothing was tried");
}
