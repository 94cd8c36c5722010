//! The files that the program carries, deflated by `build.rs`: lessons, demos, recordings, alert rules, dashboard.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// A name and a packed file.
pub type Carried = (&'static str, &'static [u8]);

/// All lessons in one text, each under `== NAME`.
pub const LESSONS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lessons.z"));

/// Recorded lessons, each with its story.
pub const DEMOS: &[Carried] = include!(concat!(env!("OUT_DIR"), "/demos.rs"));

/// Recorded runs.
pub const RECORDINGS: &[Carried] = include!(concat!(env!("OUT_DIR"), "/recordings.rs"));

/// `alerts`, `grafana`, and `README`: the format of lessons.
pub const TEXTS: &[Carried] = include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// The text of a packed file; empty where it is none.
pub fn unpacked(packed: &[u8]) -> String {
    let Some((length, deflated)) = packed.split_first_chunk() else { return String::new() };
    let limit = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(0);
    let bytes = decompress_to_vec_with_limit(deflated, limit).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// The text of this name among these.
pub fn of(all: &[Carried], name: &str) -> Option<String> {
    all.iter().find(|(known, _)| *known == name).map(|(_, packed)| unpacked(packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_is_the_file() {
        let text = include_str!("../../assets/watch/alerts.yml");
        assert_eq!(of(TEXTS, "alerts").as_deref(), Some(text));
        assert_eq!(of(RECORDINGS, "overflow").unwrap(), include_str!("../../assets/recordings/overflow.qviz"));
        assert_eq!(of(TEXTS, "no-such"), None);
        assert!(unpacked(LESSONS).starts_with("== abort-on-overflow\n"));
        assert_eq!(unpacked(&[1, 2, 3]), "");
    }
}
