//! Which columns a table of this width has. What matters most is there at 60 columns already; names take what is left.

use crate::say;

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Where it listens.
    Address,
    /// Its owner: name, process, number of further ones.
    Owner,
    /// The container or unit.
    Place,
    /// The accept queue as a bar.
    Bar,
    /// Its depth and limit.
    Queue,
    /// Its greatest depth since the watch began.
    Peak,
    /// Half-open requests.
    Syn,
    /// First SYNs per second.
    Arrivals,
    /// `accept()` calls per second.
    Accepts,
    /// Drops per second.
    DropsPerS,
    /// Drops since the watch began.
    Drops,
    /// How long the oldest client has waited.
    Oldest,
    /// The accept queue's depth lately.
    Lately,
}

impl Column {
    /// Its heading.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Address => say!("address"),
            Self::Owner => say!("owner"),
            Self::Place => say!("container, unit"),
            Self::Bar => "accept",
            Self::Queue => say!("depth/cap."),
            Self::Peak => say!("peak"),
            Self::Syn => "SYN",
            Self::Arrivals => say!("arr/s"),
            Self::Accepts => say!("acc/s"),
            Self::DropsPerS => say!("drop/s"),
            Self::Drops => say!("drops"),
            Self::Oldest => say!("waits"),
            Self::Lately => say!("lately"),
        }
    }

    /// True for names, which begin at the left; numbers end at the right.
    pub(super) const fn is_name(self) -> bool {
        matches!(self, Self::Address | Self::Owner | Self::Place | Self::Bar | Self::Lately)
    }
}

/// The columns and their widths; one empty cell is between two.
pub(super) fn columns(width: u16) -> Vec<(Column, u16)> {
    let bar = match width {
        0..70 => 5,
        70..100 => 6,
        _ => 10,
    };
    let queue = if width < 100 { 12 } else { 16 };
    let fixed = [
        (Column::Bar, bar, 0),
        (Column::Queue, queue, 0),
        (Column::Peak, 5, 76),
        (Column::Syn, 4, 70),
        (Column::Arrivals, 6, 96),
        (Column::Accepts, 6, 104),
        (Column::DropsPerS, 6, 96),
        (Column::Drops, 6, 0),
        (Column::Oldest, 5, 0),
    ];
    let shown: Vec<_> = fixed.into_iter().filter(|(.., from)| width >= *from).collect();
    let used: u16 = shown.iter().map(|(_, width, _)| width + 1).sum();
    let rest = width.saturating_sub(used + MARK_WIDTH);
    let (place, lately) = match width {
        0..126 => (0, 0),
        126..160 => (rest / 4, 0),
        _ => (rest / 4, rest / 4),
    };
    let names = rest.saturating_sub(place + lately);
    let address = (names * 3 / 5).min(48);
    let owner = names - address;
    let mut columns = vec![(Column::Address, address.saturating_sub(1)), (Column::Owner, owner.saturating_sub(1))];
    if place > 1 {
        columns.push((Column::Place, place - 1));
    }
    columns.extend(shown.into_iter().map(|(column, width, _)| (column, width)));
    if lately > 1 {
        columns.push((Column::Lately, lately - 1));
    }
    columns
}

/// Cells before the first column, for the mark of the chosen row.
pub(super) const MARK_WIDTH: u16 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_every_width_and_never_more() {
        for width in 58..=400 {
            let sum: u16 = MARK_WIDTH + columns(width).iter().map(|(_, width)| width + 1).sum::<u16>();
            assert!(sum <= width + 1 && sum + 3 >= width, "{width}: {sum}");
            assert!(columns(width).iter().all(|(_, width)| *width >= 4), "{width}: {:?}", columns(width));
        }
    }
}
