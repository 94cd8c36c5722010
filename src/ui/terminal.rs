//! The only room that touches the terminal: raw mode, alternate screen, cursor, mouse, and the way back from them, whatever
//! happens.
//!
//! [`Screen::enter`] changes the terminal, dropping the screen restores it. A panic in any thread restores it first, then prints
//! its message, and makes the loop end ([`panicked`]). A thread of its own writes, so that a stalled terminal holds up
//! neither the run nor its end.
//!
//! Frames are written by ratatui's own diff and backend ([`changes`]). In the default lab at 120×36 that is about 1 KB on average, a
//! quarter of it in the median frame, and 4.7 KB in the 99th percentile, when the timeline moves by a column.

use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, queue, style, terminal};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Span;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{LARGEST, UiError};

mod clipboard;
mod outlet;

use outlet::Outlet;

/// Has the terminal report clicks and the wheel, with plain numbers. Not where the mouse moves: over a slow line that is too much.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";

/// The way back from it.
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// True while qviz has the terminal: raw, on the alternate screen, without a cursor.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// True when the terminal was asked to report the mouse and not yet to stop.
static REPORTS: AtomicBool = AtomicBool::new(false);

/// True when some thread has panicked since a screen was entered.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// The way to the terminal, from the first screen on.
static OUTLET: OnceLock<Outlet> = OnceLock::new();

/// How long a terminal may accept no bytes before it counts as stalled.
const STALL_TIMEOUT: Duration = Duration::from_millis(120);

/// What a terminal without a size is taken for.
const USUAL: Size = Size::new(80, 24);

/// The terminal, while it is ours.
#[derive(Debug)]
pub struct Screen {
    outlet: Outlet,
    /// What was drawn last; `None`: the terminal's content is unknown.
    shown: Option<Buffer>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, no cursor; and the mouse, where it is wanted.
    ///
    /// # Errors
    /// When standard output is no terminal, or there is none to read keys from.
    pub fn enter(mouse: bool) -> Result<Self, UiError> {
        let failed = |source| UiError::Terminal { doing: crate::say!("set up"), source };
        restore_on_panic();
        let outlet = outlet().map_err(failed)?;
        // With NO_COLOR the theme has no colours; crossterm by itself would leave bold and reversed out, too.
        style::force_color_output(true);
        take(&outlet, mouse).map_err(failed)?;
        Ok(Self { outlet, shown: None, mouse })
    }

    /// Draws one frame; only what changed is sent, in one piece, and nothing where nothing did. Nothing is sent while the terminal
    /// is not ours.
    ///
    /// # Errors
    /// When the terminal cannot be written to; mostly because it is gone.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        self.outlet.check()?;
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut picture = Buffer::empty(Rect::from((Position::ORIGIN, size())));
        paint(&mut picture);
        let changes = changes(&mut self.shown, picture)?;
        if !changes.is_empty() {
            self.outlet.send(changes);
        }
        Ok(())
    }

    /// True while the terminal has not taken the last frame yet: it is slow or stalled. Another frame would only have to
    /// wait behind that one.
    pub fn is_behind(&self) -> bool {
        self.outlet.is_busy()
    }

    /// The size of the picture: that of the terminal at this moment, at most [`LARGEST`]; one that does not know is taken for 80×24.
    #[expect(
        clippy::unused_self,
        reason = "only who has taken the terminal asks: what it is lies in the terminal, not here"
    )]
    pub fn size(&self) -> Size {
        size()
    }

    /// Draws the next frame whole. Needed after every change of size: a terminal that went to another size and back between two
    /// frames has the old size and has lost its content.
    pub fn redraw(&mut self) {
        self.shown = None;
    }

    /// Asks the terminal to put this line into the clipboard (OSC 52); over ssh too. A terminal that may not do that ignores it.
    pub fn copy(&self, line: &str) {
        self.outlet.send(clipboard::osc_52(line));
    }

    /// Gives the terminal back for a while.
    #[expect(
        clippy::unused_self,
        reason = "only who has taken the terminal asks: what it is lies in the terminal, not here"
    )]
    pub fn leave(&mut self) {
        restore();
    }

    /// Takes the terminal again, as after `fg`; the next frame is drawn whole.
    ///
    /// # Errors
    /// When the terminal does not take part any more.
    pub fn take_again(&mut self) -> io::Result<()> {
        restore();
        self.shown = None;
        take(&self.outlet, self.mouse)
    }

    /// True when the terminal has hung up.
    #[expect(
        clippy::unused_self,
        reason = "only who has taken the terminal asks: what it is lies in the terminal, not here"
    )]
    pub fn is_gone(&self) -> bool {
        hung_up(rustix::stdio::stdout())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// The bytes that turn what is `shown` into this picture, as one synchronized update; none where that is the same. Where the content of
/// the screen is unknown, or it has another size, it is cleared first.
///
/// # Errors
/// Those of the backend, which memory does not have.
pub fn changes(shown: &mut Option<Buffer>, picture: Buffer) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let known = shown.take().filter(|shown| shown.area == picture.area);
    let clears = known.is_none();
    let before = known.unwrap_or_else(|| Buffer::empty(picture.area));
    let cells = before.diff(&picture);
    if clears || !cells.is_empty() {
        queue!(bytes, BeginSynchronizedUpdate)?;
        if clears {
            queue!(bytes, style::SetAttribute(style::Attribute::Reset), Clear(ClearType::All))?;
        }
        CrosstermBackend::new(&mut bytes).draw(cells.into_iter())?;
        queue!(bytes, EndSynchronizedUpdate)?;
    }
    *shown = Some(without_hidden(picture));
    Ok(bytes)
}

/// The picture with nothing behind characters of two columns: what a terminal leaves there when half of such a character is overwritten is
/// undefined, so that the next character there has to be written even if it is a blank.
fn without_hidden(mut picture: Buffer) -> Buffer {
    for index in 1..picture.content.len() {
        let symbol = picture.content[index - 1].symbol();
        if symbol.len() > 2 && Span::raw(symbol).width() > 1 {
            picture.content[index].set_symbol("");
        }
    }
    picture
}

/// True when some thread has panicked since a screen was entered.
pub fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// Stops this program with its whole process group, as Ctrl-Z does in a shell. The terminal must have been given back.
///
/// # Errors
/// When the kernel refuses.
pub fn stop_here() -> io::Result<()> {
    Ok(rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?)
}

/// True when this end of a terminal has lost its other end.
pub(super) fn hung_up(terminal: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(terminal, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let asked = poll(&mut fds, Some(&at_once));
    asked.is_ok_and(|ready| ready > 0) && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

fn size() -> Size {
    let reported = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    let (width, height) = reported.map_or((0, 0), |reported| (reported.ws_col, reported.ws_row));
    bounded(Size::new(width, height))
}

/// A size in which a picture can be drawn: whatever the terminal reports, a picture takes little memory.
fn bounded(reported: Size) -> Size {
    let or_usual = |reported, usual| if reported == 0 { usual } else { reported };
    let size = Size::new(or_usual(reported.width, USUAL.width), or_usual(reported.height, USUAL.height));
    Size::new(size.width.min(LARGEST.width), size.height.min(LARGEST.height))
}

fn outlet() -> io::Result<Outlet> {
    if let Some(outlet) = OUTLET.get() {
        return Ok(outlet.clone());
    }
    let outlet = Outlet::stdout()?;
    Ok(OUTLET.get_or_init(|| outlet).clone())
}

fn take(outlet: &Outlet, mouse: bool) -> io::Result<()> {
    terminal::enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut bytes = Vec::new();
    queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide, Clear(ClearType::All))?;
    if mouse {
        REPORTS.store(true, Ordering::SeqCst);
        bytes.extend_from_slice(MOUSE_ON);
    }
    outlet.send(bytes);
    outlet.drain(STALL_TIMEOUT);
    outlet.check().inspect_err(|_| restore())
}

/// Gives the terminal back as it was, once.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut bytes = Vec::new();
    if REPORTS.swap(false, Ordering::SeqCst) {
        bytes.extend_from_slice(MOUSE_OFF);
    }
    let queued = queue!(
        bytes,
        EndSynchronizedUpdate,
        style::SetAttribute(style::Attribute::Reset),
        DisableBracketedPaste,
        cursor::Show,
        LeaveAlternateScreen
    );
    if let (Ok(()), Some(outlet)) = (queued, OUTLET.get()) {
        outlet.send_last(bytes, STALL_TIMEOUT);
    }
    // A terminal that is gone takes nothing back.
    let _gone = terminal::disable_raw_mode();
}

/// Writes to standard output where the picture was; does not wait for a stalled terminal. False: the terminal is stalled.
///
/// # Errors
/// When it cannot be written.
pub fn print(bytes: Vec<u8>) -> io::Result<bool> {
    let outlet = outlet()?;
    let taken = outlet.send_last(bytes, STALL_TIMEOUT);
    outlet.check().map(|()| taken)
}

/// True for a terminal that takes nothing at this moment, nor soon.
pub fn is_stalled(terminal: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(terminal, PollFlags::OUT)];
    let soon = Timespec { tv_sec: 0, tv_nsec: STALL_TIMEOUT.subsec_nanos().into() };
    rustix::termios::isatty(terminal) && poll(&mut fds, Some(&soon)) == Ok(0)
}

fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            print(panic);
            let _nobody_reads = io::stderr().write_all(b"qviz: this is a bug; please report it with the lines above\n");
            PANICKED.store(true, Ordering::SeqCst);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_never_larger_than_a_recording_may_be_drawn() {
        assert_eq!(bounded(Size::new(30_000, 30_000)), LARGEST);
        assert_eq!(bounded(Size::new(0, 0)), USUAL);
        assert_eq!(bounded(Size::new(120, u16::MAX)), Size::new(120, LARGEST.height));
    }
}
