//! The AF_PACKET socket that puts the clients' frames on the wire; it refuses to exist outside a namespace that qviz made.
