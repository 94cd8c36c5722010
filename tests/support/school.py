"""A listener and its clients on the loopback of the namespace that it is started in, for tests of the witnesses.

Usage: school.py PORT BACKLOG. It prints "ready" when it listens; each line on stdin, a number, starts so many clients, and "done" says
that their non-blocking connect() calls were made. It never accepts.
"""

import socket
import sys

port, backlog = int(sys.argv[1]), int(sys.argv[2])
listener = socket.socket()
listener.bind(("127.0.0.1", port))
listener.listen(backlog)
print("ready", flush=True)
clients = []
for line in sys.stdin:
    for _ in range(int(line)):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        clients.append(client)
    print("done", flush=True)
