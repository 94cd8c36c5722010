//! What a lesson calls a fact is what the summary of the same run says.

use std::collections::BTreeMap;
use std::path::Path;

use qviz::fold::world::World;
use qviz::report::summary::Summary;
use qviz::scenario::facts::{Facts, names};
use qviz::session::recording::read::Recording;
use serde_json::Value;

/// The place of a fact in the summary; `None` where the summary does not tell it.
fn in_summary<'a>(summary: &'a Value, name: &str) -> Option<&'a Value> {
    let parts: Vec<_> = name.split('.').collect();
    match parts[..] {
        ["sysctl", last] => {
            let sysctls = summary["sysctls"].as_object()?;
            sysctls.iter().find(|(name, _)| name.rsplit('.').next() == Some(last)).map(|(_, value)| value)
        }
        ["drops", cause, what] => {
            let drops = summary["drops"].as_array()?;
            drops.iter().find(|drop| drop["cause"] == cause)?.get(what)
        }
        ["findings", ..] => None,
        _ => parts.iter().try_fold(summary, |value, part| value.get(part)),
    }
}

fn worlds() -> Vec<(String, World)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recordings");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let tapes = files.filter(|path| path.extension().is_some_and(|extension| extension == "qviz"));
    tapes
        .map(|path| {
            let mut world = World::new();
            for fact in Recording::open(&path).unwrap().facts().unwrap() {
                world.apply(fact.at, &fact.event);
            }
            (path.display().to_string(), world)
        })
        .filter(|(_, world)| world.listeners.watching.is_none())
        .collect()
}

#[test]
fn facts_have_the_values_of_the_summary() {
    let (kept, mut seen) = (BTreeMap::new(), BTreeMap::new());
    for (tape, world) in worlds() {
        let summary = serde_json::to_value(Summary::of(&world)).unwrap();
        let facts = Facts { world: &world, kept: &kept };
        for name in names() {
            let Some(there) = in_summary(&summary, &name) else { continue };
            let here = facts.value(&name);
            let wanted = there.as_f64().or_else(|| there.as_bool().map(|so| f64::from(u8::from(so))));
            let same = match (here, wanted) {
                (Some(here), Some(wanted)) => (here - wanted).abs() <= 1e-6,
                (here, wanted) => here == wanted,
            };
            assert!(same, "{tape}: {name} is {here:?}, and {there} in the summary");
            *seen.entry(name).or_insert(0) += u32::from(wanted.is_some_and(|value| value != 0.0));
        }
        let findings = summary["findings"].as_array().unwrap();
        for finding in findings {
            let rule = finding["rule"].as_str().unwrap();
            assert_eq!(facts.value(&format!("findings.{rule}")), Some(1.0), "{tape}");
        }
    }
    // Names that were compared with nothing but zeros and nulls would prove little.
    let compared = seen.values().filter(|count| **count > 0).count();
    assert!(seen.len() > 80 && compared > 50, "{compared} of {}: {seen:?}", seen.len());
}
