"""How soon a command is done in one of 300 IMAP sessions that idle; the whole round trip, which begins with DONE."""
import argparse
import json
import os
import subprocess

import harness


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--commands", type=int, default=300)
    options = parser.parse_args()
    output = subprocess.run(
        [harness.MARTLET, "bench", "idle", "--port", str(harness.port("IMAP")), "--password", harness.PASSWORD,
         "--sessions", str(options.sessions), "--commands", str(options.commands)],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(output)
    times = found["milliseconds"]
    about = f"ms, {found['sessions']} sessions, {found['threads']} threads, {len(times)} commands"
    for share in (0.5, 0.99):
        harness.figure(f"idle.command.p{int(share * 100)}", about, [harness.percentile(times, share)], goal="< 50")
    harness.figure("idle.command.max", about, [max(times)])
    harness.figure("idle.connect", "s for all sessions, one after the other", [found["connect_seconds"]])


main()
