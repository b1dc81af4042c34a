"""What the demo's carrier was asked to send, kept in memory and in a file, and how it is to answer."""

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

UNANSWERED = frozenset({"busy", "no-answer"})
"""How a call ends that nobody picks up."""
_MODES = frozenset({"200", "hang", "reset_after_body", "reset_unsent", "failed"}) | UNANSWERED
QUESTION = "find"
_ARRIVES = frozenset({"200", "slow", "hang", "reset_after_body", "press"})
_KEYS = frozenset("0123456789*#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request to send a text or to call, with the way it was answered (`mode`)."""

    at: str
    """ISO instant, UTC."""
    to: str
    sender: str
    body: str
    callback: str
    validity: str
    mode: str
    sid: str
    carrier: str = "twilio"
    own: str = ""
    """The sender's own reference."""
    url: str = ""
    """Where a call that was picked up asks what to say."""

    @property
    def arrived(self) -> bool:
        """Whether the phone received it; the sender of a hung or reset request cannot know."""
        return self.mode.partition(":")[0] in _ARRIVES

    @property
    def fails_later(self) -> bool:
        """Whether it was taken, and the network could not deliver it."""
        return self.mode.partition(":")[0] in UNANSWERED | {"undelivered"}

    @property
    def ending(self) -> tuple[str, str]:
        """What became of it in the end, and the provider's code for that where there is one."""
        name, _, code = self.mode.partition(":")
        if name == "undelivered":
            return name, code
        return ("failed" if name == "failed" else "delivered"), ""

    @property
    def reference(self) -> str:
        """The sender's own reference; in journals from before it was kept, the last part of the callback's address."""
        return self.own or self.callback.rpartition("/")[2]

    def plain(self) -> dict[str, Any]:
        """As JSON carries it."""
        return asdict(self) | {"arrived": self.arrived}


class Journal:
    """Every request in order; with a file, also those from before a restart."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries = [Entry(**json.loads(line)) for line in _lines(path)]
        if path is not None:
            path.touch(mode=0o600)

    def add(self, entry: Entry) -> None:
        """Note one request, in the file first."""
        with self._lock:
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(entry)) + "\n")
            self._entries.append(entry)

    def entries(self) -> list[Entry]:
        """All requests so far, the oldest first."""
        with self._lock:
            return list(self._entries)

    def to(self, number: str) -> list[Entry]:
        """The requests for one phone."""
        return [entry for entry in self.entries() if entry.to == number]


def _lines(path: Path | None) -> list[str]:
    """Whole lines only: a kill in the middle of a write leaves half of one."""
    if path is None or not path.is_file():
        return []
    return [line for line in path.read_text(encoding="utf-8").split("\n")[:-1] if line.endswith("}")]


def _is_mode(mode: str) -> bool:
    name, _, rest = mode.partition(":")
    numbered = name in ("slow", "undelivered") and rest.isdigit()
    pressed = name == "press" and bool(rest) and _KEYS.issuperset(rest)
    return mode in _MODES or numbered or pressed or (name.isdigit() and 400 <= int(name) <= 599)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A text that somebody typed on one of the phones; `told` is whether the clinic took it."""

    at: str
    phone: str
    body: str
    told: bool


class Script:
    """How requests are answered: a queue of modes for each number and one for all; `200` when both are empty."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._modes: dict[str, deque[tuple[str, int | None]]] = {}

    def add(self, to: str, mode: str, *, times: int | None = 1) -> None:
        """Answer the next `times` requests for that number (`*` is every number) so; None is from now on.

        Modes: `200`, an HTTP status from 400 up (`400:21610` with the provider's code), `failed`, `hang`,
        `reset_after_body`, `reset_unsent` (the text is lost with the connection), `slow:<milliseconds>`,
        `undelivered:<code>` (taken, and not delivered). The number `find` is for questions about texts. A call is
        picked up by a machine, which presses nothing; `press:4` is somebody who presses these keys, one at each
        question; `busy` and `no-answer` are nobody. Raises ValueError for another.
        """
        if not _is_mode(mode):
            raise ValueError(f"no such mode: {mode}")
        with self._lock:
            if times is None:
                self._modes[to] = deque([(mode, None)])
            else:
                self._modes.setdefault(to, deque()).append((mode, times))

    def next(self, to: str) -> str:
        """The mode for a request to that number, or for a question (`find`)."""
        with self._lock:
            for key in (to,) if to == QUESTION else (to, "*"):
                if self._modes.get(key):
                    return self._use(self._modes[key])
        return "200"

    @staticmethod
    def _use(modes: deque[tuple[str, int | None]]) -> str:
        mode, left = modes[0]
        if left is not None:
            modes.popleft()
            if left > 1:
                modes.appendleft((mode, left - 1))
        return mode
