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
# Somebody else holds the mailbox until intake is to begin.
LEASE = """
insert into mailbox (id, name, address, lease_owner, lease_epoch, lease_until)
    values (1, 'bench', 'bench@shop.example', 'bench', 1, now() + interval '1 day');
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
        check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output)


def intake(service, database, servers, mails):
    """Mails a second from the folder's first sight to the last commit, and milliseconds of processor time for each.

    The service is up and waits for the mailbox's lease, so that loading its models is not counted.
    """
    before = harness.processor_seconds(*servers, service.process.pid)
    harness.psql(database, "update mailbox set lease_until = now()")
    harness.wait_for(mails, "select count(*) from folder_item", database)
    used = harness.processor_seconds(*servers, service.process.pid) - before
    seconds = float(harness.psql(database, "select extract(epoch from max(pg_xact_commit_timestamp(i.xmin)) - "
                                           "min(f.created_at)) from folder_item i, folder f"))
    return mails / seconds, used * 1000 / mails


def encode(database, texts):
    """The encoder alone, on all cores, on what triage reads of as many mails."""
    rows = harness.psql(database, "select json_build_object('subject', subject, 'body', reply_text) "
                                  f"from message order by id limit {texts}")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(rows + "\n")
        file.flush()
        output = subprocess.run(
            [harness.MARTLET, "bench", "encode", "--data", file.name, "--workers", str(os.cpu_count()), "--batch", "16",
             "--seconds", "3"], env={**os.environ, "MARTLET_MODEL": str(harness.ROOT / ".martlet/model")},
            check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def drain(service, database, servers, tickets):
    """Releases as many jobs: seconds until all are decided, until all is written into the mailbox, processor seconds."""
    before = harness.processor_seconds(*servers, service.process.pid)
    harness.psql(database, "drop trigger bench_hold on job; "
                           f"update job set due_at = now() where id in (select id from job order by id limit {tickets}); "
                           "select pg_notify('job', 'triage')")
    decided = harness.wait_for(tickets, "select count(*) from ticket where decision is not null", database, 3600)
    placed = decided + harness.wait_for(
        0, "select count(*) from mailbox_write where state in ('planned', 'writing')", database, 3600)
    return decided, placed, harness.processor_seconds(*servers, service.process.pid) - before


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--drain", type=int, help="tickets to drain; all when left out")
    parser.add_argument("--libpq", required=True)
    options = parser.parse_args()
    mails, tickets = options.mails, min(options.drain or options.mails, options.mails)
    servers = (harness.postgres_pid(), harness.dovecot_pid())

    template = harness.fresh_database("bench_template")
    setup = harness.Service("bench@shop.example", template)
    setup.run("migrate")
    setup.stop()
    harness.psql(template, HOLD + LEASE)
    rates, cpu, raw, plain, synced, drains, places, drain_cpu, encoder, encoder_cpu, memory, bytes_each = (
        [] for _ in range(12))
    kernels = ""
    for run in range(options.runs):
        user = harness.fill_mailbox(f"bench{run}", mails)
        small = harness.fill_mailbox(f"small{run}", max(1, mails // FSYNC_SHARE))
        database = harness.fresh_database("bench", template)
        with harness.Service(user, database, **{"import": {"since": "all"}}) as service:
            service.run("kb", "import", str(harness.ROOT / "Config/demo/knowledge"))
            empty = int(harness.psql(database, "select pg_database_size(current_database())"))
            service.start()
            rate, used = intake(service, database, servers, mails)
            rates.append(rate)
            cpu.append(used)

            target = harness.fresh_database("bench_baseline", template)
            harness.psql(target, "delete from mailbox")
            raw.append(mails / libpq(options.libpq, database, target, mails)["seconds"])
            harness.psql("postgres", f"drop database {target}")
            if shutil.which("mbsync"):
                plain.append(mbsync(user, fsync=False))
                synced.append(mbsync(small, fsync=True))

            before = encode(database, min(tickets, 256))
            decided, placed, used = drain(service, database, servers, tickets)
            drains.append(tickets / decided)
            places.append(tickets / placed)
            drain_cpu.append(used * 1000 / tickets)
            after = encode(database, min(tickets, 256))
            encoder.append((before["per_second"] + after["per_second"]) / 2)
            encoder_cpu.append(2000 / (before["per_processor_second"] + after["per_processor_second"]))
            kernels = after["kernels"]
            memory.append(service.peak_memory())
            harness.psql(database, "vacuum")
            size = int(harness.psql(database, "select pg_database_size(current_database())"))
            bytes_each.append((size - empty) / mails)

    harness.figure("ingest.intake", "mails/s", rates, "libpq, same rows, pipelines of 100", raw, ">= 0.5")
    harness.figure("ingest.intake_cpu", "ms/mail over all processes", cpu, goal="<= 1.0")
    if plain:
        harness.figure("ingest.intake_mbsync", "mails/s", rates, "mbsync, FSync no", plain, ">= 0.25")
        harness.figure("ingest.intake_mbsync_fsync", "mails/s", rates, "mbsync, FSync yes", synced, ">= 5")
    harness.figure("ingest.drain", "tickets/s", drains, f"encoder alone, all cores, same texts, {kernels}", encoder,
                   ">= 0.8")
    harness.figure("ingest.drain_placed", "tickets/s with drafts and notes in the mailbox", places)
    harness.figure("ingest.drain_cpu", "ms/mail over all processes", drain_cpu,
                   f"encoder alone, same texts, {kernels}", encoder_cpu)
    harness.figure("ingest.peak_memory", "MB", memory, goal="<= 250")
    harness.figure("ingest.bytes_in_postgres", "bytes/mail", bytes_each)


main()
