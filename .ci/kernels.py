"""Judges what qviz said in each kernel (.ci/kernels), and prints one table. Exit code 1 when a column is not as it has to be."""
import json
import pathlib
import sys

FOLDER = pathlib.Path(sys.argv[1])
MIXES = 12
RULES = ["two-queues", "n-plus-one", "syn-cookies", "backlog-zero"]


class Kernel:
    """The results of one kernel."""

    def __init__(self, name):
        self.folder = FOLDER / name
        self.faults = []

    def text(self, part):
        path = self.folder / part
        return path.read_text(errors="replace") if path.exists() else ""

    def document(self, part):
        try:
            return json.loads(self.text(part + ".out"))
        except ValueError:
            said = (self.text(part + ".err").strip() or "nothing was said").splitlines()[-1]
            self.faults.append(f"{part}: no document (exit {self.text(part + '.code').strip() or '?'}): {said[:200]}")
            return None

    def holds(self, what, is_so, why):
        if not is_so:
            self.faults.append(f"{what}: {why}")
        return is_so

    def doctor(self, part):
        document = self.document(part)
        if document is None:
            return "–"
        failed = [check["id"] for check in document["checks"] if check["works"] is False and not check["id"].startswith("terminal.")]
        self.holds(part, document["works"], f"the lab does not work: {failed}")
        return "ok" if document["works"] else "NO"

    def balanced(self, part):
        document = self.document(part)
        if document is None:
            return False
        ledger = document["ledger"]
        return self.holds(part, ledger["balanced"] is True, f"the ledger: {ledger['balanced']} {ledger['unexplained']}")

    def syn_queue(self, part):
        document = self.document(part)
        if document is None:
            return "–"
        said, real = document["listener"]["syn_capacity"], document["syn_queue"]["max"]
        self.holds(part, said == real, f"said {said}, held {real}")
        return f"{real} / {said}"

    def here(self):
        good = self.balanced("here")
        code = self.text("here-first.code").strip()
        good &= self.holds("here-first", code == "1" and "first network namespace" in self.text("here-first.err"), f"not refused: exit {code}")
        return "ok" if good else "NO"

    def quiet(self):
        notes = [line for line in self.text("lab-user.err").splitlines() if line.startswith("note:")]
        return "none" if self.holds("lab-user", not notes, f"notes nobody asked for: {notes}") else str(len(notes))

    def watch(self):
        document = self.document("watch")
        found = [one["accept_queue"] for one in (document or {}).get("listeners", []) if one["address"] == "127.0.0.1:8080"]
        is_so = [(queue["depth"], queue["limit"]) for queue in found] == [(3, 2)]
        return "ok" if self.holds("watch", is_so, f"3 of 2 were wanted: {found}") else "NO"

    def terminal(self):
        good = True
        for part, code in [("terminal-key", 0), ("terminal-signal", 143)]:
            said, ended = self.text(part + ".out"), self.text(part + ".code").strip()
            left = said.rfind("\x1b[?1049l") > said.rfind("\x1b[?1049h") >= 0 and "\x1b[?25h" in said
            good &= self.holds(part, left and ended == str(code), f"exit {ended}, wanted {code}; left: {left}")
        return "ok" if good else "NO"

    def lessons(self, part):
        if not self.text("parts"):
            return "not run"
        if not (self.folder / (part + ".code")).exists():
            self.faults.append(f"{part}: did not come to its end")
            return "–"
        document = self.document(part)
        if document is None:
            return "–"
        for lesson in document["lessons"]:
            wrong = [f"{check['what']} (expected {check['expected']}, measured {check['measured']})" for check in lesson["checks"] if not check["passed"]]
            self.holds(part, lesson["passed"] is not False, f"{lesson['id']}: {'; '.join(wrong)[:400]}")
        counts = f"{document['passed']}/{document['failed']}"
        return counts + (f", {document['skipped']} skipped" if document["skipped"] else "")

    def rules(self):
        passed = 0
        for name in RULES:
            document = self.document("rule-" + name)
            if document is not None:
                said = [f"{check['what']}: {check['measured']}" for check in document["lessons"][0]["checks"] if not check["passed"]]
                passed += self.holds(name, document["passed"] == 1, f"as a user: {document['lessons'][0].get('skipped') or said}")
        return f"{passed}/{len(RULES)}"

    def row(self):
        release = self.text("release").strip() or "did not boot"
        self.holds("boot", release != "did not boot", self.text("console")[-300:])
        uptimes = [float(line.split()[0]) for line in self.text("uptime").splitlines()]
        took = f"{uptimes[1] - uptimes[0]:.0f} s" if len(uptimes) == 2 else "–"
        labs = [self.balanced(part) for part in ("lab", "lab-user")]
        mixes = sum(self.balanced(f"mix{number}") for number in range(1, MIXES + 1))
        skipped = [] if document_skips(self) is None else document_skips(self)
        return [
            release,
            " ".join([self.doctor("doctor"), self.doctor("doctor-user")]),
            "ok" if all(labs) else "NO",
            self.syn_queue("syn-queue"),
            self.syn_queue("syn-zero"),
            f"{mixes}/{MIXES}",
            self.here(),
            self.quiet(),
            self.watch(),
            self.terminal(),
            self.rules(),
            self.lessons("lessons"),
            self.lessons("lessons-user"),
            took,
        ], skipped


def document_skips(kernel):
    """Why lessons were skipped as a user: a true reason has to be given."""
    try:
        document = json.loads(kernel.text("lessons-user.out"))
    except ValueError:
        return None
    return [f"{lesson['id']}: {lesson['skipped']}" for lesson in document["lessons"] if lesson.get("skipped")]


HEAD = [
    "kernel",
    "doctor root, user",
    "default lab",
    "SYN queue at backlog 5: real / said",
    "at 0",
    "mixes balanced",
    "--net here",
    "notes",
    "watch",
    "terminal",
    "lessons on its rule, user",
    "all lessons root",
    "user",
    "time",
]


def main():
    rows, faults, skips = [HEAD, ["---"] * len(HEAD)], [], []
    for name in sys.argv[2:]:
        kernel = Kernel(name)
        row, skipped = kernel.row()
        rows.append(row)
        faults += [f"{row[0]}: {fault}" for fault in kernel.faults]
        skips += [f"{row[0]}: skipped as a user: {why}" for why in skipped]
    for row in rows:
        print("| " + " | ".join(row) + " |")
    for line in skips + faults:
        print(line)
    return 1 if faults else 0


sys.exit(main())
