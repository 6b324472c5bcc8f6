#!/usr/bin/env python3
"""Records what hatoba shows in terminals of 80 and of 140 columns, for docs/what-you-see.md: `make recordings`.

The real binary runs in a pseudo-terminal, against an emulator behind the test proxy, which plays how a deployment goes
(`tests/recordings/scenarios`). Each recording becomes a picture (SVG) and a text under docs/recordings. Needs nothing but Python's
standard library; `tests/run.sh` names the emulator, HATOBA_BIN and HATOBA_PROXY other binaries.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import picture
import terminal

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "docs" / "recordings"
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
WIDTHS = [80, 140]
ACCOUNT, REGION = "123456789012", "us-west-2"

sys.path.insert(0, str(HERE.parent / "demo"))
import other_client  # noqa: E402  (its place is only known now)


class World:
    """A stack that runs, on an emulator whose next deployment goes as a scenario says."""

    def __init__(self, endpoint, directory, env):
        self.directory, self.env, self.endpoint = directory, env, endpoint

    def hatoba(self, *words):
        """Runs hatoba without showing it; what it printed."""
        done = subprocess.run(
            [self.env["HATOBA"], *words], env=self.env, cwd=self.directory, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"hatoba {' '.join(words)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def record(self, columns, *words, **more):
        """Runs hatoba in a terminal of so many columns."""
        shown = " ".join(["hatoba", *(f"'{word}'" if " " in word else word for word in words)])
        return terminal.run(shown, [self.env["HATOBA"], *words], columns, self.env, self.directory, **more)


@contextmanager
def world(scenario):
    """A new world."""
    upstream = os.environ["HATOBA_TEST_MINISTACK"]
    other_client.urllib.request.urlopen(
        other_client.urllib.request.Request(f"{upstream}/_ministack/reset", b""), timeout=30
    ).close()
    proxy = subprocess.Popen(
        [os.environ.get("HATOBA_PROXY", BUILT / "hatoba-proxy"), "--upstream", upstream, "--until-eof"]
        + ["--rollout", HERE / "scenarios" / f"{scenario}.txt"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        with tempfile.TemporaryDirectory(prefix="hatoba-recordings.") as directory:
            endpoint = proxy.stdout.readline().strip()
            env = {
                "HATOBA": str(os.environ.get("HATOBA_BIN", BUILT / "hatoba")),
                "PATH": os.environ["PATH"], "HOME": directory, "TERM": "xterm-256color", "LANG": "C.UTF-8",
                "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": ACCOUNT,
                "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
            }  # fmt: skip
            os.environ.update({name: value for name, value in env.items() if name.startswith("AWS_")})
            (Path(directory) / "stack.yaml").write_bytes((HERE / "stack.yaml").read_bytes())
            here = World(endpoint, directory, env)
            here.hatoba("apply", "--yes")
            for tag in ["3f9c2e1", "8b04d7a"]:
                push(tag)
            yield here
    finally:
        proxy.stdin.close()
        proxy.wait(timeout=30)


def push(tag):
    """An image for ARM, as far as ECR knows it: a list of manifests."""
    layer = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1024, "digest": "sha256:" + f"{tag:0<64}"}
    manifests = [layer | {"platform": {"os": "linux", "architecture": "arm64"}}]
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
    other_client.call("ecr", "PutImage", repositoryName="papyrus", imageTag=tag, imageManifest=json.dumps(index))


def write_logs(here):
    """What two tasks wrote in the last minutes, one after the other."""
    tasks = [task["id"] for task in json.loads(here.hatoba("status", "--json"))["services"][0]["tasks"]]
    now = int(time.time() * 1000)
    for number, task in enumerate(tasks[:2]):
        stream = f"ecs/app/{task}"
        other_client.call("logs", "CreateLogStream", logGroupName="/ecs/papyrus", logStreamName=stream)
        lines = (HERE / "logs" / f"{number + 1}.txt").read_text().splitlines()
        ages = [1000 * (60 * (5 - 4 * number) - 3 * at) for at, _ in enumerate(lines)]
        events = [{"timestamp": now - age, "message": line} for age, line in zip(ages, lines)]
        other_client.call("logs", "PutLogEvents", logGroupName="/ecs/papyrus", logStreamName=stream, logEvents=events)


def keep(name, columns, frames, title):
    """Writes a recording."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}-{columns}.svg").write_text(picture.as_svg(frames, columns, title))
    (OUT / f"{name}-{columns}.txt").write_text(picture.as_text(frames))
    print(f"{name}-{columns}: {len(frames)} frames, {frames[-1].at:.0f} s")


def good(columns):
    """A deployment that completes; then how the service stands, and what its containers wrote."""
    with world("completes") as here:
        frames = here.record(columns, "deploy", "--image", "app=8b04d7a")
        keep("deploy", columns, frames, "hatoba deploy: a deployment that completes")
        keep("status", columns, here.record(columns, "status")[-1:], "hatoba status: a service that runs")
        write_logs(here)
        keep("logs", columns, here.record(columns, "logs")[-1:], "hatoba logs: what the containers wrote")
        frames = here.record(columns, "logs", "--filter", "ERROR", "--timestamps")[-1:]
        keep("logs-filter", columns, frames, "hatoba logs with a filter and times")


def bad(columns):
    """A deployment whose container ends at once, and how the service stands meanwhile."""
    with world("fails") as here:
        meanwhile = []

        def look(frame):
            # The second task has begun: the first one is among those that stopped.
            if not meanwhile and sum("pending" in line for line in frame.text()) >= 2:
                meanwhile.append(here.record(columns, "status"))

        frames = here.record(columns, "deploy", "--image", "app=3f9c2e1", codes=(5,), while_running=look)
        keep("deploy-fails", columns, frames, "hatoba deploy: a deployment that fails and is rolled back")
        keep("status-deploying", columns, meanwhile[0][-1:], "hatoba status while a deployment goes wrong")


if __name__ == "__main__":
    for width in WIDTHS:
        good(width)
        bad(width)
