"""Mails a processor second of `martlet bench parse` beside bare GMime in C on the same files, rounds interleaved.

The mails are those below --mails (any names), or else made here: what a shop's mailbox holds, in text, HTML, with files,
quotes and delivery reports. Nothing that is measured is Python.
"""
import argparse
import email.message
import email.policy
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import tempfile

SENTENCES = [
    "I ordered two lamps last week and only one has arrived.", "Could you tell me when the other one will be sent?",
    "The parcel was open when it came and the glass is broken.", "Ich möchte die Jacke in Größe 42 umtauschen.",
    "Le colis n'est pas encore arrivé, pouvez-vous vérifier ?", "Mi pedido llegó con una pieza de menos.",
    "Please refund the shipping costs to my card.", "The tracking page has not changed since Tuesday.",
]


def words(generator, count):
    return "\n\n".join(" ".join(generator.choices(SENTENCES, k=4)) for _ in range(count))


def html(text, quoted):
    paragraphs = "".join(f"<p style='margin:0'>{part} <a href='https://shop.example/o/1'>order</a></p>"
                         for part in text.split("\n\n"))
    return (f"<html><head><style>p {{ color: #222 }}</style></head><body><div>{paragraphs}</div>"
            f"<div class='gmail_quote'><blockquote>{quoted}</blockquote></div></body></html>")


def made(number):
    generator = random.Random(number)
    mail = email.message.EmailMessage(policy=email.policy.SMTP)
    mail["Received"] = f"from mx.example.com by mail.shop.example with ESMTP id {number}; Mon, 6 Jan 2025 10:00:00 +0000"
    mail["From"] = f"Customer {number} <c{number}@example.com>"
    mail["To"] = "Support <support@shop.example>"
    mail["Subject"] = generator.choice(["Where is my order", "Größe der Jacke", "Re: Votre commande", "Broken lamp"])
    mail["Message-ID"] = f"<{number}@example.com>"
    mail["Date"] = "Mon, 06 Jan 2025 10:00:00 +0000"
    text, earlier = words(generator, generator.randint(1, 8)), words(generator, generator.randint(1, 12))
    quoted = "\n".join("> " + line for line in earlier.splitlines())
    mail.set_content(f"{text}\n\nOn Mon, 6 Jan 2025 at 09:00, Support <support@shop.example> wrote:\n{quoted}\n")
    if number % 3:
        mail.add_alternative(html(text, earlier), subtype="html")
    if number % 7 == 0:
        mail.add_attachment(generator.randbytes(60_000), maintype="image", subtype="jpeg", filename="photo.jpg")
    if number % 11 == 0:
        mail.add_attachment(made(number + 1), filename="earlier.eml")
    return mail


class Reader:
    """A program that has loaded the mails and measures a round whenever it is told to."""

    def __init__(self, command, paths):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write("".join(f"{path}\n" for path in paths))

    def round(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--baseline", required=True)
    parser.add_argument("--mails", type=pathlib.Path, help="a folder of mails")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.mails:
            paths = sorted(path for path in options.mails.rglob("*") if path.is_file())
        else:
            paths = [pathlib.Path(folder) / f"{number}.eml" for number in range(1_000)]
            for number, path in enumerate(paths):
                path.write_bytes(made(number).as_bytes())
        own, bare = Reader([options.bin, "bench", "parse"], paths), Reader([options.baseline], paths)
        # The first round of each fills caches and tables.
        own.round(), bare.round()
        early = own.peak()
        rounds = [(own.round(), bare.round()) for _ in range(options.rounds)]
        late = own.peak()
        rates = [[figure["mails"] / figure["seconds"] for figure in side] for side in zip(*rounds)]
        ratios = [mine / theirs for mine, theirs in zip(*rates)]
        show("parse.mails", "mails/processor second", rates[0], baseline="GMime in C", baseline_median=round(statistics.median(rates[1])),
             ratio=round(statistics.median(ratios), 3), goal="ratio >= 0.6", mails=len(paths))
        show("parse.memory", "MB", [late], after_first_round=round(early, 1), goal="grows by less than 5 %")
        own.close(), bare.close()


def show(name, unit, runs, **more):
    print(json.dumps({"name": name, "unit": unit, "median": round(statistics.median(runs), 1),
                      "runs": [round(run, 1) for run in runs], **more, "cores": os.cpu_count(),
                      "load": round(os.getloadavg()[0], 1)}), flush=True)


main()
