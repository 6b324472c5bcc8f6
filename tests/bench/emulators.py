"""The emulators and the counting proxy, each as a context manager on a free port."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import stacks

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent

_HEALTH = {"ministack": "/_ministack/health", "moto": "/moto-api/"}
_RESET = {"ministack": "/_ministack/reset", "moto": "/moto-api/reset"}
_FIRST_CALLS = {
    "iam": b"Action=ListRoles&Version=2010-05-08",
    "ec2": b"Action=DescribeSubnets&Version=2016-11-15",
}
_START_LIMIT = 60


class BenchError(Exception):
    """Something in the surroundings of a measurement failed."""


def install():
    """Installs both emulators; quick when they are there."""
    subprocess.run([TESTS / "emulators" / "install.sh"], check=True, stdout=sys.stderr)


def _ask(method, url, body=None, headers=None):
    request = urllib.request.Request(url, body, headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Emulator:
    """A running emulator."""

    def __init__(self, kind, url):
        self.kind = kind
        self.url = url

    def reset(self):
        """Wipes all accounts. An empty account is filled with what AWS gives it on the first call to each service, which takes moto
        seconds: that call is made here, so that no measurement contains it."""
        _ask("POST", self.url + _RESET[self.kind])
        for service, body in _FIRST_CALLS.items():
            scope = f"{stacks.ACCOUNT}/20260101/{stacks.REGION}/{service}/aws4_request"
            credential = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
            _ask("POST", self.url, body, {"Authorization": credential})


@contextmanager
def emulator(kind):
    """Runs an emulator. It also ends when this process is killed: its life hangs on the pipe."""
    url = f"http://127.0.0.1:{_free_port()}"
    log_path = Path(os.environ.get("HATOBA_EMULATORS", ROOT / "target" / "emulators")) / f"bench-{kind}.log"
    with open(log_path, "wb") as log:
        child = subprocess.Popen(
            [TESTS / "emulators" / "serve.sh", kind, url.rsplit(":", 1)[1]],
            stdin=subprocess.PIPE, stdout=log, stderr=log,
        )
    try:
        end = time.monotonic() + _START_LIMIT
        while True:
            try:
                _ask("GET", url + _HEALTH[kind])
                break
            except OSError:
                if child.poll() is not None or time.monotonic() > end:
                    raise BenchError(f"{kind} did not start; see {log_path}") from None
                time.sleep(0.05)
        yield Emulator(kind, url)
    finally:
        child.stdin.close()
        child.wait()


class Proxy:
    """A running proxy between a tool and an emulator."""

    def __init__(self, url):
        self.url = url

    def clear(self):
        """Starts counting anew."""
        _ask("POST", self.url + "/_hatoba_proxy/clear")

    def latency(self, milliseconds):
        """Adds so much to every call from now on."""
        _ask("POST", f"{self.url}/_hatoba_proxy/latency/{milliseconds}")

    def summary(self):
        """Returns `calls`, `depth` and `counts` since the last `clear`."""
        return json.loads(_ask("GET", self.url + "/_hatoba_proxy/summary"))


@contextmanager
def proxy(binary, behind, account):
    """Runs the proxy in front of an emulator, for one account."""
    arguments = [binary, "--upstream", behind.url, "--account", account, "--until-eof"]
    if behind.kind == "moto":
        arguments.append("--moto")
    child = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = child.stdout.readline().strip()
        if not url.startswith("http://"):
            raise BenchError("the proxy did not start")
        yield Proxy(url)
    finally:
        child.stdin.close()
        child.stdout.close()
        child.wait()
