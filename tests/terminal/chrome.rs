//! Header and footer of a run in a real terminal: recorded, frozen, stepped.

use crate::needs::network;
use crate::pane::Pane;

case!(a_recorded_run_says_so_and_one_that_cannot_be_recorded_any_further_says_that);
fn a_recorded_run_says_so_and_one_that_cannot_be_recorded_any_further_says_that() {
    network();
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("run.qviz");
    let mut pane = Pane::qviz((120, 36), &format!("--backlog 5 --record {}", path.display()));
    pane.wait_for_picture();
    pane.wait_for("● REC");
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
    let mut pane = Pane::qviz((120, 36), "--backlog 5 --record /dev/full");
    pane.wait_for("✗ REC failed");
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(1), "the run is over, and its recording is not complete");
    assert!(!Pane::qviz((120, 36), "--backlog 5").text().contains("REC"));
}

case!(a_frozen_run_is_looked_around_in_at_any_size_and_goes_on_behind);
fn a_frozen_run_is_looked_around_in_at_any_size_and_goes_on_behind() {
    network();
    let mut pane = Pane::qviz((120, 36), "--backlog 3 --rate 8 --arrivals steady --accept-rate 2");
    pane.wait_for("SYN dropped");
    pane.press(b"f");
    pane.wait_for("FROZEN at");
    let title = |pane: &Pane| pane.text().lines().find(|line| line.contains("CONNECTIONS")).map(str::to_owned);
    pane.press(b"\r");
    pane.wait("the list", |pane| title(pane).is_some());
    let listed = title(&pane);
    pane.wait("more was dropped behind it", |pane| {
        let text = pane.text();
        text.contains(" accepted, ") && !text.contains(" 0 accepted") && !text.contains(" 0 dropped")
    });
    assert_eq!(title(&pane), listed, "the list is that of the held moment");
    pane.press(b"\r");
    pane.wait_for("LADDER · ");
    pane.resize((80, 24));
    pane.wait("the ladder at another size", |pane| {
        pane.text().contains("LADDER · ") && pane.text().contains("FROZEN at") && pane.text().contains("f unfreeze")
    });
    pane.press(b"\x1b");
    pane.wait_for("CONNECTIONS");
    pane.press(b"\x1b");
    pane.wait_for("ACCEPT");
    pane.press(b"f");
    pane.wait_for("▶ live");
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
}
