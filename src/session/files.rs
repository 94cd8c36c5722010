//! Files that a person names. They are opened with that person's own rights, whatever rights the program has been given
//! (setcap(8)), and written only where nobody else can have laid a link or a pipe in the way.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{geteuid, getuid};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::say;

/// What becomes of a file that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It keeps its content until the caller changes it.
    Kept,
    /// What is written follows its content.
    Continued,
    /// It is emptied.
    Emptied,
}

/// Opens a file for reading.
///
/// # Errors
/// Those of `open(2)`.
pub fn open(path: &Path) -> io::Result<File> {
    with_own_rights(|| File::open(path))
}

/// Reads a file of text, at most `limit` bytes of it.
///
/// # Errors
/// Those of `open(2)` and `read(2)`; [`io::ErrorKind::FileTooLarge`] for a longer one, [`io::ErrorKind::InvalidData`] where it is no text.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(open(path)?, limit + 1), &mut text)?;
    if text.len() as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

/// True for a file that has content and does not begin like this: it is something else than what would be written there.
///
/// # Errors
/// Those of `stat(2)` and of reading.
pub fn is_foreign(path: &Path, beginning: &[u8]) -> io::Result<bool> {
    match with_own_rights(|| std::fs::metadata(path)) {
        Ok(found) if found.is_file() && found.len() > 0 => {
            let mut first = Vec::new();
            io::Read::read_to_end(&mut io::Read::take(open(path)?, beginning.len() as u64), &mut first)?;
            Ok(first != beginning)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a file for writing, and creates it where there is none. In a folder that others may write to, links are not followed, and
/// what is no plain file has to be one's own. A pipe that nobody reads is an error; nothing waits for a reader.
///
/// # Errors
/// Those of `open(2)`, and what was found in the way.
pub fn create(path: &Path, existing: Existing) -> io::Result<File> {
    let is_shared = is_shared(path);
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    flags.set(OFlags::NOFOLLOW, is_shared);
    let mut options = OpenOptions::new();
    options.create(true).write(true).custom_flags(flags.bits().cast_signed());
    options.append(existing == Existing::Continued).truncate(existing == Existing::Emptied);
    let file = with_own_rights(|| options.open(path)).map_err(|error| explained(error, is_shared))?;
    let kind = file.metadata()?;
    if is_shared && !kind.is_file() && kind.uid() != geteuid().as_raw() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            say!("it is no plain file, it is somebody else's, and it stands in a folder that others may write to"),
        ));
    }
    if kind.file_type().is_fifo() || kind.file_type().is_char_device() {
        let waiting = rustix::fs::fcntl_getfl(&file)?.difference(OFlags::NONBLOCK);
        rustix::fs::fcntl_setfl(&file, waiting)?;
    }
    Ok(file)
}

/// The error of an open in words of what stands there.
fn explained(error: io::Error, is_shared: bool) -> io::Error {
    let words = match Errno::from_io_error(&error) {
        Some(Errno::LOOP) if is_shared => {
            say!("it is a symbolic link in a folder that others may write to, and such a link is not followed")
        }
        Some(Errno::NXIO) => say!("nobody reads from this pipe"),
        _ => return error,
    };
    io::Error::new(error.kind(), words)
}

/// True where others than the owner may make files beside this one, as in /tmp.
fn is_shared(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    std::fs::metadata(folder).is_ok_and(|folder| folder.mode() & 0o022 != 0)
}

/// Carries out `work` without the capabilities that the program has beyond its user's own.
fn with_own_rights<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let lent = if getuid().is_root() { None } else { lent() };
    let Some(held) = lent else { return work() };
    set_capabilities(None, CapabilitySets { effective: CapabilitySet::empty(), ..held })?;
    let done = work();
    set_capabilities(None, held)?;
    done
}

/// This thread's capabilities, where it has some in effect.
fn lent() -> Option<CapabilitySets> {
    capabilities(None).ok().filter(|held| !held.effective.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// A folder that others may write to, or not.
    fn folder(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    #[test]
    fn a_link_is_followed_only_where_nobody_else_can_have_made_it() {
        for (mode, followed) in [(0o755, true), (0o1777, false), (0o775, false)] {
            let place = folder(mode);
            let (link, target) = (place.path().join("link"), place.path().join("target"));
            std::fs::write(&target, "a diary").unwrap();
            symlink(&target, &link).unwrap();
            for existing in [Existing::Emptied, Existing::Continued, Existing::Kept] {
                let opened = create(&link, existing);
                assert_eq!(opened.is_ok(), followed, "{mode:o} {existing:?}");
                let said = opened.err().map(|error| error.to_string());
                assert!(said.is_none_or(|said| said.contains("symbolic link")), "{mode:o}");
            }
            assert_eq!(std::fs::read_to_string(&target).unwrap().is_empty(), followed);
            assert!(create(&place.path().join("new"), Existing::Emptied).is_ok(), "{mode:o}");
        }
    }

    #[test]
    fn a_pipe_without_a_reader_is_an_error_and_one_with_a_reader_is_written() {
        let place = folder(0o755);
        let pipe = place.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(create(&pipe, Existing::Emptied).unwrap_err().to_string().contains("nobody reads"));
        let reader = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(&pipe);
        let mut writer = create(&pipe, Existing::Emptied).unwrap();
        writer.write_all(b"facts").unwrap();
        assert!(!rustix::fs::fcntl_getfl(&writer).unwrap().contains(OFlags::NONBLOCK), "it waits for its reader");
        let mut read = [0; 5];
        io::Read::read_exact(&mut reader.unwrap(), &mut read).unwrap();
        assert_eq!(&read, b"facts");
    }

    #[test]
    fn a_file_keeps_goes_on_or_is_emptied_as_told() {
        let place = folder(0o1777);
        let path = place.path().join("log");
        create(&path, Existing::Emptied).unwrap().write_all(b"one").unwrap();
        create(&path, Existing::Continued).unwrap().write_all(b"two").unwrap();
        assert_eq!(read_text(&path, 6).unwrap(), "onetwo");
        create(&path, Existing::Kept).unwrap().write_all(b"2").unwrap();
        assert_eq!(read_text(&path, 6).unwrap(), "2netwo");
        assert_eq!(read_text(&path, 5).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        create(&path, Existing::Emptied).unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "");
    }
}
