"""The mails that kill or bloat parsers, each at growing sizes, through `martlet parse-isolated` as the service runs it.

One line for each input: seconds and memory of the largest size, and whether every size was answered.
"""
import argparse
import json
import os
import subprocess
import time

SIZES = (1_000, 10_000, 100_000)


def nested(count):
    return "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(count)) + "\nx\n"


INPUTS = {
    "nested multiparts": nested,
    "sibling parts": lambda n: "Content-Type: multipart/mixed; boundary=b\n\n" + "--b\n\nx\n" * n,
    "To fields": lambda n: "To: a@example.org\n" * n + "\nx",
    "one field": lambda n: f"Subject: {'x' * n * 100}\n\nx",
    "folded field": lambda n: "Subject: x\n" + " y\n" * n + "\nx",
    "encoded words": lambda n: f"Subject: {'=?utf-8?Q?a?= ' * n}\n\nx",
    "open encoded words": lambda n: f"Subject: {'=?utf-8?Q?' * n}\n\nx",
    "RFC 2231 pieces": lambda n: "Content-Type: text/plain" + "".join(f";\n name*{i}=a" for i in range(n)) + "\n\nx",
    "references": lambda n: f"References: {'<a@example.org> ' * n}\n\nx",
    "nested messages": lambda n: "Content-Type: message/rfc822\n\n" * n + "x",
    "comments": lambda n: f"From: {'(' * n}a@example.org\n\nx",
    "brackets": lambda n: f"From: {'<' * n}a@example.org\n\nx",
    "nested groups": lambda n: f"To: {'g:' * n}{';' * n}\n\nx",
    "nested groups below": lambda n: f"Content-Type: message/rfc822\n\nTo: {'g:' * n}{';' * n}\n\nx",
    "addresses": lambda n: f"To: {'a@example.org, ' * n}\n\nx",
    "nested elements": lambda n: "Content-Type: text/html\n\n" + "<div><b>" * n + "x",
    "open quotes in tags": lambda n: "Content-Type: text/html\n\n" + "<a href=\"" * n + "x",
    "entities": lambda n: "Content-Type: text/html\n\n" + "&lt;&#x41;&amp" * n,
    "quoted lines": lambda n: "\n" + "> > > a\n" * n,
    "attributions": lambda n: "\n" + "On Mon, 6 Jan 2025 at 10:00, a <a@example.org> wrote:\n" * n,
    "words": lambda n: "\n" + "a " * n * 10,
    "uuencode": lambda n: "\n" + "begin 644 a\n" * n,
}


def measured(command, mail):
    """Seconds, peak megabytes and exit status of one run."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.stdin.write(mail)
        process.stdin.close()
    except BrokenPipeError:
        pass
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - begun, usage.ru_maxrss / 1024, process.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    options = parser.parse_args()
    failed = 0
    for name, make in INPUTS.items():
        runs = [measured([options.bin, "parse-isolated"], f"From: a@example.org\n{make(size)}".encode()) for size in SIZES]
        good = all(status == 0 and seconds < 5 and peak < 256 for seconds, peak, status in runs)
        failed += not good
        print(json.dumps({"name": f"parse.hostile {name}", "sizes": SIZES, "seconds": [round(run[0], 2) for run in runs],
                          "peakMB": [round(run[1]) for run in runs], "status": [run[2] for run in runs],
                          "goal": "status 0, < 5 s, < 256 MB", "good": good}), flush=True)
    raise SystemExit(1 if failed else 0)


main()
