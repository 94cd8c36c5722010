//! The rules of a watch; each checks one listener.

mod accept_queue_full;
mod at_its_connection_limit;
mod default_backlog;
mod deferred_accept;
mod full_again;
mod limit_is_somaxconn;
mod limit_was_somaxconn;
mod long_wait;
mod one_member_full;
mod overflowed;
mod owner_out_of_descriptors;
mod owner_stopped;
mod owner_throttled;
mod reset_on_close;
mod server_stalled;
mod syn_queue_crowded;
mod two_programs_one_port;
mod uneven_workers;
mod unix_socket_full;

pub(super) use accept_queue_full::RULE as ACCEPT_QUEUE_FULL;
pub(super) use at_its_connection_limit::RULE as AT_ITS_CONNECTION_LIMIT;
pub(super) use default_backlog::RULE as DEFAULT_BACKLOG;
pub(super) use deferred_accept::RULE as DEFERRED_ACCEPT;
pub(super) use limit_is_somaxconn::RULE as LIMIT_IS_SOMAXCONN;
pub(super) use limit_was_somaxconn::RULE as LIMIT_WAS_SOMAXCONN;
pub(super) use long_wait::RULE as LONG_WAIT;
pub(super) use one_member_full::RULE as ONE_MEMBER_FULL;
pub(super) use overflowed::RULE as OVERFLOWED;
pub(super) use owner_out_of_descriptors::RULE as OWNER_OUT_OF_DESCRIPTORS;
pub(super) use owner_stopped::RULE as OWNER_STOPPED;
pub(super) use owner_throttled::RULE as OWNER_THROTTLED;
pub(super) use reset_on_close::RULE as RESET_ON_CLOSE;
pub(super) use server_stalled::RULE as SERVER_STALLED;
pub(super) use syn_queue_crowded::RULE as SYN_QUEUE_CROWDED;
pub(super) use two_programs_one_port::RULE as TWO_PROGRAMS_ONE_PORT;
pub(super) use uneven_workers::RULE as UNEVEN_WORKERS;
pub(super) use unix_socket_full::RULE as UNIX_SOCKET_FULL;

use super::context::{LoggedFlood, fullness, seconds};
use super::holders::Holder;
use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
