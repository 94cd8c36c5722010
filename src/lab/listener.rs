//! The real listener: socket, bind, `listen(backlog)`, and `listen()` again.
