//! Segments to bytes: Ethernet, IPv4 or IPv6, TCP with options and checksums.
