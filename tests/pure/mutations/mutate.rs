//! Damage: numbers that nobody would write, texts that steer, lines in the wrong place, bytes of another file.

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _};
use rand_pcg::Pcg64Mcg;

/// Numbers at the edges of what a type holds, and beyond.
const NUMBERS: [&str; 26] = [
    "0",
    "1",
    "-1",
    "2",
    "0.5",
    "-0.0",
    "1e308",
    "-1e308",
    "1e-308",
    "127",
    "255",
    "256",
    "65535",
    "65536",
    "1000000000",
    "2147483647",
    "2147483648",
    "-2147483648",
    "4294967295",
    "4294967296",
    "316224000000000000",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "null",
];

/// Texts that steer a terminal, break a sentence, or are not what stands there.
const TEXTS: [&str; 14] = [
    "",
    "\\u001b[31mred\\u001b[0m",
    "\\u009b31m",
    "\\u007f\\u0008\\u0000",
    "\\u202eright to left\\u2066",
    "{hole}{}{{",
    "\u{202e}\u{2028}\u{9b}",
    "\\ud83d\\ude00\\u200d\u{5b57}",
    "\u{fdd0}\u{fdd1}x\u{fdd4}",
    "255.255.255.255:65535",
    "[::]:0",
    "198.18.0.1:0",
    "net.core.somaxconn",
    "syn:accept-queue-full",
];

/// A damaged recording.
pub(super) fn recording(corpus: &[Vec<String>], rng: &mut Pcg64Mcg) -> Vec<u8> {
    let whole = corpus.choose(rng).unwrap();
    // Enough facts for every part of the picture, and few enough for thousands of inputs.
    let length = rng.random_range(2..=whole.len().min(240));
    let begins = if rng.random_bool(0.3) { rng.random_range(0..=whole.len() - length) } else { 0 };
    let head = whole[..whole.len().min(4)].iter().filter(|_| begins > 4);
    let mut lines: Vec<String> = head.chain(&whole[begins..begins + length]).cloned().collect();
    for _ in 0..rng.random_range(1..8) {
        let at = rng.random_range(0..lines.len());
        match rng.random_range(0..12) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines.insert(at, corpus.choose(rng).unwrap().choose(rng).unwrap().clone()),
            3 => {
                let other = rng.random_range(0..lines.len());
                lines.swap(at, other);
            }
            4 => lines[at] = restamped(&lines[at], rng),
            5 | 6 => lines[at] = with_text(&lines[at], rng),
            _ => lines[at] = with_number(&lines[at], rng),
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
    }
    let mut bytes = lines.join("\n").into_bytes();
    if rng.random_bool(0.8) {
        bytes.push(b'\n');
    }
    spoiled(bytes, rng)
}

/// A damaged lesson.
pub(super) fn lesson(corpus: &[String], rng: &mut Pcg64Mcg) -> String {
    let mut lines: Vec<String> = corpus.choose(rng).unwrap().lines().map(str::to_owned).collect();
    for _ in 0..rng.random_range(1..5) {
        let at = rng.random_range(0..lines.len());
        match rng.random_range(0..10) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines[at] = corpus.choose(rng).unwrap().lines().collect::<Vec<_>>().choose(rng).unwrap().to_string(),
            3..=5 => lines[at] = with_text(&lines[at], rng),
            _ => lines[at] = with_number(&lines[at], rng),
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
    }
    let bytes =
        if rng.random_bool(0.2) { spoiled(lines.join("\n").into_bytes(), rng) } else { lines.join("\n").into_bytes() };
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The line at another moment: mostly a possible one.
fn restamped(line: &str, rng: &mut Pcg64Mcg) -> String {
    let Some(rest) = line.strip_prefix(r#"{"at":"#) else { return line.to_owned() };
    let Some((_, rest)) = rest.split_once(',') else { return line.to_owned() };
    let at = match rng.random_range(0..3) {
        0 => rng.random_range(0..100_000_000_000),
        1 => rng.random_range(0..=316_224_000_000_000_000),
        _ => rng.next_u64(),
    };
    format!(r#"{{"at":{at},{rest}"#)
}

/// The line with another number in it.
fn with_number(line: &str, rng: &mut Pcg64Mcg) -> String {
    let mut runs = Vec::new();
    let mut began = None;
    for (at, byte) in line.bytes().chain([b' ']).enumerate() {
        let within = byte.is_ascii_digit() || (byte == b'.' && began.is_some());
        match (within, began) {
            (true, None) => began = Some(at),
            (false, Some(start)) => {
                runs.push(start..at);
                began = None;
            }
            _ => {}
        }
    }
    let Some(run) = runs.choose(rng) else { return line.to_owned() };
    [&line[..run.start], NUMBERS.choose(rng).unwrap(), &line[run.end..]].concat()
}

/// The line with another text in one of its quotes.
fn with_text(line: &str, rng: &mut Pcg64Mcg) -> String {
    let quotes: Vec<_> = line.match_indices('"').map(|(at, _)| at).collect();
    let Some(pair) = quotes.chunks_exact(2).collect::<Vec<_>>().choose(rng).copied() else { return line.to_owned() };
    let text = if rng.random_bool(0.1) {
        "x".repeat(rng.random_range(1..100_000))
    } else {
        (*TEXTS.choose(rng).unwrap()).to_owned()
    };
    [&line[..=pair[0]], &text, &line[pair[1]..]].concat()
}

/// Sometimes a byte is another one, or the end is missing.
fn spoiled(mut bytes: Vec<u8>, rng: &mut Pcg64Mcg) -> Vec<u8> {
    if !bytes.is_empty() && rng.random_bool(0.15) {
        let at = rng.random_range(0..bytes.len());
        bytes[at] = rng.random();
    }
    if rng.random_bool(0.1) {
        bytes.truncate(rng.random_range(0..=bytes.len()));
    }
    bytes
}
