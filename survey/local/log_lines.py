"""Turns a child's bytes into lines that carry its name, coloured on a terminal."""

import os
from dataclasses import dataclass
from typing import TextIO

COLOURS = (36, 33, 35, 32, 34, 31)
LONGEST = 65536
"""A line longer than this is shown in pieces, so that a child without line ends cannot fill the memory."""


@dataclass(slots=True, kw_only=True)
class LogLines:
    """The lines of the child called `name`, its name padded to `width`, in the colour of its `number`."""

    name: str
    width: int
    number: int
    out: TextIO
    rest: bytes = b""

    def feed(self, chunk: bytes) -> None:
        """Take bytes as they come; an empty chunk is the end, which completes the last line."""
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        if len(self.rest) > LONGEST or (not chunk and self.rest):
            lines.append(self.rest)
            self.rest = b""
        for line in lines:
            self.say(line.decode("utf-8", errors="replace").rstrip("\r"))

    def say(self, text: str) -> None:
        """Write one line. A reader that has gone (`daytwo up | head`) is no reason to stop."""
        try:
            self.out.write(f"{self._prefix()} {text}\n")
            self.out.flush()
        except BrokenPipeError:
            pass

    def _prefix(self) -> str:
        padded = f"{self.name:<{self.width}} |"
        if not self.out.isatty() or os.environ.get("NO_COLOR"):
            return padded
        return f"\x1b[{COLOURS[self.number % len(COLOURS)]}m{padded}\x1b[0m"
