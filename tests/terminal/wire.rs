//! Being the network: with a client chosen, `x` loses its next segment and `H` holds its segments; `nstat` and `ss` see what the
//! listener's kernel makes of it.

use crate::lab::{nstat, ss_half_open, ss_listener, wait_until};
use crate::needs::network;
use crate::pane::{Pane, SOON};
use crate::step::next_is;

/// One client whose final ACK is under way and whose time stands still, chosen in the list.
fn with_final_ack_under_way(options: &str) -> Pane {
    network();
    let mut pane = Pane::qviz((200, 60), &format!("--backlog 5 --rate 0 --arrivals steady --count 1 {options}"));
    pane.wait_for_picture();
    pane.press(b"t");
    pane.wait_for("client time paused");
    pane.press(b"\x1b[A");
    pane.wait_for("0.5/s");
    while !next_is(&mut pane, "SYN-ACK reaches the client") {}
    assert_eq!(ss_half_open(pane.pid(), 8080), 1);
    pane.press(b"\r");
    pane.wait_for("CONNECTIONS 1");
    pane
}

fn depth(pid: u32) -> u32 {
    ss_listener(pid, 8080).unwrap_or_else(|| panic!("nothing listens")).0
}

/// What the kernel has sent again.
fn repeated(pid: u32) -> u64 {
    nstat(pid)["TcpExtTCPSynRetrans"]
}

case!(a_lost_final_ack_leaves_a_request_whose_syn_ack_the_kernel_repeats);
fn a_lost_final_ack_leaves_a_request_whose_syn_ack_the_kernel_repeats() {
    let mut pane = with_final_ack_under_way("--client wire --accept-rate 0");
    let pid = pane.pid();
    // The request follows the ACK at once, and would complete the handshake as well.
    for _ in 0..2 {
        pane.press(b"x");
        pane.wait_for("is lost on its way");
    }
    let before = repeated(pid);
    pane.press(b"t");
    wait_until(SOON, "a repeated SYN-ACK", || {
        pane.read();
        (repeated(pid) > before).then_some(())
    });
    assert_eq!(nstat(pid)["TcpExtListenDrops"], 0, "the kernel has dropped nothing");
    wait_until(SOON, "the client's answer to it", || {
        pane.read();
        (depth(pid) == 1).then_some(())
    });
    pane.press(b"\r");
    pane.wait_for("lost");
    pane.press(b"q");
    assert!(pane.end().success());
}

case!(a_held_final_ack_heals_when_it_is_let_go_also_between_real_kernels);
fn a_held_final_ack_heals_when_it_is_let_go_also_between_real_kernels() {
    for client in ["wire", "connect"] {
        let mut pane = with_final_ack_under_way(&format!("--client {client} --accept-rate 0"));
        let pid = pane.pid();
        pane.press(b"H");
        pane.wait_for("H again lets them go");
        pane.press(b"t");
        let before = repeated(pid);
        wait_until(SOON, "a repeated SYN-ACK", || {
            pane.read();
            (repeated(pid) > before).then_some(())
        });
        assert_eq!((ss_half_open(pid, 8080), depth(pid)), (1, 0), "{client}: nothing has passed");
        pane.press(b"H");
        wait_until(SOON, "the connection", || {
            pane.read();
            (depth(pid) == 1 && ss_half_open(pid, 8080) == 0).then_some(())
        });
        pane.press(b"q");
        assert!(pane.end().success());
    }
}
