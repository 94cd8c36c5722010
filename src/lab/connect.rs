//! Real `connect(2)` clients from many loopback source addresses, every errno by name.
