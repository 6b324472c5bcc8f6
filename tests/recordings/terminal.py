"""A terminal of a given width: runs a program in a pseudo-terminal and keeps what its screen shows, moment by moment.

It knows what hatoba writes: text, colours (SGR), the cursor upwards, erasing to the end. Anything else is an error, so that nothing is
recorded wrongly without notice.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unicodedata
from dataclasses import dataclass, field, replace

ROWS = 60
ESCAPE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")
# Output within this time is one moment: a line that is erased and written again does not flicker.
MOMENT = 0.06


@dataclass(frozen=True)
class Look:
    """How a character looks."""

    bold: bool = False
    faint: bool = False
    colour: int | None = None


@dataclass
class Frame:
    """The screen from a moment on: lines, each a list of `(text, Look)`."""

    at: float
    lines: list

    def text(self):
        """The lines without colours."""
        return ["".join(text for text, _ in line).rstrip() for line in self.lines]


@dataclass
class Screen:
    """What is on a screen of so many columns; as high as what is written."""

    columns: int
    cells: list = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    look: Look = Look()

    def write(self, text):
        """Takes in output; an escape sequence must be whole."""
        place = 0
        while place < len(text):
            if text[place] != "\x1b":
                self._put(text[place])
                place += 1
                continue
            found = ESCAPE.match(text, place)
            if not found:
                raise ValueError(f"not understood: {text[place:place + 12]!r}")
            self._control(found[2], [int(part or 0) for part in found[1].split(";")])
            place = found.end()

    def _put(self, character):
        if character == "\n":
            self._down()
        elif character == "\r":
            self.column = 0
        elif character < " ":
            raise ValueError(f"not understood: {character!r}")
        else:
            width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if self.column + width > self.columns:
                self._down()
                self.column = 0
            line = self.cells[self.row]
            line.extend([(" ", Look())] * (self.column - len(line)))
            line[self.column : self.column + width] = [(character, self.look)] + [("", self.look)] * (width - 1)
            self.column += width

    def _down(self):
        self.row += 1
        if self.row == len(self.cells):
            self.cells.append([])

    def _control(self, letter, numbers):
        if letter == "A":
            self.row = max(0, self.row - (numbers[0] or 1))
        elif letter == "J" and numbers[0] == 0:
            del self.cells[self.row + 1 :]
            del self.cells[self.row][self.column :]
        elif letter == "m":
            for number in numbers:
                self._sgr(number)
        else:
            raise ValueError(f"not understood: {numbers} {letter}")

    def _sgr(self, number):
        if number == 0:
            self.look = Look()
        elif number == 1:
            self.look = replace(self.look, bold=True)
        elif number == 2:
            self.look = replace(self.look, faint=True)
        elif 30 <= number <= 37:
            self.look = replace(self.look, colour=number - 30)
        else:
            raise ValueError(f"not understood: SGR {number}")

    def lines(self):
        """The lines, in runs of characters that look the same."""
        out = []
        for cells in self.cells:
            runs = []
            for character, look in cells:
                if runs and runs[-1][1] == look:
                    runs[-1] = (runs[-1][0] + character, look)
                else:
                    runs.append((character, look))
            out.append(runs)
        while out and not out[-1]:
            out.pop()
        return out


def run(shown, argv, columns, env, cwd, codes=(0,), while_running=None):
    """Runs a program to its end and returns the frames. `shown` is the command line as a person types it; `while_running(frame)` is
    called with every new frame."""
    screen = Screen(columns)
    screen.look = Look(faint=True)
    screen.write("$ ")
    screen.look = Look(bold=True)
    screen.write(shown)
    screen.look = Look()
    screen.write("\r\n")
    frames = [Frame(0.0, screen.lines())]

    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env, cwd=cwd, start_new_session=True
    )
    os.close(theirs)
    began = time.monotonic()
    decode = codecs.getincrementaldecoder("utf-8")()
    pending = ""
    try:
        while True:
            data = _read(mine)
            if not data:
                break
            pending += decode.decode(data)
            cut = _whole(pending)
            screen.write(pending[:cut])
            pending = pending[cut:]
            frame = Frame(time.monotonic() - began, screen.lines())
            if frame.lines != frames[-1].lines:
                frames.append(frame)
                if while_running:
                    while_running(frame)
    finally:
        os.close(mine)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.returncode not in codes:
        raise SystemExit(f"`{shown}` ended with {process.returncode}:\n" + "\n".join(frames[-1].text()))
    return frames


def _read(terminal):
    """What was written within a moment; nothing when the program has ended."""
    data = b""
    deadline = None
    while True:
        rest = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([terminal], [], [], rest)
        if not ready:
            return data
        try:
            more = os.read(terminal, 65536)
        except OSError:  # How Linux says that the other end is closed.
            more = b""
        if not more:
            return data
        data += more
        deadline = deadline or time.monotonic() + MOMENT


def _whole(text):
    """How much of it holds no escape sequence that is cut off."""
    at = text.rfind("\x1b")
    return at if at >= 0 and not ESCAPE.match(text, at) else len(text)
