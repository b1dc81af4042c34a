"""The words of every message, held to what a text has to be: one segment, nothing about health, nobody's name."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from string import Formatter

from survey.domain.messages import Kind
from survey.messaging import gsm7, render, wordings
from survey.messaging.wordings import CHANNELS

STAFF_CHANNELS = (*CHANNELS, "voice", "push")
"""What is said on a call, and what a push service shows under the subject of the mail."""
SWAPPED = ("shift_offered", "shift_accepted", "shift_declined", "shift_withdrawn")
TEXTED, POSTED = ("page_codes",), ("page_gap", "page_stopped", "page_unanswered", *SWAPPED)
"""Messages to the clinic's own people that are sent as a text only, and as a mail only."""
PROVING = ("page_code", "page_test")
"""Of no clinic: a clinician is reached for all of them alike."""
ABOUT_ALERTS = (
    "page",
    "page_nudge",
    "page_retry",
    "page_help",
    "page_yours",
    "page_taken",
    "page_closed",
    "page_bundle",
)
STAFF = (*ABOUT_ALERTS, *PROVING, *TEXTED, *POSTED)
"""Messages to the clinic's own people: in English, and without the rules that are there for patients."""
MAILED = frozenset({Kind.INVITATION, Kind.REMINDER, Kind.FRESH_LINK})
"""Kinds that go to a mailbox as well."""
SAFE = frozenset({"clinic", "day", "emergency", "link", "number", "phone", "time"})
"""The variables that there may be at all. None of them tells who the patient is or what was done."""
SAFE_TO_STAFF = SAFE | {"code", "codes", "count", "gaps", "holder", "schedule", "ways"}
"""A colleague's name, where and when somebody is on call, how they are paged, what takes an alert, and how many."""
LINKED = frozenset({Kind.INVITATION, Kind.REMINDER, Kind.FRESH_LINK})
SAYS_EMERGENCY = frozenset({Kind.INVITATION, Kind.CALLED, Kind.NOT_REACHED, Kind.NOT_WATCHED})
"""Whoever reads one of these may be worse, and nobody watches: it says whom to call in an emergency."""
ANONYMOUS = frozenset({Kind.WRONG_NUMBER})
"""To a stranger, whom it must not tell which clinic has a patient of this number."""
SAYS_STOP = frozenset({Kind.INVITATION, Kind.CONFIRM})
"""The first texts to a number say how to get no more."""

HEALTH = re.compile(
    r"\b(?:inject|needl|trigger|pain|sore|infect|bleed|muscl|surg|procedur|steroid|epidur|spin(?:e|al)\b|nerve|symptom"
    r"|diagnos|treatm|medicat|cancer|oncolog|inyec|aguja|dolor|infecc|sangr|m[uú]scul|cirug|procedim|esteroid|columna"
    r"|nervio|s[ií]ntoma|tratam|medicament)\w*",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?:|www\.|\b[a-z0-9-]+\.(?:com|org|net|ly|co|io|me|gl|gd|link|info|us)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"\b(?:reply|text|answer|respond\w*|conteste?|env[ií]e)\b[^.?!]*\b(?:birth|date|name|address|nombre|nacimiento|fecha)",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"\{\w+\}")
_NOT_SAID = (
    (HEALTH, "“{}” tells about the patient's health"),
    (_ADDRESS, "“{}” is an address that is not the clinic's own: use {{link}}"),
    (_ASKS, "“{}” asks for personal data by reply"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One message in one channel and language: its filled words, how long they are as a text, and what is wrong.

    `signs` are counted as the carrier counts them; a mail has no limit, and 0 segments.
    """

    kind: str
    channel: str
    language: str
    words: str = ""
    signs: int = 0
    segments: int = 0
    misfit: str | None = None
    """Why it is more than one segment."""
    faults: tuple[str, ...] = ()


def check(values: Mapping[str, str] = wordings.LONGEST) -> tuple[Text, ...]:
    """Every message, filled with `values` and the longest of what they leave open, with its faults."""
    return tuple(_read(*which, values) for which in sorted(_wanted() | _present(), key=_place))


def name_faults(name: str) -> Iterator[str]:
    """What is wrong with a clinic's name for texts."""
    told = HEALTH.search(name)
    if told:
        yield f"“{told[0]}” tells whoever sees the phone about the patient's health"


def _wanted() -> set[tuple[str, str, str]]:
    """Each message that has to be there: in every language that the first one is written in."""
    languages = {*render.languages(Kind.INVITATION), "en", "es"}
    kinds = [(kind, channel) for kind in Kind for channel in (CHANNELS if kind in MAILED else ("sms",))]
    patients = {(kind.value, channel, language) for kind, channel in kinds for language in languages}
    return patients | {(kind, channel, "en") for kind in STAFF for channel in _channels(kind)}


def _channels(kind: str) -> tuple[str, ...]:
    """How a message to the clinic's own people is sent."""
    if kind in TEXTED:
        return ("sms",)
    return ("email", "email_subject") if kind in POSTED else STAFF_CHANNELS


def _present() -> set[tuple[str, str, str]]:
    """Each message that is there."""
    paths = render.FOLDER.glob("*/*.txt")
    return {(path.parent.name, *path.name.removesuffix(".txt").split(".", 1)) for path in paths}  # type: ignore[misc]


def _place(which: tuple[str, str, str]) -> tuple[int, int, str, str]:
    """Kinds and channels in the order of their lists, what is unknown last."""
    kind, channel, language = which
    kinds, channels = [*map(str, Kind), *STAFF], [*STAFF_CHANNELS]
    return (
        kinds.index(kind) if kind in kinds else len(kinds),
        channels.index(channel) if channel in channels else len(channels),
        kind,
        language,
    )


def _read(kind: str, channel: str, language: str, values: Mapping[str, str]) -> Text:
    text = Text(kind=kind, channel=channel, language=language)
    known = STAFF_CHANNELS if kind in STAFF else CHANNELS
    if channel not in known or kind not in {*map(str, Kind), *STAFF}:
        return replace(text, faults=("nothing sends a message of this name",))
    try:
        words = render.text(kind, channel, language, {**wordings.at_most(language), **values})
        template = render.text(kind, channel, language, {name: f"{{{name}}}" for name in render.ALLOWED[kind]})
    except render.NoWords as missing:
        return replace(text, faults=(str(missing),))
    text = replace(text, words=words, faults=(*_variables(kind, channel, template), *_saying(kind, channel, template)))
    return _measured(text) if channel == "sms" else text


def _measured(text: Text) -> Text:
    misfit = _misfit(text.words)
    faults = (misfit, *text.faults) if misfit else text.faults
    counted = gsm7.segments(text.words)[1]
    return replace(text, signs=gsm7.length(text.words), segments=counted, misfit=misfit, faults=faults)


def _misfit(words: str) -> str | None:
    foreign, excess = gsm7.foreign(words), gsm7.excess(words)
    if foreign:
        return f"leave out {foreign}: it makes the text cost twice as much"
    return (
        f"shorten it by {excess} {'character' if excess == 1 else 'characters'}: it must fit one segment"
        if excess
        else None
    )


def _variables(kind: str, channel: str, template: str) -> Iterator[str]:
    names = _names(template)
    for name in sorted(names - (SAFE_TO_STAFF if kind in STAFF else SAFE)):
        yield f"{{{name}}} may tell who the patient is"
    for name in sorted(_needed(kind, channel) - names):
        yield f"{{{name}}} has to stand in it"


def _needed(kind: str, channel: str) -> set[str]:
    nameless = kind in ANONYMOUS or kind in PROVING or kind == "page_unanswered" or channel == "voice"
    needed = set() if nameless else {"clinic"}
    if channel != "email_subject":
        needed |= {"link"} if kind in LINKED else set()
        needed |= {"emergency"} if kind in SAYS_EMERGENCY else set()
    return needed


def _saying(kind: str, channel: str, template: str) -> Iterator[str]:
    words = _VARIABLE.sub(" ", template)
    if kind in SAYS_STOP and channel == "sms" and "STOP" not in words:
        yield "it has to name STOP, the word that ends these texts"
    for pattern, complaint in _NOT_SAID:
        told = pattern.search(words)
        if told:
            yield complaint.format(" ".join(told[0].split()))


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def faulty(texts: Iterable[Text]) -> tuple[Text, ...]:
    """Those of the texts that have a fault."""
    return tuple(text for text in texts if text.faults)
