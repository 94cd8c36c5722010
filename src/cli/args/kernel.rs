//! The options that set the private network's sysctls.

use clap::Args;

/// Sysctls of the private network.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Kernel settings of the private network (default: as on the host; not with --net host)")]
pub struct KernelArgs {
    /// net.ipv4.tcp_syncookies
    ///
    /// 0: a full SYN queue drops. 1: it answers with cookies. 2: cookies always.
    #[arg(long, value_name = "0|1|2", value_parser = clap::value_parser!(i64).range(0..=2), allow_negative_numbers = true)]
    pub syncookies: Option<i64>,

    /// net.ipv4.tcp_abort_on_overflow
    ///
    /// 0: a final ACK that meets a full accept queue is ignored. 1: it is answered with RST.
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(i64).range(0..=1), allow_negative_numbers = true)]
    pub abort_on_overflow: Option<i64>,

    /// net.ipv4.tcp_max_syn_backlog
    ///
    /// With SYN cookies off, ¾ of it limit the half-open requests of new peers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=2_147_483_647), allow_negative_numbers = true)]
    pub max_syn_backlog: Option<i64>,

    /// net.core.somaxconn
    ///
    /// The ceiling of every listen(backlog).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=2_147_483_647), allow_negative_numbers = true)]
    pub somaxconn: Option<i64>,

    /// net.ipv4.tcp_synack_retries
    ///
    /// How often a SYN-ACK is sent again.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=255), allow_negative_numbers = true)]
    pub synack_retries: Option<i64>,

    /// net.ipv4.tcp_syn_retries
    ///
    /// How often a client sends its SYN again.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=127), allow_negative_numbers = true)]
    pub syn_retries: Option<i64>,
}
