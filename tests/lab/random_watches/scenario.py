"""scenario.py SEED FOLDER: a server and its clients as the seed has it, in the present network namespace, until it is killed. The first line on stdout says,
as JSON, what is to be watched and what is so: the truth that no reading of the kernel is needed for."""
import asyncio, json, os, random, signal, socket, struct, subprocess, sys, time

seed, folder = int(sys.argv[1]), sys.argv[2]
rng = random.Random(seed)
kind = rng.choice(["tcp4", "tcp4", "tcp6", "unix", "group", "two"])
backlog = rng.choice([1, 3, 5, 16, 50, 128, 511])
manner = rng.choice(["serves", "serves", "serves", "never", "keeps", "resets", "rhythm", "stopped"])
workers, service = rng.choice([1, 1, 2, 3]), rng.choice([0.0, 0.02, 0.1, 0.3])
clients = rng.choice(["patient", "patient", "patient", "give up", "reset"])
pattern = rng.choice(["steady", "poisson", "burst", "once"])
rate, burst = rng.choice([5, 15, 40, 80]), rng.choice([10, 30, 60])
half_open = rng.choice([0, 0, 0, 20]) if kind in ("tcp4", "two") else 0
sysctls = {"net.ipv4.tcp_syncookies": rng.choice([0, 1, 1, 2]), "net.ipv4.tcp_abort_on_overflow": rng.choice([0, 0, 0, 1]),
           "net.core.somaxconn": rng.choice([4096, 4096, 20]), "net.ipv4.tcp_max_syn_backlog": rng.choice([1024, 1024, 32])}
for name, value in sysctls.items():
    with open("/proc/sys/" + name.replace(".", "/"), "w") as file:
        file.write(str(value))

path, port = os.path.join(folder, "s.sock"), 8000
host = "::1" if kind == "tcp6" else "127.0.0.1"


def listener(port=port):
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
    else:
        s = socket.socket(socket.AF_INET6 if kind == "tcp6" else socket.AF_INET)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if kind == "group":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind((host, port))
    s.listen(backlog)
    return s


def serve(s, manner):
    kept = []
    while True:
        if manner == "never":
            time.sleep(60)
        if manner == "rhythm":
            time.sleep(0.7)
            s.setblocking(False)
        try:
            while True:
                c, _ = s.accept()
                c.setblocking(True)
                if manner == "keeps":
                    kept.append(c)
                    continue
                if manner == "resets":
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif manner != "rhythm":
                    try:
                        c.recv(99)
                        time.sleep(service)
                        c.sendall(b"x")
                    except OSError:
                        pass
                c.close()
        except OSError:
            pass


def fork(work, *words):
    pid = os.fork()
    if pid == 0:
        work(*words)
        os._exit(0)
    return pid


first = listener()
mine = [first] + [listener() for _ in range(workers - 1)] if kind == "group" else [first] * workers
pids = [fork(serve, s, manner) for s in mine]
if kind == "two":
    pids.append(fork(serve, listener(8001), "serves"))
for s in mine:
    s.close()
if manner == "stopped":
    os.kill(pids[0], signal.SIGSTOP)


async def one(port):
    loop = asyncio.get_running_loop()
    s = socket.socket(socket.AF_UNIX) if kind == "unix" else socket.socket(socket.AF_INET6 if kind == "tcp6" else socket.AF_INET)
    s.setblocking(False)
    patience = 60 if clients == "patient" else rng.choice([0.3, 1.0])
    try:
        await asyncio.wait_for(loop.sock_connect(s, path if kind == "unix" else (host, port)), patience)
        await loop.sock_sendall(s, b"GET")
        await asyncio.wait_for(loop.sock_recv(s, 9), patience)
    except (OSError, asyncio.TimeoutError):
        pass
    if clients == "reset" and kind != "unix":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


async def load():
    tasks, n = set(), 0
    while True:
        count, gap = {"steady": (1, 1 / rate), "poisson": (1, rng.expovariate(rate)), "burst": (burst, 1.0), "once": (burst, 60.0)}[pattern]
        for _ in range(count):
            n += 1
            tasks.add(asyncio.create_task(one(8001 if kind == "two" and n % 3 == 0 else port)))
        await asyncio.sleep(gap)


def flood():
    """Clients whose sockets drop the SYN-ACKs (IP_MINTTL)."""
    while True:
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_IP, 21, 255)
        s.setblocking(False)
        try:
            s.connect((host, port))
        except OSError:
            pass
        kept.append(s)
        time.sleep(1 / half_open)


kept = []
if half_open:
    pids.append(fork(flood))


async def main():
    # Some watches begin at once, others find what has gathered.
    loading = asyncio.create_task(load())
    await asyncio.sleep(0.2 + seed % 5 * 0.3)
    print(json.dumps(truth), flush=True)
    await loading


truth = {
    "seed": seed, "kind": kind, "backlog": backlog, "manner": manner, "workers": workers, "service": service, "clients": clients, "pattern": pattern,
    "rate": rate, "burst": burst, "half_open": half_open, "sysctls": sysctls,
    "target": path if kind == "unix" else rng.choice(["", f":{port}", f":{port}"]),
    "nobody_closes": clients == "patient", "server_resets": manner in ("resets", "rhythm"),
}
asyncio.run(main())
