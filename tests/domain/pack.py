"""The shipped pack, a good second day, and contexts to judge it in."""

from collections.abc import Mapping
from pathlib import Path

from survey.domain.protocol import Context, Flag, Tier
from survey.domain.triage import Answer, Answers, Score, score
from survey.interop.protocol_yaml import load

PACK = Path(__file__).parents[2] / "config/protocols/trigger-point-injection/v1.yaml"
PROTOCOL = load(PACK)

LINES = {item.key: {line.key: "no" for line in item.plain_lines} for item in PROTOCOL.items if item.lines}

GOOD_DAY: Answers = {
    "red": LINES["red"],
    "breath": "no",
    "sore": 3,
    "trend": "better",
    "weak": "no",
    "skin": LINES["skin"],
    "fever": "no",
    "bleed": "no",
    "allergy": "no",
    "faint": "no",
    "headneck": "no",
    "sugar": "ok",
    "help": "none",
    "note": "",
}
"""Every item answered, nothing wrong."""

NOTHING_KNOWN: Context = {flag.key: Flag.UNKNOWN for flag in PROTOCOL.flags}


def context(**flags: str) -> Context:
    """Every flag known to be absent, save those named."""
    return {flag.key: Flag(flags.get(flag.key, "no")) for flag in PROTOCOL.flags}


def answers(**changed: Answer | None) -> Answers:
    """A good day, save the items named. A mapping marks only the lines it names; None leaves the item open."""
    merged: dict[str, Answer] = {}
    for key in dict.fromkeys((*GOOD_DAY, *changed)):
        value = changed[key] if key in changed else GOOD_DAY[key]
        if isinstance(value, Mapping) and key in changed:
            value = {**LINES[key], **value}
        if value is not None:
            merged[key] = value
    return merged


def fired_ids(result: Score) -> set[str]:
    """Ids of the rules that fired."""
    return {each.rule for each in result.fired}


def tier_of(given: Answers, known: Context) -> Tier:
    """The tier of the shipped pack."""
    return score(PROTOCOL, given, known).tier
