"""The words of a message, from `templates/messages/<kind>/<channel>.<language>.txt`."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from string import Formatter

from survey.settings import ROOT

FOLDER = ROOT / "templates" / "messages"
ALLOWED: Mapping[str, frozenset[str]] = {
    "invitation": frozenset({"clinic", "emergency", "link", "phone"}),
    "reminder": frozenset({"clinic", "emergency", "link", "phone"}),
    "fresh_link": frozenset({"clinic", "emergency", "link", "phone"}),
    "confirm": frozenset({"clinic", "day", "phone"}),
    "called": frozenset({"clinic", "emergency", "phone", "time"}),
    "stopped": frozenset({"clinic", "emergency", "phone"}),
    "started": frozenset({"clinic", "emergency", "phone"}),
    "help": frozenset({"clinic", "emergency", "phone"}),
    "wrong_number": frozenset(),
    "call_back": frozenset({"clinic", "emergency", "phone"}),
    "not_watched": frozenset({"clinic", "emergency", "phone"}),
    "not_reached": frozenset({"clinic", "emergency", "phone"}),
    "page": frozenset({"clinic", "code", "link", "number"}),
    "page_nudge": frozenset({"clinic", "link", "number"}),
    "page_retry": frozenset({"clinic", "link", "number"}),
    "page_help": frozenset({"clinic", "holder", "link", "number", "time"}),
    "page_yours": frozenset({"clinic", "link", "number"}),
    "page_taken": frozenset({"clinic", "holder", "link", "number", "time"}),
    "page_closed": frozenset({"clinic", "number"}),
    "page_bundle": frozenset({"clinic", "count", "link", "number"}),
    "page_codes": frozenset({"clinic", "codes"}),
    "page_stopped": frozenset({"clinic", "holder", "link"}),
    "page_code": frozenset({"code"}),
    "page_gap": frozenset({"clinic", "gaps", "link", "schedule"}),
    "page_test": frozenset({"link"}),
    "page_unanswered": frozenset({"holder", "link", "schedule", "time", "ways"}),
    "shift_offered": frozenset({"clinic", "holder", "link", "schedule", "time"}),
    "shift_accepted": frozenset({"clinic", "holder", "link", "schedule", "time"}),
    "shift_declined": frozenset({"clinic", "holder", "link", "schedule", "time"}),
    "shift_withdrawn": frozenset({"clinic", "holder", "link", "schedule", "time"}),
}
"""Kind of message to the variables that its words may name. Nothing else about a person can get into a text."""


class NoWords(LookupError):
    """There is no such template, or it names a variable that is not allowed. Says which file, and what is wrong."""


def text(kind: str, channel: str, language: str, variables: Mapping[str, str]) -> str:
    """The words for a channel (`sms`, `email`, `email_subject`, `voice`, `push`), filled. Raises NoWords."""
    template = _template(kind, channel, language)
    missing = _names(template) - variables.keys()
    if missing:
        raise NoWords(f"The message {kind}/{channel}.{language} needs {', '.join(sorted(missing))}.")
    return template.format_map(variables)


def languages(kind: str) -> tuple[str, ...]:
    """The languages that a kind of message is written in, for texts."""
    return tuple(sorted(path.name.split(".")[1] for path in (FOLDER / kind).glob("sms.*.txt")))


@lru_cache(maxsize=256)
def _template(kind: str, channel: str, language: str) -> str:
    path = FOLDER / kind / f"{channel}.{language}.txt"
    if kind not in ALLOWED or not path.is_relative_to(FOLDER) or not path.is_file():
        raise NoWords(f"There is no message {kind}/{channel}.{language}.")
    template = _read(path)
    strange = _names(template) - ALLOWED[kind]
    if strange:
        raise NoWords(f"{path.name} of {kind} may not name {', '.join(sorted(strange))}.")
    return template


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").removesuffix("\n")


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
