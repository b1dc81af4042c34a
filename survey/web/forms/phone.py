"""The survey on one page, as staff ask it on the phone: each question with what to say and what was answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import yaml
from werkzeug.datastructures import MultiDict

from survey.domain.answers import as_typed, in_full
from survey.domain.conditions import items_of
from survey.domain.protocol import Item, ItemKind, Protocol, Words, in_language
from survey.domain.questionnaire import visible_items
from survey.domain.responses import Sheet
from survey.domain.triage import advice_in_words
from survey.services.sheets import Outcome, PhoneSheet
from survey.settings import ROOT
from survey.web import words

STAFF = "en"
LEFT_OPEN = "This question is open. Ask it, or save with questions left open."


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One item on the page. `say` is in the patient's language, `means` in English where that is another.

    `after` names the questions whose answers decide whether to ask; `given` is field name to value.
    """

    item: Item
    say: str
    means: str | None
    help: str | None
    """What else the patient reads, in English."""
    after: str | None
    given: Mapping[str, str]
    problem: str | None

    @property
    def control(self) -> str:
        """The id of the first control, for the summary's link."""
        if self.item.kind in (ItemKind.TEXT, ItemKind.NUMBER):
            return self.item.key
        return f"{self.item.key}.{self.item.lines[0].key}-yes" if self.item.lines else f"{self.item.key}-0"


def new(sheet: PhoneSheet) -> tuple[Question, ...]:
    """The page with what was answered so far."""
    return _questions(sheet, _given(sheet), {})


def again(sheet: PhoneSheet, sent: MultiDict[str, str], problems: Mapping[str, str]) -> tuple[Question, ...]:
    """The page as it was sent, each problem beside its question."""
    return _questions(sheet, sent.to_dict(), problems)


def problems(sheet: PhoneSheet, read: Sheet, *, open_too: bool) -> dict[str, str]:
    """Item key to sentence: what cannot be read and, with `open_too`, what is shown and still open."""
    found = {key: words.say(one.message_key, **one.params) for key, one in read.problems.items()}
    answers = {**sheet.answers, **read.answers}
    shown = visible_items(sheet.protocol, answers, sheet.context) if open_too else ()
    left = {item.key: LEFT_OPEN for item in shown if item.required and not in_full(item, answers.get(item.key))}
    return {**left, **found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence to say: in the language that is spoken, and in English where that is another."""

    say: str
    means: str | None


def script(sheet: PhoneSheet) -> Mapping[str, Said]:
    """What to say around the questions, by the name of the sentence."""
    return {key: _said(sheet, key) for key in _sentences(STAFF)}


def _said(sheet: PhoneSheet, key: str) -> Said:
    means = None if sheet.language == STAFF else _sentence(sheet, key, STAFF)
    return Said(say=_sentence(sheet, key, sheet.language), means=means)


def _sentence(sheet: PhoneSheet, key: str, language: str) -> str:
    words.speak(language)
    values = {
        # Whoever picks up must not learn what kind of clinic it is.
        "clinic": sheet.site.sms_name,
        "name": f"{sheet.patient.given_name} {sheet.patient.family_name}",
        "date": words.day(sheet.performed_on),
        "emergency": sheet.site.emergency_number,
        "phone": words.phone(sheet.site.phone),
    }
    words.speak(STAFF)
    return _sentences(language)[key].format_map(values)


@lru_cache(maxsize=8)
def _sentences(language: str) -> Mapping[str, str]:
    """The script in that language, or in English where nobody has written it."""
    path = ROOT / "config" / "words" / f"script.{language}.yaml"
    if not path.is_file():
        return _sentences(STAFF)
    loaded: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def ending(outcome: Outcome, language: str, now: datetime) -> tuple[Said, ...]:
    """What to tell the patient, by the tier and with the advice of the rules that fired."""
    spoken = _ending(outcome, language, now)
    meant = _ending(outcome, STAFF, now) if language != STAFF else [None] * len(spoken)
    return tuple(Said(say=say, means=means) for say, means in zip(spoken, meant, strict=True))


def _ending(outcome: Outcome, language: str, now: datetime) -> list[str]:
    sheet, told = outcome.sheet, outcome.sheet.protocol.tiers[outcome.tier]
    advice = advice_in_words(sheet.protocol, outcome.score.fired, language)
    lines = [in_language(each, language) for each in (told.heading, *told.body)]
    blanks = _blanks(outcome, language, now)
    return [words.fill(line, blanks) for line in (*lines, *advice)]


def _blanks(outcome: Outcome, language: str, now: datetime) -> dict[str, str]:
    """What the protocol's sentences leave open, in that language."""
    words.speak(language)
    site, at = outcome.sheet.site, outcome.promised_at
    phone = words.phone(site.phone)
    blanks = {
        "emergency": site.emergency_number,
        "phone": phone,
        "number": phone,
        "date": words.day(outcome.sheet.performed_on),
    }
    if at is not None:
        blanks |= {"time": words.time_or_day(at, site, now), "day": words.day(at, site)}
    words.speak(STAFF)
    return blanks


def _questions(sheet: PhoneSheet, given: Mapping[str, str], wrong: Mapping[str, str]) -> tuple[Question, ...]:
    language = sheet.language if sheet.language in sheet.protocol.languages else sheet.protocol.languages[0]
    return tuple(
        Question(
            item=item,
            say=_say(sheet, item, language),
            means=_say(sheet, item, STAFF) if language != STAFF else None,
            help=_filled(sheet, item.help, STAFF) if item.help else None,
            after=_after(sheet.protocol, item),
            given=given,
            problem=wrong.get(item.key),
        )
        for item in sheet.protocol.items
    )


def _say(sheet: PhoneSheet, item: Item, language: str) -> str:
    return _filled(sheet, item.text, language)


def _filled(sheet: PhoneSheet, text: Words, language: str) -> str:
    blanks = {"emergency": sheet.site.emergency_number, "phone": words.phone(sheet.site.phone)}
    return words.fill(in_language(text, language), blanks)


def _after(protocol: Protocol, item: Item) -> str | None:
    """The questions that this one hangs on, by their labels."""
    if item.show_if is None:
        return None
    asked = items_of(item.show_if, {derived.name: derived.when for derived in protocol.sets})
    labels = [in_language(one.label, STAFF) for one in protocol.items if one.key in asked]
    return ", ".join(labels) or None


def _given(sheet: PhoneSheet) -> dict[str, str]:
    return dict(_fields(sheet))


def _fields(sheet: PhoneSheet) -> Iterable[tuple[str, str]]:
    for key, answer in sheet.answers.items():
        if isinstance(answer, Mapping):
            yield from ((f"{key}.{line}", value) for line, value in answer.items())
        else:
            yield key, as_typed(answer)
