//! The capture that explains itself (`--pcap`), read by tshark: its counts are those of the document, its comments those of the ledger.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::lab;
use crate::needs::{network, tool};

const LIMIT: Duration = Duration::from_secs(60);

/// One packet as tshark prints it.
struct Packet {
    source: String,
    sequence: String,
    flags: u32,
    comment: String,
}

fn packets(file: &Path) -> Vec<Packet> {
    let fields = ["tcp.flags", "ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "frame.comment"];
    let mut tshark = tool("tshark");
    tshark.args(["-n", "-T", "fields", "-E", "separator=|", "-r"]).arg(file);
    tshark.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = tshark.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !stderr.contains("rror"), "{stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| {
            let part: Vec<&str> = line.splitn(7, '|').collect();
            let flags = u32::from_str_radix(part[0].trim_start_matches("0x"), 16).unwrap();
            let source = format!("{}{}:{}>{}", part[1], part[2], part[3], part[4]);
            Packet { source, sequence: part[5].to_owned(), flags, comment: part[6].to_owned() }
        })
        .collect()
}

/// How many packets have just these of SYN, RST and ACK, and how many different ones.
fn counted(packets: &[Packet], wanted: u32) -> (u64, u64) {
    let some: Vec<_> = packets.iter().filter(|packet| packet.flags & (SYN | RST | ACK) == wanted).collect();
    let different: BTreeSet<_> = some.iter().map(|packet| (&packet.source, &packet.sequence)).collect();
    (some.len() as u64, different.len() as u64)
}

fn drops(document: &Value) -> u64 {
    let drops = document["drops"].as_array().unwrap().iter();
    let of_segments =
        drops.filter(|drop| ["syn:", "ack:"].iter().any(|kind| drop["cause"].as_str().unwrap().starts_with(kind)));
    of_segments.map(|drop| drop["segments"].as_u64().unwrap()).sum()
}

case!(tshark_reads_each_packet_with_its_fate);
fn tshark_reads_each_packet_with_its_fate() {
    network();
    let runs = [
        "--backlog 5 --rate 60 --accept-rate 10 --rtt 50ms",
        "--client connect --backlog 5 --rate 60 --accept-rate 10 --rtt 50ms --loss 10%",
        "--backlog 5 --syncookies 2 --rate 60 --accept-rate 10 --listen [::]:8080",
        "--backlog 5 --abort-on-overflow 1 --arrivals burst:8/300ms --accept-rate 5 --rtt 50ms",
        "--client connect --backlog 3 --listen 127.0.0.1:8080 --rate 40 --accept-rate 5 --rtt 20ms",
    ];
    let folder = tempfile::tempdir().unwrap();
    for (number, options) in runs.into_iter().enumerate() {
        let file = folder.path().join(format!("{number}.pcapng"));
        let mut args: Vec<&str> = vec!["--headless", "--json", "--duration", "3s", "--pcap", file.to_str().unwrap()];
        args.extend(options.split_whitespace());
        let output = lab::run_qviz(&args, LIMIT);
        assert!(output.status.success(), "{options}: {}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let packets = packets(&file);
        let told = |name: &str| document["segments"][name].as_u64().unwrap();
        let (syns, first_syns) = counted(&packets, SYN);
        assert_eq!((syns, first_syns), (told("syn") + told("syn_retransmit"), told("syn")), "{options}: SYN");
        let (answers, _) = counted(&packets, SYN | ACK);
        assert_eq!(answers, told("syn_ack") + told("syn_ack_retransmit"), "{options}: SYN-ACK");
        let commented = |start: &str| packets.iter().filter(|packet| packet.comment.starts_with(start)).count() as u64;
        assert_eq!(commented("dropped: "), drops(&document), "{options}: {}", document["drops"]);
        assert!(drops(&document) > 0, "{options}: nothing was dropped");
        assert_eq!(commented("accepted after "), document["clients"]["accepted"].as_u64().unwrap(), "{options}");
        let waiting = document["clients"]["connected"].as_u64().unwrap();
        assert!(commented("queued: ") <= waiting, "{options}");
    }
}

case!(a_file_that_is_no_capture_is_not_overwritten);
fn a_file_that_is_no_capture_is_not_overwritten() {
    network();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("letter");
    std::fs::write(&file, "dear").unwrap();
    let output = lab::run_qviz(["--json", "--duration", "1s", "--pcap", file.to_str().unwrap()], LIMIT);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("it is not overwritten"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "dear");
}

const SYN: u32 = 0x02;
const RST: u32 = 0x04;
const ACK: u32 = 0x10;
