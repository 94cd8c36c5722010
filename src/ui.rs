//! FACTS → CELLS: keymap, state, views, theme, terminal.
