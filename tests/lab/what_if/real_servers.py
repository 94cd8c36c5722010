"""real_servers.py QVIZ: what qviz says that another backlog would do with a real server's clients, against what it does. Prints one JSON object per setting.

A watch of a server with backlog N tells for each other backlog how many clients would have been lost had it been set when the watch began. So another server
with the same clients has that backlog from then on, and its clients tell what became of them: a SYN that had to be sent again (connect() took longer than
0.9 s), or data that had to be (the final ACK was ignored). An overload goes on when the watch begins; bursts begin after it."""
import json, os, random, signal, socket, struct, subprocess, sys, threading, time

SERVER = """
import os, random, signal, socket, sys, time
port, backlog, service, workers, other = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
s = socket.socket(); s.bind(('127.0.0.1', port)); s.listen(backlog)
signal.signal(signal.SIGUSR1, lambda *_: s.listen(other))
parent = os.getpid()
for _ in range(workers - 1):
    if os.fork() == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        break
while service < 0:
    # An event loop: takes all that wait, answers them, and is kept off for a while once a second third.
    import select
    t = time.monotonic() + 0.6
    while time.monotonic() < t:
        if select.select([s], [], [], 0.05)[0]:
            c, _ = s.accept(); c.sendall(b'x'); c.close()
    time.sleep(-service)
while os.getpid() == parent or os.getppid() == parent:
    c, _ = s.accept()
    try:
        c.recv(99); time.sleep(service); c.sendall(b'x')
    except OSError:
        pass
    c.close()
"""
# How clients come, how long one takes, how many workers there are, how long before the watch it begins.
LOADS = {
    "pausing loop": (("steady", 60), -0.35, 1, 2),
    "four workers": (("steady", 24), 0.3, 4, 2),
    "overload": (("steady", 30), 0.1, 1, 2),
    "two workers": (("steady", 20), 0.2, 2, 2),
    "bursts": (("burst", 40, 2.6), 0.03, 1, None),
    "slow bursts": (("burst", 60, 3.7), 0.08, 2, None),
}
LASTS = 6


def client(port, told):
    began, s = time.monotonic(), socket.socket()
    one = {"began": began, "connected": None, "again": 0}
    told.append(one)
    s.settimeout(15)
    try:
        s.connect(("127.0.0.1", port))
        one["connected"] = time.monotonic()
        s.sendall(b"GET")
        s.recv(9)
    except OSError:
        pass
    try:
        # tcpi_total_retrans
        one["again"] = struct.unpack_from("I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 100)[0]
    except OSError:
        pass
    s.close()


def load(port, pattern, told, over):
    at = time.monotonic()
    count, gap = (1, 1 / pattern[1]) if pattern[0] == "steady" else pattern[1:]
    while not over.is_set():
        for _ in range(count):
            threading.Thread(target=client, args=(port, told), daemon=True).start()
        at += gap
        time.sleep(max(0, at - time.monotonic()))


class Run:
    """A server and its clients. Without `like` qviz watches it; with it the server takes another backlog as late as the watch of that run began."""

    def __init__(self, port, name, backlog, like=None, other=None):
        self.port, self.name, self.backlog, self.like, self.other = port, name, backlog, like, other
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        pattern, service, workers, before = LOADS[self.name]
        # Bursts begin after the watch: no client is in its retries when that begins. An overload goes on already.
        first = self.other if self.other and before is None else self.backlog
        words = [self.port, first, service, workers, self.other or self.backlog]
        quiet = subprocess.DEVNULL
        server = subprocess.Popen([sys.executable, "-c", SERVER, *map(str, words)], stdout=quiet, stderr=quiet, start_new_session=True)
        until(lambda: listens(self.port))
        told, over = [], threading.Event()
        clients = threading.Thread(target=load, args=(self.port, pattern, told, over), daemon=True)
        began = time.monotonic()
        if before is not None:
            clients.start()
            time.sleep(self.like.after if self.like else before)
        if self.like is None:
            words = [sys.argv[1], "watch", f":{self.port}", "--duration", f"{LASTS}s", "--json"]
            watch = subprocess.Popen(words, stdout=subprocess.PIPE)
            until(lambda: taps(watch.pid) >= 2)
            self.after = time.monotonic() - began
        elif before is not None:
            server.send_signal(signal.SIGUSR1)
        begins = time.monotonic()
        if before is None:
            time.sleep(0.3)
            clients.start()
        if self.like is None:
            self.said = json.loads(watch.communicate()[0])["listeners"][0]["what_if"] or []
        else:
            time.sleep(LASTS)
        over.set()
        ends = time.monotonic()
        time.sleep(1.5)
        self.measure([one for one in told if one["began"] < ends - 0.05], begins, time.monotonic())
        # Its workers too.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()

    def measure(self, told, begins, now):
        self.lost = self.clients = 0
        for one in told:
            connected = one["connected"] or now
            if one["began"] >= begins:
                lost = connected - one["began"] > 0.9 or one["again"] > 0
            elif connected > begins:
                # It was in its retries: it is lost if one more of them was refused.
                lost = connected - begins > 1.1
            else:
                continue
            self.clients += 1
            self.lost += lost


def listens(port):
    with open("/proc/net/tcp") as table:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in table.readlines()[1:])


def taps(pid):
    """How many packet sockets a process has."""
    with open("/proc/net/packet") as table:
        inodes = {line.split()[-1] for line in table.readlines()[1:]}
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return 0
    return sum(link.startswith("socket:[") and link[8:-1] in inodes for link in links)


def until(so):
    deadline = time.monotonic() + 20
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def together(runs):
    runs = [make() for make in runs]
    for run in runs:
        run.thread.join()
    return runs


port = iter(range(9000, 9999))
watched = []
for name in LOADS:
    watched += together([lambda backlog=backlog: Run(next(port), name, backlog) for backlog in (4, 12, 30)])
# What qviz says of the present limit is held against the clients of the same run.
measured = [(run, said, run) for run in watched for said in run.said if said["backlog"] == run.backlog]
settings = [(run, said) for run in watched for said in run.said if 2 <= said["backlog"] <= 400 and said["backlog"] != run.backlog]
for first in range(0, len(settings), 6):
    part = settings[first:first + 6]
    measured += ((*setting, other) for setting, other in zip(part, together([lambda run=run, said=said: Run(next(port), run.name, run.backlog, run, said["backlog"]) for run, said in part])))
for run, said, other in measured:
    print(json.dumps({"load": run.name, "from": run.backlog, "to": said["backlog"], "said": said, "lost": other.lost, "clients": other.clients}), flush=True)
os._exit(0)
