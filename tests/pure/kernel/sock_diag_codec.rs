//! Tests of `kernel::sock_diag::codec`.

use qviz::kernel::sock_diag::codec::{LISTEN, Row, SYN_RECV};

fn body() -> Vec<u8> {
    let mut bytes = vec![0; 72];
    bytes[..4].copy_from_slice(&[libc::AF_INET as u8, SYN_RECV, 1, 2]);
    bytes[6..8].copy_from_slice(&4000_u16.to_be_bytes());
    bytes[24..28].copy_from_slice(&[198, 18, 0, 9]);
    bytes[44..52].copy_from_slice(&0x1_0000_0007_u64.to_ne_bytes());
    bytes[52..56].copy_from_slice(&960_u32.to_ne_bytes());
    bytes
}

#[test]
fn a_request_row_is_read_in_place() {
    let row = Row::read(&body()).unwrap();
    assert!(row.is_request() && !row.is_unaccepted());
    assert_eq!(row.peer, "198.18.0.9:4000".parse().unwrap());
    assert_eq!((row.retransmits, row.expires_ms, row.cookie), (2, 960, 0x1_0000_0007));
    assert_eq!(row.v6_only, None);
}

#[test]
fn a_full_socket_in_syn_recv_is_a_fast_open_child_and_no_request() {
    let mut bytes = body();
    bytes.extend([5, 0, 8, 0, 0, 0, 0, 0]);
    let row = Row::read(&bytes).unwrap();
    assert!(!row.is_request() && row.is_unaccepted());
}

#[test]
fn a_link_local_listener_keeps_its_interface_and_whether_it_takes_ipv6_alone() {
    let mut bytes = body();
    bytes[..2].copy_from_slice(&[libc::AF_INET6 as u8, LISTEN]);
    bytes[4..6].copy_from_slice(&80_u16.to_be_bytes());
    bytes[8..10].copy_from_slice(&[0xfe, 0x80]);
    bytes[40..44].copy_from_slice(&3_u32.to_ne_bytes());
    bytes.extend([5, 0, 11, 0, 1, 0, 0, 0]);
    let row = Row::read(&bytes).unwrap();
    assert_eq!((row.local.to_string().as_str(), row.v6_only), ("[fe80::%3]:80", Some(true)));
}

#[test]
fn a_row_cut_short_is_an_error() {
    let mut bytes = body();
    bytes.extend([8, 0, 8, 0, 0, 0, 0, 0]);
    for cut in (0..72).chain([77, 79]) {
        assert!(Row::read(&bytes[..cut]).is_err(), "{cut}");
    }
    assert!(Row::read(&bytes).is_ok());
}
