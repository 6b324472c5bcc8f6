"""Runs one command and writes what it cost to a file: `child.py RESULT COMMAND ARGUMENT...`.

A program of its own, run with `-I -S`, because the kernel carries the peak memory of the process that starts a command over
into that command's figure: it cannot read lower than the starter's own, here some 9 MB.
"""

import os
import sys
import time

_UNIT = 1 if sys.platform == "darwin" else 1024


def main():
    result, command = sys.argv[1], sys.argv[2:]
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error}\n".encode())
        os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    with open(result, "w") as out:
        out.write(f"{wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss * _UNIT}")
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
