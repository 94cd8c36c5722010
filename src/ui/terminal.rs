//! The only file that touches the terminal: raw mode, alternate screen, cursor, mouse, and the way back from them, whatever
//! happens.
//!
//! [`Screen::enter`] changes the terminal, dropping the screen restores it. A panic in any thread restores it first, then prints
//! its message, and tells the loop to end ([`panicked`]).

use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, queue, style, terminal};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::UiError;

/// Has the terminal report clicks and the wheel, with plain numbers. Not where the mouse moves: over a slow line that is too much.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";

/// The way back from it.
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// True while the terminal is ours: raw, on the alternate screen, without a cursor.
static OURS: AtomicBool = AtomicBool::new(false);

/// True when the terminal was asked to report the mouse and not yet to stop.
static REPORTS: AtomicBool = AtomicBool::new(false);

/// True when some thread has panicked since a screen was entered.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// What a terminal without a size is taken for.
const USUAL: Size = Size::new(80, 24);

/// The terminal, while it is ours.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Frame>>,
    size: Size,
    mouse: bool,
    /// What stands on the terminal may differ from what was drawn.
    stale: bool,
}

/// The bytes of one frame, sent together; thrown away when the terminal is not ours any more.
#[derive(Debug, Default)]
struct Frame(Vec<u8>);

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = std::mem::take(&mut self.0);
        if OURS.load(Ordering::SeqCst) { send(&frame) } else { Ok(()) }
    }
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, no cursor; and the mouse, where it is wanted.
    ///
    /// # Errors
    /// When standard output is no terminal, or there is none to read keys from.
    pub fn enter(mouse: bool) -> Result<Self, UiError> {
        let failed = |source| UiError::Terminal { doing: "set up", source };
        restore_on_panic();
        style::force_color_output(true);
        take(mouse).map_err(failed)?;
        let size = size();
        let viewport = Viewport::Fixed(Rect::from((Position::ORIGIN, size)));
        let terminal = Terminal::with_options(CrosstermBackend::new(Frame::default()), TerminalOptions { viewport });
        match terminal {
            Ok(terminal) => Ok(Self { terminal, size, mouse, stale: false }),
            Err(source) => {
                restore();
                Err(failed(source))
            }
        }
    }

    /// Draws one frame; only what changed is sent, in one piece. Nothing is sent while the terminal is not ours.
    ///
    /// # Errors
    /// When the terminal cannot be written to; mostly because it is gone.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        if !OURS.load(Ordering::SeqCst) {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let size = size();
        if std::mem::take(&mut self.stale) || size != self.size {
            self.size = size;
            self.terminal.resize(Rect::from((Position::ORIGIN, self.size)))?;
        }
        self.terminal.draw(|frame| paint(frame.buffer_mut()))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())
    }

    /// The size of the terminal at this moment; one that does not know is taken for 80×24.
    pub fn size(&self) -> Size {
        size()
    }

    /// Draws the next frame whole. Needed after every change of size: a terminal that went to another size and back between two
    /// frames has the old size and has lost its content.
    pub const fn redraw(&mut self) {
        self.stale = true;
    }

    /// Gives the terminal back for a while.
    pub fn leave(&mut self) {
        restore();
    }

    /// Takes the terminal again, as after `fg`; the next frame is drawn whole.
    ///
    /// # Errors
    /// When the terminal does not take part any more.
    pub fn take_again(&mut self) -> io::Result<()> {
        restore();
        self.stale = true;
        take(self.mouse)
    }

    /// True when nobody is at the other end any more.
    pub fn is_gone(&self) -> bool {
        hung_up(rustix::stdio::stdout())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
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
    let told = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    let (width, height) = told.map_or((0, 0), |told| (told.ws_col, told.ws_row));
    Size::new(if width == 0 { USUAL.width } else { width }, if height == 0 { USUAL.height } else { height })
}

fn take(mouse: bool) -> io::Result<()> {
    terminal::enable_raw_mode()?;
    OURS.store(true, Ordering::SeqCst);
    let mut bytes = Vec::new();
    queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide, Clear(ClearType::All))?;
    if mouse {
        REPORTS.store(true, Ordering::SeqCst);
        bytes.extend_from_slice(MOUSE_ON);
    }
    send(&bytes).inspect_err(|_| restore())
}

/// Gives the terminal back as it was, once.
fn restore() {
    if !OURS.swap(false, Ordering::SeqCst) {
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
    // A terminal that is gone takes nothing back.
    let _gone = queued.and_then(|()| send(&bytes));
    let _gone = terminal::disable_raw_mode();
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

/// Writes past every lock and buffer of the standard library, so that a panic can never meet one that is held.
fn send(mut bytes: &[u8]) -> io::Result<()> {
    let stdout = rustix::stdio::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(stdout, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_until_writable(stdout)?,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn wait_until_writable(stdout: BorrowedFd<'_>) -> io::Result<()> {
    let mut fds = [PollFd::from_borrowed_fd(stdout, PollFlags::OUT)];
    let a_second = Timespec { tv_sec: 1, tv_nsec: 0 };
    match poll(&mut fds, Some(&a_second)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
