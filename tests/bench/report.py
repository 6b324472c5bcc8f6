"""Measurements as Markdown."""

import os
import platform
from datetime import date

from targets import MB, STEPS


def report(hatoba, terraform, verdicts, *, versions, notes, runs):
    """Returns the whole page. `hatoba` and `terraform` are `{services: {step: Cost}}`; the latter may lack some or all."""
    lines = [
        "# Benchmarks",
        "",
        f"Measured on {date.today().isoformat()} by `make bench`: {_machine()}. {'; '.join(versions)}.",
        "",
        "The same stack for each tool, through the same counting proxy, against the same emulator: an OIDC provider, a cluster, a",
        "security group, an execution role and a deploy role with seven statements; and for each service its own repository, log",
        "group, task role, task definition and service. *Round trips* is the longest chain of calls that wait for each other: what",
        "latency multiplies with; without latency, calls that merely happened to follow each other count as well.",
        f"Plans are medians of {runs} runs. Memory is the peak of the whole process tree.",
        "",
        *notes,
        *([""] if notes else []),
    ]
    lines += _table(hatoba, terraform)
    lines += ["", "## Targets", "", "| promise | limit | measured | |", "|---|---:|---:|---|"]
    lines += [
        f"| {each.promise} | {each.limit} | {each.measured} | {'met' if each.met else '**missed**'} |" for each in verdicts
    ]
    return "\n".join(lines) + "\n"


def _table(hatoba, terraform):
    if terraform:
        yield "Each cell: hatoba · Terraform · how many times less."
        yield ""
    yield "| services | step | calls | round trips | wall, s | CPU, s | memory, MB |"
    yield "|---:|---|---:|---:|---:|---:|---:|"
    for services, steps in sorted(hatoba.items()):
        for step in STEPS:
            if step not in steps:
                continue
            ours, theirs = steps[step], terraform.get(services, {}).get(step)
            cells = [
                _cell(ours, theirs, lambda cost: cost.calls, "{:.0f}"),
                _cell(ours, theirs, lambda cost: cost.depth, "{:.0f}"),
                _cell(ours, theirs, lambda cost: cost.wall, "{:.2f}"),
                _cell(ours, theirs, lambda cost: cost.cpu, "{:.2f}"),
                _cell(ours, theirs, lambda cost: cost.memory and cost.memory / MB, "{:.1f}"),
            ]
            yield f"| {services} | {step} | {' | '.join(cells)} |"


def _cell(ours, theirs, figure, form):
    mine = figure(ours)
    if theirs is None:
        return form.format(mine)
    other = figure(theirs)
    if other is None:
        return f"{form.format(mine)} · –"
    ratio = f" · **{other / mine:.1f}×**" if mine else ""
    return f"{form.format(mine)} · {form.format(other)}{ratio}"


def _machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"
