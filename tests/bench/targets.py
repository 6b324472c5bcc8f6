"""What hatoba promises. Calls, round trips and memory do not depend on how busy the machine is, so missing one of those fails
the bench; times are shown and compared with Terraform's in the same run."""

from dataclasses import dataclass

MB = 1_000_000

PLAN = "plan, nothing changed"
SLOW_PLAN = "plan, nothing changed, 200 ms a call"
APPLY = "apply from nothing"
CHANGE = "apply, one new image"
DESTROY = "destroy"
STEPS = [APPLY, PLAN, SLOW_PLAN, CHANGE, DESTROY]

_CALLS = {(1, PLAN): 15, (1, APPLY): 40, (1, CHANGE): 22, (1, DESTROY): 45, (100, PLAN): 250, (100, APPLY): 1000}
# Judged with latency only: without it, calls that do not wait for each other may still run one after the other.
_DEPTH = {(1, SLOW_PLAN): 4}
# Bytes, over all steps.
_MEMORY = {1: 20 * MB, 100: 60 * MB, 300: 60 * MB}
_FASTER = 10


@dataclass
class Verdict:
    """One promise and what became of it."""

    promise: str
    limit: str
    measured: str
    met: bool


def judge(hatoba, terraform):
    """Compares measurements, `{services: {step: Cost}}`, with what is promised for them."""
    verdicts = []

    def at_most(promise, limit, measured, shown=str):
        verdicts.append(Verdict(promise, f"≤ {shown(limit)}", shown(measured), measured <= limit))

    for services, steps in sorted(hatoba.items()):
        for step in STEPS:
            if limit := _CALLS.get((services, step)):
                at_most(f"calls, {_count(services)}: {step}", limit, steps[step].calls)
            if limit := _DEPTH.get((services, step)):
                at_most(f"round trips, {_count(services)}: {step}", limit, steps[step].depth)
        if limit := _MEMORY.get(services):
            peak = max(cost.memory for cost in steps.values())
            at_most(f"peak memory, {_count(services)}", limit, peak, lambda size: f"{size / MB:.1f} MB")
    if {100, 300} <= hatoba.keys():
        at_most(f"calls, 300 services: {PLAN}", 3 * hatoba[100][PLAN].calls, hatoba[300][PLAN].calls)
    for services, steps in sorted(terraform.items()):
        faster = steps[PLAN].wall / hatoba[services][PLAN].wall
        promise = f"times faster than Terraform, {_count(services)}: {PLAN}"
        verdicts.append(Verdict(promise, f"≥ {_FASTER}", f"{faster:.0f}", faster >= _FASTER))
    return verdicts


def _count(services):
    return "1 service" if services == 1 else f"{services} services"
