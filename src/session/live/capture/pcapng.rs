//! The three kinds of blocks of which a capture consists (draft-ietf-opsawg-pcapng): a section's header, its one interface, packets.
//! Numbers are little-endian, which the header says.

/// The first four bytes of every file.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// What a file begins with: the section, and an Ethernet interface with times in nanoseconds.
pub(super) fn beginning(interface: &str) -> Vec<u8> {
    let mut section = Vec::new();
    section.extend(BYTE_ORDER.to_le_bytes());
    section.extend([1, 0, 0, 0]);
    // The section's length is not known.
    section.extend([0xff; 8]);
    let mut described = Vec::new();
    described.extend(ETHERNET.to_le_bytes());
    described.extend([0; 2]);
    // The whole frame is kept.
    described.extend(0_u32.to_le_bytes());
    option(&mut described, IF_NAME, interface.as_bytes());
    option(&mut described, IF_TSRESOL, &[NANOSECONDS]);
    option(&mut described, END, &[]);
    [block(u32::from_le_bytes(SECTION_HEADER), &section), block(INTERFACE, &described)].concat()
}

/// A frame of that interface. `at`: nanoseconds since 1970.
pub(super) fn packet(at: u64, frame: &[u8], comment: Option<&str>) -> Vec<u8> {
    let length = frame.len() as u32;
    let mut body = Vec::with_capacity(frame.len() + 64);
    for number in [0, (at >> 32) as u32, at as u32, length, length] {
        body.extend(number.to_le_bytes());
    }
    padded(&mut body, frame);
    if let Some(comment) = comment {
        option(&mut body, COMMENT, comment.as_bytes());
        option(&mut body, END, &[]);
    }
    block(PACKET, &body)
}

/// A block: its kind, its length before and after the body.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes(), &length, body, &length].concat()
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    padded(body, value);
}

/// Everything begins at a multiple of four bytes.
fn padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend(bytes);
    body.extend(std::iter::repeat_n(0, bytes.len().next_multiple_of(4) - bytes.len()));
}

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Kinds of blocks: interface description, enhanced packet.
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
/// Codes of options.
const END: u16 = 0;
const COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
/// LINKTYPE_ETHERNET
const ETHERNET: u16 = 1;
/// if_tsresol: a power of ten.
const NANOSECONDS: u8 = 9;
