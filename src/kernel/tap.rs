//! Every handshake segment with its kernel timestamp: an AF_PACKET socket with an in-kernel filter and a mapped ring.
