"""cure.py QVIZ PROGRAM FOLDER: a real program with a backlog of 16 under bursts of 200 clients, in the present network namespace; the line that qviz says is
put into the program's configuration as it stands and applied, and the same bursts come again. A JVM begins with its default of 50. Prints one JSON object.

Program and clients share a processor, the clients first: all of a burst are there before the program has its turn."""
import json, os, re, signal, subprocess, sys, time

qviz, name, folder = sys.argv[1:4]
PORT = 8080
BURSTS = """
import socket, sys, time
for _ in range(int(sys.argv[1])):
    began, clients = time.monotonic(), []
    for _ in range(200):
        s = socket.socket(); s.setblocking(False)
        try: s.connect(('127.0.0.1', 8080))
        except BlockingIOError: pass
        clients.append(s)
    time.sleep(0.6)
    for s in clients: s.close()
    time.sleep(max(0, 1 - (time.monotonic() - began)))
"""
NGINX = """daemon off; {user}worker_processes 1; pid {folder}/pid; error_log {folder}/log; events {{}}
http {{ access_log off; client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4;
scgi_temp_path {folder}/5; server {{ {line} return 200 hi; }} }}"""
REDIS = 'port 8080\nbind 127.0.0.1\nprotected-mode no\nsave ""\n{line}\n'
PHP = "[global]\nerror_log={folder}/log\n[w]\nlisten=127.0.0.1:8080\n{line}\n{user}pm=static\npm.max_children=4\n"
NODE = "const port = 8080; const server = require('http').createServer((q, r) => r.end('hi')); {line};"
JAVA = """class Server {{ public static void main(String[] none) throws Exception {{
    int port = 8080; var listener = {line}; while (true) listener.accept().close(); }} }}"""
PROGRAMS = {
    "nginx": (NGINX, ["nginx", "-c"], "listen 127.0.0.1:8080 backlog=16;"),
    "redis": (REDIS, ["redis-server"], "tcp-backlog 16"),
    "php-fpm": (PHP, ["php-fpm", "-F", "-y"], "listen.backlog = 16"),
    "node": (NODE, ["node"], "server.listen({ port, host: '127.0.0.1', backlog: 16 })"),
    "java": ("import java.net.*;" + JAVA, ["java", "-Xint", "-XX:TieredStopAtLevel=1"], "new ServerSocket(port)"),
}
os.environ["PATH"] += ":/usr/sbin"
text, command, first = PROGRAMS[name]
if name == "php-fpm":
    versions = [file for place in os.environ["PATH"].split(":") if os.path.isdir(place) for file in os.listdir(place) if re.fullmatch(r"php-fpm[\d.]*", file)]
    command = [sorted(versions)[-1], *["-R"] * (os.getuid() == 0), *command[1:]]


def configure(line):
    if name == "node":
        # The address stays the program's own.
        line = line.replace("{ port,", "{ port, host: '127.0.0.1',") if "host" not in line else line
    path = os.path.join(folder, "configuration" + {"node": ".js", "java": ".java"}.get(name, ""))
    # In a user namespace no other user exists.
    root = {"nginx": "user root; ", "php-fpm": "user=root\ngroup=root\n"}
    user = root.get(name, "") if os.getuid() == 0 else ""
    with open(path, "w") as file:
        file.write(text.format(line=line, folder=folder, user=user) if name != "node" else text.replace("{line}", line))
    return path


def limit():
    output = subprocess.run(["ss", "-ltnH", f"sport = :{PORT}"], capture_output=True, text=True, check=True).stdout.split()
    return int(output[2]) if output else None


def until(so):
    deadline = time.monotonic() + 30
    while not so():
        assert time.monotonic() < deadline, open(os.path.join(folder, "stderr")).read()
        time.sleep(0.05)


def start(path):
    with open(os.path.join(folder, "stderr"), "a") as log:
        words = ["taskset", "-c", "0", "nice", "-n", "19", *command, path]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)
    until(limit)
    return server


def stop(server):
    os.killpg(server.pid, signal.SIGTERM)
    server.wait()
    until(lambda: limit() is None)


def drops():
    output = subprocess.run(["nstat", "-asz", "TcpExtListenDrops"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"ListenDrops\s+(\d+)", output)[1])


def burst(count, beside=lambda: None):
    before = drops()
    clients = subprocess.Popen(["taskset", "-c", "0", "nice", "-n", "-10", sys.executable, "-c", BURSTS, str(count)], stderr=subprocess.DEVNULL)
    seen = beside()
    clients.wait()
    return drops() - before, seen


server = start(configure(first))
watch = [qviz, "watch", f":{PORT}", "--duration", "5s", "--json"]
before, document = burst(6, lambda: json.loads(subprocess.run(watch, stdout=subprocess.PIPE, check=True).stdout))
actions = [action for finding in document["findings"] for action in finding["actions"]]
mine = [action["command"] for action in actions if "1024" in action["command"] and not action["command"].startswith(("qviz ", "sysctl ", "echo "))]
told = {"before": before, "actions": [action["command"] for action in actions], "line": mine[0] if mine else None}
if mine:
    path = configure(mine[0])
    reload = next((action["command"] for action in actions if action["command"].startswith("nginx ")), None)
    if reload:
        subprocess.run(["sh", "-c", reload.replace("nginx ", f"nginx -c {path} ")], check=True, stderr=subprocess.DEVNULL)
        until(lambda: limit() == 1024)
    else:
        stop(server)
        server = start(path)
    told["limit"] = limit()
    told["after"], _ = burst(4)
stop(server)
print(json.dumps(told))
