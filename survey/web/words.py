"""What patients read around the questions, in their language, and how a time or a phone number is written there."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import phonenumbers
import yaml
from babel.dates import format_date, format_time, get_month_names
from flask import Flask, g, request
from markupsafe import Markup, escape

from survey.domain.protocol import Words, in_language
from survey.domain.sites import Site
from survey.settings import ROOT

LOCALES: Mapping[str, str] = {"en": "en_US", "es": "es_US"}
"""Each language that patients may choose, and how dates are written in it."""
FALLBACK = "en"
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})

HALF_A_DAY = timedelta(hours=12)

_DOTTED = re.compile(r"\b([ap])\.\s*m\.")
_SENTENCES = re.compile(r"(?<=[.?!])\s+")


@lru_cache(maxsize=8)
def catalogue(language: str) -> Mapping[str, str]:
    """All sentences of a language. Raises OSError when there is no such file."""
    path = ROOT / "config" / "words" / f"patient.{language}.yaml"
    loaded: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def say(key: str, **values: str | int) -> str:
    """A sentence in the language of this request. Raises KeyError for one that does not exist."""
    text = catalogue(language())[key]
    return (escape(text) if any(hasattr(value, "__html__") for value in values.values()) else text).format(**values)


def language() -> str:
    """The language of this request: what the view found out, else English."""
    chosen: str = g.get("language", FALLBACK)
    return chosen


def speak(wanted: str | None) -> None:
    """Go on in that language, or in English where it is not spoken."""
    g.language = wanted if wanted in LOCALES else FALLBACK


def asked_for() -> str | None:
    """The language that the address names, if it is spoken here."""
    wanted = request.args.get("language")
    return wanted if wanted in LOCALES else None


def preferred() -> str:
    """The best of ours by what the browser accepts, for a page on which nobody is known."""
    return asked_for() or request.accept_languages.best_match(list(LOCALES)) or FALLBACK


def clock_time(instant: datetime, site: Site) -> str:
    """`2:07 PM`, on the clinic's clock; without the dots of `p. m.`, which would end the sentence."""
    return wall_time(site.local(instant), language())


def wall_time(at: time | datetime, language: str) -> str:
    """`2:07 PM`, as it is written in that language."""
    return _DOTTED.sub(r"\1m", str(format_time(at, "short", locale=LOCALES[language])))


def day(when: datetime | date, site: Site | None = None) -> str:
    """`Tuesday, November 24`; an instant is read on the clinic's calendar."""
    local = site.local(when).date() if site and isinstance(when, datetime) else when
    pattern = "EEEE d 'de' MMMM" if language() == "es" else "EEEE, MMMM d"
    return str(format_date(local, pattern, locale=LOCALES[language()]))


def time_or_day(instant: datetime, site: Site, now: datetime) -> str:
    """The time alone where nobody can take it for another day's, else with its day before it."""
    time = clock_time(instant, site)
    return time if abs(instant - now) < HALF_A_DAY else f"{day(instant, site)}, {time}"


def months() -> list[tuple[str, str]]:
    """Number and name of each month, for a choice."""
    names = get_month_names("wide", locale=LOCALES[language()])
    return [(str(number), str(names[number])) for number in range(1, 13)]


@lru_cache(maxsize=256)
def phone(number: str) -> str:
    """`(202) 555-0123` for a number of the clinic's country, `+44 20 …` for another; what is no number, as it is."""
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return number
    home = phonenumbers.PhoneNumberFormat.NATIONAL
    abroad = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, home if parsed.country_code == 1 else abroad))


def fill(text: str, values: Mapping[str, str]) -> Markup:
    """A protocol's sentence with its {placeholders} filled; one that we do not know is left as it stands."""
    filled = escape(text)
    for name, value in values.items():
        filled = filled.replace(f"{{{name}}}", value)
    return filled


def unbroken(text: str) -> Markup:
    """A number that must not be cut at the end of a line."""
    return Markup('<bdi class="number">{}</bdi>').format(text)


def question_parts(text: str) -> tuple[str, str, str]:
    """What stands before the question, the question, and what stands after it."""
    sentences = _SENTENCES.split(text)
    place = next((number for number, sentence in enumerate(sentences) if "?" in sentence), None)
    if place is None:
        return "", text, ""
    return " ".join(sentences[:place]), sentences[place], " ".join(sentences[place + 1 :])


def install(app: Flask) -> None:
    """Give every template the words of its request's language."""
    app.jinja_env.globals.update(
        clock_time=clock_time,
        day=day,
        phone=phone,
        unbroken=unbroken,
        question_parts=question_parts,
        say=say,
        fill=fill,
    )
    app.context_processor(_for_templates)


def _for_templates() -> dict[str, object]:
    spoken = language()
    return {
        "language": spoken,
        "direction": "rtl" if spoken in RIGHT_TO_LEFT else "ltr",
        "languages": {code: catalogue(code)["other_language"] for code in LOCALES},
        "words": _words,
    }


def _words(text: Words) -> str:
    """The pack's text in the language of this request."""
    return in_language(text, language())
