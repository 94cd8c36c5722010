//! `--ascii`: one table from every sign on the screen to one ASCII character. The picture is painted once, in Unicode, and
//! translated cell by cell, so both pictures always say the same.

use ratatui::buffer::Buffer;

/// The ASCII character for a sign; `?` for one that nobody has thought of.
pub const fn of(sign: char) -> &'static str {
    match sign {
        '─' | '—' | '–' | '▔' | '▁' | '‾' => "-",
        '│' | '║' | '▏' | '▕' => "|",
        '┃' | '▐' | '↯' => "!",
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╔' | '╗' | '╚' | '╝' | '†' | '±' => {
            "+"
        }
        '━' | '═' | '‖' | '▄' | '▅' | '▌' | '≈' => "=",
        '╌' | '┄' | '┈' | '▂' | '░' | '□' | '·' | '…' | '•' => ".",
        '╎' | '┆' | '┊' | '▃' | '▒' | '▎' | '▍' | '⋮' => ":",
        '▆' | '▓' | '▋' | '▊' | '▉' | '✓' => "*",
        '▇' | '█' | '■' | '▮' => "#",
        '▶' | '→' | '›' | '»' | '≥' => ">",
        '◀' | '←' | '‹' | '«' | '≤' => "<",
        '▲' | '↑' => "^",
        '▼' | '↓' => "v",
        '✗' | '×' => "x",
        '●' => "@",
        '◌' | '○' | '◯' => "o",
        '¤' => "$",
        '↻' | '◷' => "~",
        '⊘' => "%",
        '⊖' => "&",
        'µ' => "u",
        '’' | '‘' => "'",
        '“' | '”' => "\"",
        _ => "?",
    }
}

/// Translates a whole picture.
pub fn translate(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if let Some(sign) = cell.symbol().chars().next()
            && !sign.is_ascii()
        {
            cell.set_symbol(of(sign));
        }
    }
}
