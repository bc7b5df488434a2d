"""What tests of whole programs do: ask by JSON-RPC, wait for a condition, end a process."""
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

SKIPPED = 77  # the exit code of a test that lacks what it needs
PATIENCE = 60  # seconds; a machine may be slow, and what is waited for comes long before


def fixtures():
    """The folder of recordings and public suites."""
    return pathlib.Path(os.environ.get("QUORATE_FIXTURES", pathlib.Path(__file__).resolve().parents[3] / "shared" / "fixtures"))


def ask(url, method, *params):
    """The whole answer, with a result or an error. OSError: there is none."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def until(done, what, seconds=PATIENCE):
    """What `done` gives, once that is true. A place that does not answer yet is waited for, too."""
    end = time.monotonic() + seconds
    while True:
        try:
            value = done()
        except OSError as error:
            value, last = None, error
        else:
            last = value
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s; at last {last!r}")
        time.sleep(0.05)


def end(process, how=signal.SIGTERM, seconds=30):
    """The exit code; None when it had to be killed."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
