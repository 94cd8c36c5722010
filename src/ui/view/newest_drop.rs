//! The ladder of the client that the headline speaks of, beside the picture where there is room to spare: the newest drop.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, ladder, text};
use crate::say;
use crate::ui::browse;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let subject = scene.world.headline.subject().and_then(|peer| scene.world.connection(&peer));
    let Some(connection) = subject else {
        let title = say!("LADDER OF THE NEWEST DROP");
        let inner = text::frame(buf, area, (title, theme.strong()), ("", Style::new()), theme.calm());
        let unseen = scene.world.is_reduced();
        let words = if unseen { say!("? not visible here: no packet tap") } else { say!("no drops") };
        text::write(buf, inner, (1, 0), words, theme.calm());
        return;
    };
    let title = say!("LADDER OF THE NEWEST DROP · {name}", name = connection.label());
    let line = theme.text(Meaning::Lost);
    let inner = text::frame(buf, area, (&title, theme.strong()), ("", Style::new()), line);
    ladder::within(buf, inner, scene, &browse::as_chosen(scene.world, connection));
}
