"""Backlog of 4 KB mails: intake beside libpq alone and beside mbsync, then the drain of the jobs.

Runs are interleaved: in each round the service, the baseline on the very rows it wrote, and mbsync on the same mailbox.
Jobs are held while intake is measured, by a trigger that gives them no due time; the baseline has the same trigger.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import harness

HOLD = """
create function bench_hold() returns trigger language plpgsql as $$ begin new.due_at := 'infinity'; return new; end $$;
create trigger bench_hold before insert on job for each row execute function bench_hold();
"""
# mbsync with FSync writes about a hundred mails a second; a tenth of the mailbox shows that as well.
FSYNC_SHARE = 10


def mbsync(user, fsync):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-mbsync."))
    configuration = folder / "mbsyncrc"
    configuration.write_text(f"""\
FSync {'yes' if fsync else 'no'}

IMAPAccount a
Host {harness.HOST}
Port {harness.port('IMAP')}
User {user}
Pass {harness.PASSWORD}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
Inbox {folder}/INBOX
Path {folder}/
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Create Near
Sync Pull
SyncState *
Patterns INBOX
""")
    begun = time.monotonic()
    subprocess.run(["mbsync", "-q", "-c", configuration, "c"], check=True, env={**os.environ, "HOME": str(folder)})
    seconds = time.monotonic() - begun
    count = sum(len(list((folder / "INBOX" / part).iterdir())) for part in ("new", "cur"))
    shutil.rmtree(folder)
    return count / seconds


def libpq(program, source, target, mails):
    output = subprocess.run(
        [program, harness.url("postgres", source), harness.url("postgres", target), str(mails), *harness.tables(source)],
        check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--libpq", required=True)
    options = parser.parse_args()
    mails = options.mails
    servers = (harness.postgres_pid(), harness.dovecot_pid())

    template = harness.fresh_database("bench_template")
    setup = harness.Service("bench@shop.example", template)
    setup.run("migrate")
    setup.stop()
    harness.psql(template, HOLD)
    knowledge = harness.ROOT / "Config/demo/knowledge"

    rates, cpu, raw, plain, synced, drains, drain_cpu, memory, bytes_each = ([] for _ in range(9))
    for run in range(options.runs):
        user = harness.fill_mailbox(f"bench{run}", mails)
        small = harness.fill_mailbox(f"small{run}", max(1, mails // FSYNC_SHARE))
        database = harness.fresh_database("bench", template)
        service = harness.Service(user, database, **{"import": {"since": "all"}})
        service.run("kb", "import", str(knowledge))
        empty = int(harness.psql(database, "select pg_database_size(current_database())"))
        before, begun = harness.processor_seconds(*servers), time.monotonic()
        service.start()
        harness.wait_for(mails, "select count(*) from folder_item", database)
        rates.append(mails / (time.monotonic() - begun))
        used = harness.processor_seconds(*servers, service.process.pid) - before
        cpu.append(used * 1000 / mails)

        target = harness.fresh_database("bench_baseline", template)
        raw.append(mails / libpq(options.libpq, database, target, mails)["seconds"])
        if shutil.which("mbsync"):
            plain.append(mbsync(user, fsync=False))
            synced.append(mbsync(small, fsync=True))

        harness.psql(database, "drop trigger bench_hold on job; update job set due_at = now() where state = 'available'; "
                               "select pg_notify('job', '')")
        before = harness.processor_seconds(*servers, service.process.pid)
        seconds = harness.wait_for(0, "select count(*) from ticket where decision is null", database, 3600)
        seconds += harness.wait_for(0, "select count(*) from job where state in ('available', 'running')", database, 3600)
        drains.append(mails / seconds)
        drain_cpu.append((harness.processor_seconds(*servers, service.process.pid) - before) * 1000 / mails)
        memory.append(service.peak_memory())
        harness.psql(database, "vacuum")
        bytes_each.append((int(harness.psql(database, "select pg_database_size(current_database())")) - empty) / mails)
        service.stop()

    harness.figure("ingest.intake", "mails/s", rates, "libpq, same rows, pipelines of 100", raw, ">= 0.5")
    harness.figure("ingest.intake_cpu", "ms/mail over all processes", cpu, goal="<= 1.0")
    if plain:
        harness.figure("ingest.intake_mbsync", "mails/s", rates, "mbsync, FSync no", plain, ">= 0.25")
        harness.figure("ingest.intake_mbsync_fsync", "mails/s", rates, "mbsync, FSync yes", synced, ">= 5")
    harness.figure("ingest.drain", "tickets/s", drains)
    harness.figure("ingest.drain_cpu", "ms/mail over all processes", drain_cpu)
    harness.figure("ingest.peak_memory", "MB", memory, goal="<= 250")
    harness.figure("ingest.bytes_in_postgres", "bytes/mail", bytes_each)


main()
