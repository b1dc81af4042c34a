"""Every message to patients at its longest, to see before anything is sent whether a text fits one segment."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from unicodedata import combining, normalize

from babel.dates import format_date

from survey.domain import reply_codes as codes
from survey.domain.messages import Kind
from survey.domain.proofs import Wording
from survey.messaging import gsm7, registry, render

SECRET = "w" * 22
"""As long as the secret of a link."""
LONGEST: Mapping[str, str] = {
    "clinic": "W" * 24,
    "emergency": "911",
    "link": f"https://{'w' * (registry.LONGEST_PUBLIC_URL - len('https://'))}/s/{SECRET}",
    "phone": "(202) 555-0100",
}
"""The longest values that a site may have; adding a site that needs more room is refused."""
CHANNELS = ("sms", "email", "email_subject")
LONGEST_HOLDER = 20
"""So much of a colleague's name has room in a text."""


def at_most(language: str) -> Mapping[str, str]:
    """The longest of every value that any message is filled with, in that language."""
    days = (weekday(date(2026, 3, 2) + timedelta(days=more), language) for more in range(7))
    return {
        **LONGEST,
        "day": max(days, key=len),
        "time": "12:59 p. m.",
        "number": "A-99999",
        "code": codes.called(None, 99_999),
        "count": "9999",
        "codes": codes.listed(dict.fromkeys(range(93, 100), 9_999_999)),
        "gaps": "- Wed Mar 11, 12:59 PM until Thu Mar 12, 12:59 PM",
        "holder": "W" * LONGEST_HOLDER,
        "schedule": "W" * 40,
        "ways": "push, mail, text, call",
    }


@lru_cache(maxsize=64)
def weekday(day: date, language: str) -> str:
    """`Wednesday`, as a text writes it: an accent that would make the text twice as dear is left out (`sabado`)."""
    return _cheap(str(format_date(day, "EEEE", locale=language)))


def short_name(name: str) -> str:
    """A colleague's name in signs that a text can carry; the first name shrinks to a letter where there is no room."""
    cheap = _cheap(name)
    if len(cheap) > LONGEST_HOLDER and " " in cheap:
        cheap = f"{cheap[0]}. {cheap.split()[-1]}"
    return cheap[:LONGEST_HOLDER]


def wall_time(instant: datetime, tz: tzinfo, language: str) -> str:
    """`10:20 AM`, on that wall, in signs that a text can carry."""
    local = instant.astimezone(tz)
    morning, evening = ("a. m.", "p. m.") if language == "es" else ("AM", "PM")
    return f"{local.hour % 12 or 12}:{local:%M} {morning if local.hour < 12 else evening}"


def wall_moment(instant: datetime, tz: tzinfo) -> str:
    """`Wed Mar 11, 8:00 AM`, on that wall: for the clinic's own people, who read English."""
    local = instant.astimezone(tz)
    return f"{local:%a %b} {local.day}, {wall_time(instant, tz, 'en')}"


def _cheap(written: str) -> str:
    """Without what would make a text twice as dear."""
    return "".join(sign if sign in gsm7.BASIC else _bare(sign) for sign in written)


def _bare(sign: str) -> str:
    return "".join(part for part in normalize("NFD", sign) if part in gsm7.BASIC and not combining(part))


def at_longest(languages: Iterable[str], values: Mapping[str, str] = LONGEST) -> tuple[Wording, ...]:
    """The first message for each channel and language; `linter` holds every other one to the same."""
    return tuple(_wording(channel, language, values) for language in languages for channel in CHANNELS)


def _wording(channel: str, language: str, values: Mapping[str, str]) -> Wording:
    name = f"templates/messages/{Kind.INVITATION}/{channel}.{language}.txt"
    try:
        text = render.text(Kind.INVITATION, channel, language, values)
    except render.NoWords as missing:
        return Wording(name=name, language=language, missing=str(missing))
    if channel != "sms":
        return Wording(name=name, language=language)
    return Wording(
        name=name,
        language=language,
        segments=gsm7.segments(text)[1],
        excess=gsm7.excess(text),
        foreign=gsm7.foreign(text),
    )
