#!/usr/bin/env python3
"""Measures hatoba, beside Terraform where it is installed, and fails when a target is missed. `make bench` runs it."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import measure
import report
import targets
from emulators import ROOT, BenchError, emulator, install, proxy
from stacks import ACCOUNT
from tools import PLUGINS, Hatoba, environment, find_terraform

SLOW = 200


def main():
    options = _options()
    release = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    for name in ("hatoba", "hatoba-proxy"):
        if not (release / name).is_file():
            raise BenchError(f"there is no {name} in {release}: `make bench` builds it")
    install()
    hatoba = Hatoba(release / "hatoba")
    terraform, why_not = (None, "Terraform was left out on request.") if options.no_terraform else find_terraform()

    with emulator("moto") as moto:
        bench = Bench(release / "hatoba-proxy", options.runs, options.calls)
        ours, theirs = {}, {}
        # One after the other for each size, so that both meet the machine in a like state.
        for services in options.services:
            ours[services] = bench.all_steps(hatoba, moto, services)
            if terraform and (services == 1 or options.full):
                theirs[services] = bench.all_steps(terraform, moto, services)
    with emulator("ministack") as ministack:
        quick = bench.all_steps(hatoba, ministack, 1)[targets.PLAN]

    notes = [f"On the other emulator, ministack, the empty plan of one service takes {quick.wall:.3f} s ({quick.calls} calls)."]
    if not terraform:
        notes.append(why_not)
    elif not options.full:
        notes.append("Terraform is measured with one service; `tests/bench/run.py --full` measures it with all.")
    verdicts = targets.judge(ours, theirs)
    versions = [tool.version for tool in (hatoba, terraform) if tool]
    page = report.report(ours, theirs, verdicts, versions=versions, notes=notes, runs=options.runs)
    sys.stdout.write(page)
    if options.write:
        (ROOT / "docs" / "benchmarks.md").write_text(page)
    missed = [each for each in verdicts if not each.met]
    for each in missed:
        _say(f"missed: {each.promise}: {each.measured}, promised {each.limit}")
    return 1 if missed else 0


def _options():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"{PLUGINS} names a directory made by `terraform providers mirror`."
    )
    parser.add_argument(
        "--services", type=lambda text: [int(part) for part in text.split(",")], default=[1, 10, 100],
        help="how many services, with commas between (default: 1,10,100)",
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each plan (default: 5)")
    parser.add_argument("--full", action="store_true", help="measure Terraform with more than one service as well")
    parser.add_argument("--no-terraform", action="store_true", help="leave Terraform out")
    parser.add_argument("--calls", action="store_true", help="show which calls each step makes")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md as well")
    return parser.parse_args()


class Bench:
    """Takes a tool through the life of a stack and measures each step."""

    def __init__(self, proxy_binary, runs, show_calls):
        self._proxy_binary = proxy_binary
        self._runs = runs
        self._show_calls = show_calls

    def all_steps(self, tool, behind, services):
        """Returns `{step: Cost}`. The account is empty before and after."""
        behind.reset()
        costs = {}
        with (
            tempfile.TemporaryDirectory(prefix="hatoba-bench-") as home,
            tempfile.TemporaryDirectory(prefix="hatoba-bench-") as work,
            proxy(self._proxy_binary, behind, ACCOUNT) as between,
        ):
            env = environment(home, between.url)
            tool.prepare(work, services, env)

            def step(name, command, runs=1):
                _say(f"{tool.name} on {behind.kind}, services: {services}: {name}")
                done = [
                    measure.run(command, cwd=work, env=env, proxy=between, helpers=tool.helpers) for _ in range(runs)
                ]
                costs[name] = measure.Cost.of(done)
                if self._show_calls:
                    counts = sorted(costs[name].counts.items())
                    _say(", ".join(f"{call} {count}" for call, count in counts))

            step(targets.APPLY, tool.apply())
            step(targets.PLAN, tool.plan(), self._runs)
            between.latency(SLOW)
            step(targets.SLOW_PLAN, tool.plan(), self._runs)
            between.latency(0)
            tool.new_image()
            step(targets.CHANGE, tool.apply())
            # Not a measurement: the change must have been the whole of it.
            measure.run(tool.plan(), cwd=work, env=env, proxy=between, helpers=tool.helpers)
            step(targets.DESTROY, tool.destroy())
        return costs


def _say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        _say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
