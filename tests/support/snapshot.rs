//! Texts for a reviewer, below `tests/snapshots/` whichever binary makes them.

/// Compares a text with the stored one of this name, as insta does.
#[track_caller]
pub(crate) fn store(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}
