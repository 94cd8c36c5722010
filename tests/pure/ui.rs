//! Facts → cells: keys, numbers, export.

#[path = "ui/export_motion.rs"]
mod export_motion;
#[path = "ui/export_svg.rs"]
mod export_svg;
#[path = "ui/keymap.rs"]
mod keymap;
#[path = "ui/numbers.rs"]
mod numbers;
#[path = "ui/pace.rs"]
mod pace;
#[path = "ui/state.rs"]
mod state;
#[path = "ui/theme.rs"]
mod theme;
