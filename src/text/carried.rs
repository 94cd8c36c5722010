//! The files that the program carries, deflated by `build.rs`: Chinese, lessons, demos, recordings, alert rules, dashboard.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// Several files under their names.
#[derive(Clone, Copy, Debug)]
pub struct Pack(&'static [u8]);

/// All lessons in one text, each under `== NAME`.
pub const LESSONS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lessons.z"));

/// All challenges in one text, each under `== NAME`.
pub const CHALLENGES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/challenges.z"));

/// Recorded lessons, each with its story.
pub const DEMOS: Pack = Pack(include_bytes!(concat!(env!("OUT_DIR"), "/demos.pack")));

/// Recorded runs.
pub const RECORDINGS: Pack = Pack(include_bytes!(concat!(env!("OUT_DIR"), "/recordings.pack")));

/// What each room says, in Simplified Chinese.
pub const CHINESE: Pack = Pack(include_bytes!(concat!(env!("OUT_DIR"), "/chinese.pack")));

/// `alerts`, `grafana`, and `README`: the format of lessons.
pub const TEXTS: Pack = Pack(include_bytes!(concat!(env!("OUT_DIR"), "/texts.pack")));

/// The text of a packed file; empty where it is none.
pub fn unpacked(packed: &[u8]) -> String {
    let Some((length, deflated)) = packed.split_first_chunk() else { return String::new() };
    let limit = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(0);
    let bytes = decompress_to_vec_with_limit(deflated, limit).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

impl Pack {
    /// The names of its files, sorted.
    pub fn names(self) -> Vec<&'static str> {
        self.files().map(|(name, _)| name).collect()
    }

    /// The text of each of its files.
    pub fn texts(self) -> impl Iterator<Item = String> {
        self.files().map(|(_, packed)| unpacked(packed))
    }

    /// The text of the file of this name.
    pub fn text(self, name: &str) -> Option<String> {
        self.files().find(|(known, _)| *known == name).map(|(_, packed)| unpacked(packed))
    }

    fn files(self) -> impl Iterator<Item = (&'static str, &'static [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (lengths, more) = rest.split_first_chunk::<8>()?;
            let [name, file] =
                [&lengths[..4], &lengths[4..]].map(|four| u32::from_le_bytes(four.try_into().unwrap_or_default()));
            let (name, more) = more.split_at_checked(name as usize)?;
            let (file, more) = more.split_at_checked(file as usize)?;
            rest = more;
            Some((std::str::from_utf8(name).ok()?, file))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_is_the_file() {
        let text = include_str!("../../assets/watch/alerts.yml");
        assert_eq!(TEXTS.text("alerts").as_deref(), Some(text));
        assert_eq!(RECORDINGS.text("overflow").unwrap(), include_str!("../../assets/recordings/overflow.qviz"));
        assert_eq!(TEXTS.text("no-such"), None);
        assert!(unpacked(LESSONS).starts_with("== abort-on-overflow\n"));
        assert_eq!(unpacked(&[1, 2, 3]), "");
        assert_eq!(Pack(&[1, 0, 0, 0, 200, 0, 0, 0, b'a']).names(), Vec::<&str>::new(), "a torn pack holds nothing");
    }
}
