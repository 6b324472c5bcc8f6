"""What one run of a tool costs."""

import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from emulators import BenchError

_CHILD = Path(__file__).resolve().parent / "child.py"
_POLL = 0.025
_LIMIT = 3600


@dataclass
class Cost:
    """The cost of one step. Several runs give medians of times and the worst of the rest."""

    calls: int
    depth: int
    wall: float
    cpu: float
    memory: int | None
    counts: dict = field(default_factory=dict)

    @staticmethod
    def of(runs):
        """Sums several runs of the same step up."""
        memory = [run.memory for run in runs if run.memory is not None]
        return Cost(
            max(run.calls for run in runs),
            max(run.depth for run in runs),
            median(run.wall for run in runs),
            median(run.cpu for run in runs),
            max(memory, default=None),
            runs[-1].counts,
        )


def run(command, *, cwd, env, proxy, helpers):
    """Runs a command that must end with 0 and returns its `Cost`. `helpers` says that the tool starts processes of its own, whose
    memory is added by looking at them many times a second (Linux only)."""
    proxy.clear()
    with tempfile.NamedTemporaryFile() as result, tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", _CHILD, result.name, *command],
            cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )
        watch = _Watch(child.pid) if helpers else None
        try:
            code = child.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            child.kill()
            raise BenchError(f"{_shown(command)} ran longer than {_LIMIT} s") from None
        tree = watch.stop() if watch else None
        if code != 0:
            output.seek(0)
            raise BenchError(f"{_shown(command)} ended with {code}:\n{output.read()[-4000:]}")
        wall, cpu, memory = Path(result.name).read_text().split()
    seen = proxy.summary()
    peak = tree if helpers else int(memory)
    return Cost(seen["calls"], seen["depth"], float(wall), float(cpu), peak, seen["counts"])


def _shown(command):
    return " ".join(str(part) for part in [Path(command[0]).name, *command[1:]])


class _Watch:
    """Follows the resident memory of all descendants of a process."""

    def __init__(self, pid):
        self._pid = pid
        self._peak = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self):
        """Returns the highest sum seen, in bytes; none where there is no /proc."""
        self._end.set()
        self._thread.join()
        return self._peak or None

    def _follow(self):
        while not self._end.wait(_POLL):
            self._peak = max(self._peak, sum(_resident(pid) for pid in _descendants(self._pid)))


def _descendants(pid):
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in path.read_text().split()]
        except OSError:
            continue  # That thread has just ended.
        for child in children:
            found += [child, *_descendants(child)]
    return found


def _resident(pid):
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
