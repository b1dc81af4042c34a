"""The forms of the patient's pages: one question, who is answering, and month and day of birth."""

from calendar import monthrange
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from wtforms import Form as PlainForm
from wtforms import IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional

from survey.domain.answers import NO, YES, Answer, as_typed
from survey.domain.errors import InvalidInput
from survey.domain.protocol import SCALE_MOST, ItemKind, Protocol, in_language
from survey.domain.questionnaire import ANSWER
from survey.domain.responses import AnsweredBy
from survey.web import words
from survey.web.forms import Form

LONGEST_MONTH = {month: monthrange(2024, month)[1] for month in range(1, 13)}
"""Month to its last day, of a leap year."""


@lru_cache(maxsize=512)
def question(protocol: Protocol, key: str, language: str) -> type[PlainForm]:
    """The form of an item: a field called `answer`, or one field for each line. Made once for each language."""
    item = protocol.item(key)
    fields: dict[str, Any] = {}
    if item.kind is ItemKind.LINES:
        choices = {YES: protocol.say("line_yes", language), NO: protocol.say("line_no", language)}
        for line in item.lines:
            fields[line.key] = RadioField(in_language(line.text, language), choices=choices)
    elif item.kind is ItemKind.TEXT:
        fields[ANSWER] = TextAreaField(in_language(item.text, language))
    elif item.kind is ItemKind.NUMBER:
        fields[ANSWER] = StringField(in_language(item.text, language))
    elif item.kind is ItemKind.SCALE:
        numbers = [str(number) for number in range(SCALE_MOST + 1)]
        fields[ANSWER] = RadioField(in_language(item.text, language), choices=numbers)
    else:
        options = {option.key: in_language(option.text, language) for option in item.options}
        fields[ANSWER] = RadioField(in_language(item.text, language), choices=options)
    return type(f"Question_{key}", (PlainForm,), fields)


def with_answer(form: type[PlainForm], answer: Answer | None) -> PlainForm:
    """The form holding what was answered before."""
    if isinstance(answer, Mapping):
        return form(data=dict(answer))
    return form(data={ANSWER: None if answer is None else as_typed(answer)})


def with_problem(form: type[PlainForm], sent: Any, problem: InvalidInput) -> PlainForm:
    """The form as it was sent, the trouble beside the field that has to be mended."""
    filled = form(sent)
    sentence = words.say(problem.message_key, **problem.params)
    for name in str(problem.params.get("lines", problem.field)).split(","):
        filled[name].errors = (sentence,)
    return filled


class WhoForm(Form):
    """Whose hands hold the phone; `not_me` ends it."""

    who = RadioField(choices=[*(each.value for each in AnsweredBy), "not_me"])


class BirthForm(Form):
    """Month and day of birth. Nothing at all is an answer, too."""

    month = SelectField(validators=[Optional()], validate_choice=False)
    day = IntegerField(validators=[Optional()])

    def is_right(self) -> bool:
        """Whether both or none can be read; if not, the sentences stand beside the fields."""
        month, day = self.month_number, self.day.data
        if not self.is_valid() or (day is not None and not 1 <= day <= LONGEST_MONTH[month or 1]):
            self.day.errors = (words.say("birth_day_wrong"),)
        elif (month is None) != (day is None):
            (self.month if month is None else self.day).errors = (words.say("birth_both"),)
        return not self.errors

    @property
    def month_number(self) -> int | None:
        """1 to 12, or None."""
        given = self.month.data or ""
        return int(given) if given.isdecimal() and int(given) in LONGEST_MONTH else None
