//! A panic in any thread gives the terminal back, once, and ends the program.
//!
//! There is no hook for this in the program: the test runs itself in a terminal, as a small program made of qviz's own rooms.

use std::path::PathBuf;

use pty_process::blocking::Command;
use qviz::fold::world::World;
use qviz::kernel::proc;
use qviz::model::settings::{ClientKind, Knobs, Sysctls};
use qviz::scenario::Script;
use qviz::session::live::{self, LabSite, LivePlan, Past};
use qviz::ui::{self, UiError, UiPlan};

use crate::lab::wait_until;
use crate::pane::{Pane, SOON};
use crate::runner::again;
use crate::traces::Traces;

/// Set where this test runs inside of the terminal: the file whose appearance makes a thread panic.
const INSIDE: &str = "QVIZ_TEST_PANIC_INSIDE";

case!(a_panic_in_another_thread_restores_the_terminal_and_ends_the_program);
fn a_panic_in_another_thread_restores_the_terminal_and_ends_the_program() {
    if let Some(sign) = std::env::var_os(INSIDE) {
        return inside(sign.into());
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sign = folder.path().join("panic");
    let [program, arguments @ ..] = again();
    let command = Command::new(program).args(arguments);
    let mut pane = Pane::start((80, 24), Pane::environment(command).env(INSIDE, &sign).env("RUST_BACKTRACE", "0"));
    let traces = Traces::of(pane.pid());
    pane.wait_for_picture();
    assert!(pane.reports_mouse(), "the picture has the mouse");
    std::fs::write(&sign, "").expect("the sign");
    let status = pane.end();
    pane.assert_left_clean(&traces);
    let afterwards = pane.afterwards();
    assert_eq!(status.code(), Some(0), "{afterwards}");
    assert_eq!(afterwards.matches("planted in a thread").count(), 1, "{afterwards}");
    assert_eq!(afterwards.matches("please report it with the lines above").count(), 1, "{afterwards}");
    assert!(afterwards.contains("ended as failed"), "{afterwards}");
}

/// A lab on loopback with its picture, and a thread that panics as soon as the sign is there.
fn inside(sign: PathBuf) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut session = live::start(plan()).expect("a session");
    std::thread::spawn(move || {
        wait_until(SOON, "the sign", || sign.exists().then_some(()));
        panic!("planted in a thread");
    });
    let ended = runtime.block_on(ui::run(
        &mut session,
        &mut World::new(),
        &UiPlan { theme: "dark".into(), mouse: true, ..UiPlan::default() },
        &mut (),
        None,
    ));
    assert!(matches!(ended, Err(UiError::Panicked)), "{ended:?}");
    eprintln!("ended as failed");
}

fn plan() -> LivePlan {
    LivePlan {
        capture: None,
        knobs: Knobs { rate: 5.0, ..Knobs::quiet() },
        clients: ClientKind::Connect,
        address: Some(([127, 0, 0, 1], 0).into()),
        seed: 1,
        count: None,
        duration: None,
        script: Script::default(),
        site: LabSite::Host { fallback: None, syn_rule: None },
        host: proc::read_sysctls(),
        sysctls: Sysctls::default(),
        programs: None,
        past: Past::default(),
    }
}
