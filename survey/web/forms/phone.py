"""The survey on one page, as staff ask it on the phone: each question with what to say and what was answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from survey.domain.answers import as_typed, in_full
from survey.domain.conditions import items_of
from survey.domain.protocol import Item, ItemKind, Protocol, Words, in_language
from survey.domain.questionnaire import visible_items
from survey.domain.responses import Sheet
from survey.services.sheets import PhoneSheet
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
