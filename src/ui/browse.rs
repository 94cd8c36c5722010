//! Going through the connections one by one: which screen, which rows in which order, and the chosen one, which is kept when it
//! has ended.

use std::cmp::Reverse;

use super::keymap::{Action, Place};
use crate::fold::connection::{ClientSide, CombinedState, Connection, ServerSide};
use crate::fold::world::World;
use crate::fold::world::next_steps::NextSteps;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;
use crate::say;

/// With more connections than this there is no list.
pub const MOST_LISTED: usize = 2_000;

/// How long a filter may be.
const LONGEST_FILTER: usize = 40;

/// What fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// Both queues.
    #[default]
    Stage,
    /// Every connection, one row each.
    List,
    /// One connection, line by line.
    Ladder,
}

/// The order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The newest connection first.
    #[default]
    Newest,
    /// Those whose sides disagree first.
    State,
    /// Most SYNs, SYN-ACKs and ignored ACKs first.
    Tries,
    /// Whose timer runs out first.
    Timer,
}

/// A connection as last seen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The connection with its segment log.
    pub connection: Connection,
    /// What will come next, as far as is known.
    pub next_steps: NextSteps,
    /// How many entries are before it in the accept queue.
    pub before: Option<u32>,
    /// When it had gone; `None` while it is there.
    pub gone: Option<Stamp>,
}

/// What the screen remembers of going through the connections.
#[derive(Clone, Debug, Default)]
pub struct Browse {
    /// What fills the screen.
    pub screen: Screen,
    /// The order of the list.
    pub sort: Sort,
    /// What the rows must contain.
    pub filter: String,
    /// True while the filter is typed.
    pub typing: bool,
    /// The chosen connection.
    pub chosen: Option<Chosen>,
    /// The row of the list in which it was seen last.
    pub row: usize,
    /// Lines of the ladder below the screen.
    pub later: usize,
}

impl Sort {
    /// The order after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Newest => Self::State,
            Self::State => Self::Tries,
            Self::Tries => Self::Timer,
            Self::Timer => Self::Newest,
        }
    }

    /// The order in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Newest => say!("newest first"),
            Self::State => say!("by state"),
            Self::Tries => say!("most tries first"),
            Self::Timer => say!("next timer first"),
        }
    }
}

impl Browse {
    /// The client whose row or ladder is chosen, while it is there.
    pub fn chosen_peer(&self) -> Option<Peer> {
        self.chosen.as_ref().filter(|chosen| chosen.gone.is_none()).map(|chosen| chosen.connection.peer)
    }

    /// Where keys count now.
    pub const fn place(&self) -> Place {
        match self.screen {
            Screen::Stage => Place::Stage,
            Screen::List if self.typing => Place::Filter,
            Screen::List => Place::List,
            Screen::Ladder => Place::Ladder,
        }
    }

    /// The connections of the list, in its order.
    pub fn rows<'w>(&self, world: &'w World) -> Vec<&'w Connection> {
        if world.roster.count() > MOST_LISTED {
            return Vec::new();
        }
        let wanted = self.filter.to_lowercase();
        let mut rows: Vec<_> =
            world.roster.iter().filter(|connection| wanted.is_empty() || matches(connection, &wanted)).collect();
        let newest = |connection: &&Connection| (Reverse(connection.first_seen), connection.id, connection.peer);
        match self.sort {
            Sort::Newest => rows.sort_unstable_by_key(newest),
            Sort::State => rows.sort_by_cached_key(|connection| (state_rank(connection.belief()), newest(connection))),
            Sort::Tries => rows.sort_by_cached_key(|connection| (Reverse(tries(connection)), newest(connection))),
            Sort::Timer => rows.sort_by_cached_key(|connection| {
                let next = world.next_steps(connection).next(&world.tempo);
                (next.is_none(), next, newest(connection))
            }),
        }
        rows
    }

    /// Keeps up with the world: the chosen connection as it is now, or as it was when it went.
    pub(super) fn follow(&mut self, world: &World, now: Stamp) {
        if self.screen == Screen::Stage {
            return;
        }
        if let Some(chosen) = &mut self.chosen {
            match world.connection(&chosen.connection.peer).filter(|connection| connection.id == chosen.connection.id) {
                Some(connection) => *chosen = as_chosen(world, connection),
                None => {
                    chosen.gone.get_or_insert(now);
                }
            }
        }
        if self.screen == Screen::List {
            let rows = self.rows(world);
            self.row = self.place_in(&rows).unwrap_or(self.row).min(rows.len().saturating_sub(1));
            if self.place_in(&rows).is_none() {
                self.chosen = rows.get(self.row).map(|connection| as_chosen(world, connection));
            }
        }
    }

    /// Handles a key; false where it is not bound here.
    pub(super) fn press(&mut self, action: Action, world: &World) -> bool {
        match action {
            Action::Open => self.open(world),
            Action::Close if self.screen == Screen::Ladder => self.screen = Screen::List,
            Action::Close if self.screen == Screen::List => self.screen = Screen::Stage,
            Action::RowUp if self.screen == Screen::Ladder => self.later = (self.later + 1).min(self.lines()),
            Action::RowDown if self.screen == Screen::Ladder => self.later = self.later.saturating_sub(1),
            Action::RowUp => self.go(world, -1),
            Action::RowDown => self.go(world, 1),
            Action::Sort => self.sort = self.sort.next(),
            Action::Filter => self.typing = true,
            Action::Keep => self.typing = false,
            Action::Drop => {
                self.typing = false;
                self.filter.clear();
            }
            Action::Letter(letter) if self.filter.chars().count() < LONGEST_FILTER => self.filter.push(letter),
            Action::Erase => {
                self.filter.pop();
            }
            Action::Letter(_) => {}
            _ => return false,
        }
        true
    }

    /// Opens the ladder of this connection; false where it has gone.
    pub(super) fn open_ladder(&mut self, world: &World, (peer, id): (Peer, Option<u32>)) -> bool {
        let Some(connection) = world.connection(&peer).filter(|connection| connection.id == id) else { return false };
        self.chosen = Some(as_chosen(world, connection));
        (self.screen, self.typing, self.later) = (Screen::Ladder, false, 0);
        true
    }

    fn open(&mut self, world: &World) {
        self.later = 0;
        match self.screen {
            Screen::Stage => self.screen = Screen::List,
            Screen::List if self.chosen.is_some() => self.screen = Screen::Ladder,
            Screen::List => {}
            Screen::Ladder => {
                let last = self.rows(world).len().saturating_sub(1);
                if self.row >= last && self.place_in(&self.rows(world)).is_none_or(|row| row == last) {
                    self.choose(world, 0);
                } else {
                    self.go(world, 1);
                }
            }
        }
    }

    fn go(&mut self, world: &World, step: isize) {
        let rows = self.rows(world);
        let row = self.place_in(&rows).map_or(self.row, |row| row.saturating_add_signed(step));
        self.choose(world, row.min(rows.len().saturating_sub(1)));
    }

    fn choose(&mut self, world: &World, row: usize) {
        self.row = row;
        if let Some(connection) = self.rows(world).get(row) {
            self.chosen = Some(as_chosen(world, connection));
        }
    }

    fn place_in(&self, rows: &[&Connection]) -> Option<usize> {
        let Connection { peer, id, .. } = self.chosen.as_ref().map(|chosen| &chosen.connection)?;
        rows.iter().position(|connection| (connection.peer, connection.id) == (*peer, *id))
    }

    fn lines(&self) -> usize {
        let page = self.chosen.as_ref().and_then(|chosen| chosen.connection.segment_log());
        page.map_or(0, |page| page.entries().len().saturating_sub(1))
    }
}

/// A connection with all that is known of it now.
pub fn as_chosen(world: &World, connection: &Connection) -> Chosen {
    Chosen {
        connection: connection.clone(),
        next_steps: world.next_steps(connection),
        before: world.queued_before(connection),
        gone: None,
    }
}

fn matches(connection: &Connection, wanted: &str) -> bool {
    let sides = format!("{} {}", client_words(connection.client), server_words(connection.server));
    [connection.label(), address(connection.peer), sides, state_words(connection.belief()).into()]
        .iter()
        .any(|text| text.to_lowercase().contains(wanted))
}

/// The client's address as it is written everywhere.
pub fn address(peer: Peer) -> String {
    if peer.is_ipv4() { format!("{}:{}", peer.ip(), peer.port()) } else { format!("[{}]:{}", peer.ip(), peer.port()) }
}

/// SYNs, SYN-ACKs and ignored ACKs together.
pub fn tries(connection: &Connection) -> u32 {
    [connection.syns, connection.syn_acks, connection.acks_ignored].map(u32::from).iter().sum()
}

const fn state_rank(belief: CombinedState) -> u8 {
    match belief {
        CombinedState::Ghost | CombinedState::Phantom => 0,
        CombinedState::ClosedInQueue => 1,
        CombinedState::SynSent => 2,
        CombinedState::HalfOpen | CombinedState::CookieOut => 3,
        CombinedState::Queued => 4,
        CombinedState::Accepted => 5,
        CombinedState::Over => 6,
    }
}

/// The combined state in one word.
pub fn state_words(belief: CombinedState) -> &'static str {
    match belief {
        CombinedState::SynSent => say!("connecting"),
        CombinedState::HalfOpen => say!("half-open"),
        CombinedState::CookieOut => say!("cookie"),
        CombinedState::Ghost => say!("GHOST"),
        CombinedState::Phantom => say!("PHANTOM"),
        CombinedState::Queued => say!("queued"),
        CombinedState::ClosedInQueue => say!("closed in queue"),
        CombinedState::Accepted => say!("accepted"),
        CombinedState::Over => say!("closed"),
    }
}

/// The client's state in the words of TCP, or the errno with which it ended.
pub fn client_words(side: ClientSide) -> &'static str {
    match side {
        ClientSide::SynSent => "SYN_SENT",
        ClientSide::Connected => "ESTABLISHED",
        ClientSide::Finished => say!("finished"),
        ClientSide::Refused => "ECONNREFUSED",
        ClientSide::Reset => "ECONNRESET",
        ClientSide::TimedOut => "ETIMEDOUT",
        ClientSide::Vanished => say!("silent"),
        ClientSide::Failed(_) => say!("failed"),
    }
}

/// The server's state in the words of TCP.
pub fn server_words(side: ServerSide) -> &'static str {
    match side {
        ServerSide::Nothing => say!("nothing"),
        ServerSide::HalfOpen => "SYN_RCVD",
        ServerSide::CookieSent => say!("cookie sent"),
        ServerSide::Queued => "ESTABLISHED",
        ServerSide::QueuedClosed => say!("reset, queued"),
        ServerSide::Accepted => say!("accepted"),
        ServerSide::Closed => say!("closed"),
        ServerSide::Expired => say!("expired"),
        ServerSide::Pruned => say!("pruned"),
        ServerSide::ResetAway => say!("reset"),
    }
}
