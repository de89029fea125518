"""From `* EXISTS` on the wire to the committed ticket, and from LMTP's 250 to a draft that another client sees.

One clock for all: the proxy, the deliveries and the second client stamp with the system's clock, and PostgreSQL keeps the
commit time of every transaction by it (track_commit_timestamp).
"""
import argparse
import re
import smtplib
import socket
import threading
import time

import harness

USER = "latency"


class Proxy(threading.Thread):
    """Passes IMAP through and notes when INBOX was first said to hold n mails."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server((harness.HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.exists = {}

    def run(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection((harness.HOST, harness.port("IMAP")))
            state = {"inbox": False}
            for source, target, note in [(client, server, self.command), (server, client, self.reply)]:
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.pass_on, args=(source, target, note, state), daemon=True).start()

    def pass_on(self, source, target, note, state):
        try:
            while data := source.recv(65536):
                note(data, time.time(), state)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def command(self, data, _, state):
        for folder in re.findall(rb"(?i) (?:SELECT|EXAMINE) \"?([^\"\r\n ]+)", data):
            state["inbox"] = folder.upper() == b"INBOX"

    def reply(self, data, now, state):
        if state["inbox"]:
            for count in re.findall(rb"\* (\d+) EXISTS", data):
                self.exists.setdefault(int(count), now)

    def first_at_least(self, count):
        times = [seen for number, seen in self.exists.items() if number >= count]
        return min(times) if times else None


class DraftsWatcher(threading.Thread):
    """A second client that idles on Drafts: when each draft was seen, by its recipient."""

    def __init__(self, user):
        super().__init__(daemon=True)
        self.file = socket.create_connection((harness.HOST, harness.port("IMAP"))).makefile("rwb")
        self.seen = {}
        self.user = user
        self.file.readline()
        self.call(f'a login "{user}" "{harness.PASSWORD}"')
        self.call("a select Drafts")

    def call(self, line):
        self.file.write(line.encode() + b"\r\n")
        self.file.flush()
        lines = []
        while not (reply := self.file.readline()).startswith(b"a "):
            lines.append(reply)
        return lines

    def run(self):
        self.file.write(b"a idle\r\n")
        self.file.flush()
        while reply := self.file.readline():
            if found := re.match(rb"\* (\d+) EXISTS", reply):
                self.seen.setdefault(int(found[1]), time.time())

    def by_recipient(self):
        """Asked over a connection of its own, after the run."""
        other = DraftsWatcher(self.user)
        recipients, number = {}, 0
        for line in other.call("a fetch 1:* (BODY.PEEK[HEADER.FIELDS (TO)])"):
            if start := re.match(rb"\* (\d+) FETCH", line):
                number = int(start[1])
            elif found := re.search(rb"(c\d+)@example.com", line):
                seen = [at for count, at in self.seen.items() if count >= number]
                if seen:
                    recipients[found[1].decode()] = min(seen)
        return recipients


def deliver(lmtp, number):
    lmtp.sendmail(f"c{number}@example.com", [f"{USER}@shop.example"], harness.question(number))
    return time.time()


def committed(database):
    """When the ticket of each sender was committed, by the same clock."""
    rows = harness.psql(database, "select split_part(customer_email, '@', 1), "
                                  "extract(epoch from pg_xact_commit_timestamp(m.xmin)) "
                                  "from ticket t join message m on m.ticket_id = t.id")
    return {name: float(at) for name, at in (row.split("|") for row in rows.splitlines())}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=100)
    parser.add_argument("--burst", type=int, default=50)
    options = parser.parse_args()
    user = harness.fill_mailbox(USER, 0)
    database = harness.fresh_database("bench_latency")
    proxy = Proxy()
    proxy.start()
    service = harness.Service(user, database, imap=proxy.port)
    service.run("migrate")
    service.run("kb", "import", str(harness.ROOT / "Config/demo/knowledge"))
    service.start()
    # The encoder is warm once one mail has gone the whole way.
    watcher = DraftsWatcher(user)
    watcher.start()
    with smtplib.LMTP(harness.HOST, harness.port("LMTP")) as lmtp:
        deliver(lmtp, 0)
        harness.wait_for(1, "select count(*) from ticket where decision is not null", database, 60)
        sent = {}
        for number in range(1, options.mails + 1):
            begun = time.monotonic()
            sent[number] = deliver(lmtp, number)
            time.sleep(max(0, 0.2 - (time.monotonic() - begun)))
        total = options.mails + 1
        harness.wait_for(total, "select count(*) from ticket where decision is not null", database, 120)
        burst = {number: deliver(lmtp, number) for number in range(total, total + options.burst)}
        harness.wait_for(total + options.burst, "select count(*) from ticket where decision is not null", database, 120)
    time.sleep(3)
    times, drafts = committed(database), watcher.by_recipient()
    service.stop()

    stored = [times[f"c{n}"] - seen for n in sent if (seen := proxy.first_at_least(n + 1)) and f"c{n}" in times]
    drafted = [drafts[f"c{n}"] - at for n, at in sent.items() if f"c{n}" in drafts]
    late = [drafts[f"c{n}"] - at for n, at in burst.items() if f"c{n}" in drafts]
    for name, values, goal in [
            ("exists_to_ticket", stored, {0.5: "< 0.05", 0.99: "< 0.25"}), ("lmtp_to_draft", drafted, {0.5: "< 1.5"}),
            (f"burst_of_{options.burst}_to_draft", late, {0.95: "<= 5"})]:
        if not values:
            raise SystemExit(f"latency.{name}: nothing was measured")
        for share, limit in goal.items():
            harness.figure(f"latency.{name}.p{int(share * 100)}", f"s, {len(values)} mails",
                           [harness.percentile(values, share)], goal=limit)


main()
