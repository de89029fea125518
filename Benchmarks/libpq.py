"""Checks the baseline of `ingest` on made-up rows: what it wrote is what was there, at which rate."""
import argparse
import json
import subprocess

import harness

SCHEMA = """
create table mailbox (id bigint primary key, name text not null);
create table ticket (
    id bigint generated always as identity primary key, mailbox_id bigint not null references mailbox, subject text,
    words tsvector generated always as (to_tsvector('english', subject)) stored);
create table message (
    id bigint primary key, ticket_id bigint not null references ticket, body bytea, embedding halfvec(3));
"""
ROWS = """
insert into mailbox values (1, 'bench');
insert into ticket (mailbox_id, subject) select 1, 'question ' || n from generate_series(1, {mails}) n;
insert into message select n, n, convert_to(repeat('x', 4000), 'UTF8'), '[1, 2, 3]' from generate_series(1, {mails}) n;
"""
SUM = "select count(*) || ' ' || sum(length(body)) || ' ' || (select count(words) from ticket) from message"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=5_000)
    parser.add_argument("--libpq", required=True)
    options = parser.parse_args()
    source, target = harness.fresh_database("bench_source"), harness.fresh_database("bench_target")
    for database in (source, target):
        harness.psql(database, SCHEMA)
    harness.psql(source, ROWS.format(mails=options.mails))
    output = subprocess.run(
        [options.libpq, harness.url("postgres", source), harness.url("postgres", target), str(options.mails),
         *harness.tables(source)], check=True, capture_output=True, text=True).stdout
    if harness.psql(source, SUM) != harness.psql(target, SUM):
        raise SystemExit("the baseline wrote other rows than it read")
    harness.figure("libpq.baseline", "mails/s", [options.mails / json.loads(output)["seconds"]])


main()
