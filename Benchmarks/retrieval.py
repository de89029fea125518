"""Searches in a knowledge base of 100,000 made-up passages, and how fast articles are imported.

Texts and vectors are made up and written straight into the tables, the vectors in clusters: embedding so many would
take an hour. A search is timed from the question's vector to the hits; recall is measured against the exact search of the
same program with all vectors in memory. The import is measured on a small set with the real encoder.
"""
import argparse
import json
import statistics
import subprocess

import harness


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--imported", type=int, default=200)
    options = parser.parse_args()
    database = harness.fresh_database("bench_retrieval")
    with harness.Service("bench@shop.example", database) as service:
        service.run("migrate")
        command, environment = service.command(
            "bench", "retrieval", "--chunks", str(options.chunks), "--queries", str(options.queries),
            "--imported", str(options.imported))
        output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(output)
    times, exact, about = found["milliseconds"], found["exact_milliseconds"], f"{found['chunks']} chunks"
    for share in (0.5, 0.95):
        harness.figure(f"retrieval.search.p{int(share * 100)}", f"ms, {about}", [harness.percentile(times, share)],
                       "all vectors in memory, exact", [harness.percentile(exact, share)],
                       goal="< 20" if share == 0.95 else None)
    harness.figure("retrieval.recall@10", f"of the exact search, {len(times)} questions",
                   [statistics.mean(found["recall"])], goal=">= 0.95")
    harness.figure("retrieval.best", "share of questions with the exact search's best article",
                   [found["same_best"] / len(times)])
    harness.figure("retrieval.memory", f"MB with {about} and the encoder; peak {found['peak_megabytes']:.0f}, without "
                   f"the base {found['empty_megabytes']:.0f}", [found["loaded_megabytes"]],
                   "all vectors in memory, exact", [found["exact_megabytes"]], goal="< 250")
    harness.figure("retrieval.load", f"s to read {about} at the start", [found["load_seconds"]])
    harness.figure("retrieval.index", "s to build the index of vectors beside searches", [found["index_seconds"]])
    if found["import_rates"]:
        harness.figure("retrieval.import", "texts a second, import with its commit", found["import_rates"],
                       "the encoder alone on the same texts", found["encoder_rates"], goal="ratio >= 0.9")


main()
