//! The areas of projector mode and the sizes in them: four classes of screens, from 80×24 up to 300×80.

use ratatui::layout::Rect;

use super::super::layout::StagePlan;
use super::super::letters::Letter;
use super::super::places::Shape;
use super::super::queue_box::Scale;

/// The areas, and the sizes of what is drawn in them. An area without room has no height.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) header: Rect,
    pub(super) clients: Rect,
    pub(super) syn_gate: Rect,
    pub(super) syn_queue: Rect,
    pub(super) accept_gate: Rect,
    pub(super) accept_queue: Rect,
    pub(super) exit_gate: Rect,
    pub(super) server: Rect,
    /// How many were dropped.
    pub(super) drop_totals: Rect,
    /// Which connections were dropped, and why.
    pub(super) floor: Rect,
    pub(super) sentence: Rect,
    pub(super) timeline: Rect,
    pub(super) footer: Rect,
    /// Titles, sentences, badges.
    pub(super) text: Letter,
    /// The numbers that matter.
    pub(super) numbers: Letter,
    /// The cause of a drop.
    pub(super) words: Letter,
    /// The name of what is under way.
    pub(super) chip: Letter,
    /// The largest place of a connection.
    pub(super) cell: Shape,
}

/// The sizes of one kind of room.
struct Room {
    smallest: (u16, u16),
    text: Letter,
    numbers: Letter,
    words: Letter,
    chip: Letter,
    cell: Shape,
    gap: u16,
    /// Columns of a queue and of the box of drops.
    queue: u16,
    drop_totals: u16,
    /// Rows of header, stage, floor and sentence.
    rows: [u16; 4],
}

const ROOMS: [Room; 4] = [
    Room {
        smallest: (260, 74),
        text: Letter::Small,
        numbers: Letter::Huge,
        words: Letter::Large,
        chip: Letter::Medium,
        cell: Shape::LARGE,
        gap: 5,
        queue: 91,
        drop_totals: 44,
        rows: [4, 39, 22, 7],
    },
    Room {
        smallest: (170, 54),
        text: Letter::Small,
        numbers: Letter::Large,
        words: Letter::Medium,
        chip: Letter::Small,
        cell: Shape::MEDIUM,
        gap: 4,
        queue: 62,
        drop_totals: 30,
        rows: [4, 29, 15, 7],
    },
    Room {
        smallest: (110, 32),
        text: Letter::Plain,
        numbers: Letter::Medium,
        words: Letter::Small,
        chip: Letter::Small,
        cell: Shape::SMALL,
        gap: 2,
        queue: 38,
        drop_totals: 25,
        rows: [1, 19, 10, 1],
    },
    Room {
        smallest: (0, 0),
        text: Letter::Plain,
        numbers: Letter::Small,
        words: Letter::Small,
        chip: Letter::Plain,
        cell: Shape::PLAIN,
        gap: 1,
        queue: 26,
        drop_totals: 15,
        rows: [1, 12, 8, 1],
    },
];

/// The most rows of the timeline, and the fewest.
const TIMELINE: (u16, u16) = (10, 4);

/// Plans the picture; `area` has at least the smallest size of the whole one.
pub(super) fn plan(area: Rect) -> Plan {
    let room = ROOMS.iter().find(|room| room.smallest.0 <= area.width && room.smallest.1 <= area.height);
    let room = room.unwrap_or(&ROOMS[3]);
    let [header, stage, floor, sentence, timeline] = heights(room, area.height);
    let mut top = area.y;
    let mut take = |height: u16| {
        let rect = Rect::new(area.x, top, area.width, height);
        top += height;
        rect
    };
    let (header, sentence) = (take(header), take(sentence));
    let (stage, floor, timeline, footer) = (take(stage), take(floor), take(timeline), take(1));
    let [clients, syn_gate, syn_queue, accept_gate, accept_queue, exit_gate, server] = columns(room, stage);
    let drop_totals = room.drop_totals.min(floor.width / 3);
    Plan {
        header,
        clients,
        syn_gate,
        syn_queue,
        accept_gate,
        accept_queue,
        exit_gate,
        server,
        drop_totals: Rect { x: floor.right() - drop_totals, width: drop_totals, ..floor },
        floor: Rect { width: floor.width - drop_totals, ..floor },
        sentence,
        timeline,
        footer,
        text: room.text,
        numbers: room.numbers,
        words: room.words,
        chip: room.chip,
        cell: room.cell,
    }
}

/// Rows of header, stage, floor, sentence and timeline; the footer's one is left.
fn heights(room: &Room, height: u16) -> [u16; 5] {
    let [header, stage, floor, sentence] = room.rows;
    let rest = height.saturating_sub(header + sentence + 1);
    let Some(spare) = rest.checked_sub(stage + floor) else {
        let floor = floor.min((rest * 2 / 5).max(5)).min(rest);
        return [header, rest - floor, floor, sentence, 0];
    };
    // A second line for the sentence comes first, then the timeline, then larger boxes.
    let more = spare.min(u16::from(room.numbers == Letter::Small));
    let spare = spare - more;
    let timeline = if spare < TIMELINE.1 { 0 } else { spare.min(TIMELINE.0) };
    let spare = spare - timeline;
    [header, stage + spare - spare / 3, floor + spare / 3, sentence + more, timeline]
}

fn columns(room: &Room, stage: Rect) -> [Rect; 7] {
    let gap = room.gap;
    let queue = room.queue.min(stage.width * 9 / 25);
    let spare = stage.width.saturating_sub(2 * queue + 3 * gap);
    let server = spare * 4 / 9;
    let mut left = stage.x;
    [spare - server, gap, queue, gap, queue, gap, server].map(|width| {
        let column = Rect { x: left, width, ..stage };
        left += width;
        column
    })
}

impl Plan {
    /// How large the queues are drawn.
    pub(super) const fn scale(&self) -> Scale {
        Scale { text: self.text, numbers: self.numbers, place: self.cell }
    }

    /// The stage as its gates need it.
    pub(super) const fn gates(&self) -> StagePlan {
        StagePlan {
            clients: self.clients,
            syn_gate: self.syn_gate,
            syn_queue: self.syn_queue,
            accept_gate: self.accept_gate,
            accept_queue: self.accept_queue,
            exit_gate: self.exit_gate,
            server: self.server,
            dropped: self.floor,
            divergent: self.drop_totals,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_areas_fill_every_size_without_overlap() {
        for (width, height) in (60..=320).step_by(3).flat_map(|width| (16..=100).map(move |height| (width, height))) {
            let plan = plan(Rect::new(0, 0, width, height));
            let rows = [plan.header, plan.sentence, plan.clients, plan.floor, plan.timeline, plan.footer];
            assert!(rows.windows(2).all(|pair| pair[0].bottom() == pair[1].y), "{width}×{height}: {plan:?}");
            assert_eq!(plan.footer.bottom(), height);
            assert_eq!(
                (plan.server.right(), plan.floor.right(), plan.drop_totals.right()),
                (width, plan.drop_totals.x, width)
            );
            let columns = [
                plan.clients,
                plan.syn_gate,
                plan.syn_queue,
                plan.accept_gate,
                plan.accept_queue,
                plan.exit_gate,
                plan.server,
            ];
            assert!(columns.windows(2).all(|pair| pair[0].right() == pair[1].x), "{width}×{height}: {plan:?}");
            assert!(plan.clients.height >= 6 && plan.floor.height >= 4, "{width}×{height}: {plan:?}");
        }
    }

    #[test]
    fn a_larger_room_has_larger_letters() {
        let sizes =
            [(80, 24), (120, 36), (200, 60), (300, 80)].map(|(width, height)| plan(Rect::new(0, 0, width, height)));
        assert!(sizes.windows(2).all(|pair| pair[0].numbers < pair[1].numbers), "{sizes:?}");
        assert!(sizes.iter().all(|plan| plan.numbers >= Letter::Small && plan.words >= Letter::Small));
        assert!(sizes[1..].iter().all(|plan| plan.timeline.height > 0), "{sizes:?}");
    }
}
