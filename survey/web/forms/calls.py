"""The forms of the call list: what came of a call, what the lead decides, why all contact stops; and its filters."""

from collections.abc import Mapping
from dataclasses import dataclass

from wtforms import BooleanField, RadioField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from survey.domain.calls import KINDS, LEAD, RESULT_WORDS, Wanted
from survey.domain.stops import REASON_WORDS, Reason
from survey.web.forms import Form, stripped
from survey.web.forms.worklist import page_number, site


def _note(hint: str) -> TextAreaField:
    long = Length(max=500, message="Use at most 500 characters.")
    return TextAreaField("Note", description=hint, filters=[stripped], validators=[long])


class CallForm(Form):
    """One call. `text` asks for the text that we called."""

    result = RadioField(
        "What came of the call?", choices=RESULT_WORDS, validators=[InputRequired("Choose what came of the call.")]
    )
    note = _note("Optional. It stands in the patient’s story.")
    text = BooleanField("Text the patient that we called")


class DecideForm(Form):
    """The lead closes a check-in."""

    reason = RadioField(
        "Why is no more call needed?", choices=REASON_WORDS, validators=[InputRequired("Choose a reason.")]
    )
    note = _note("What was tried, or why. It stands in the patient’s story.")


class StopAllForm(Form):
    """All contact with a patient ends."""

    reason = RadioField(
        "Why?",
        choices={key: words for key, words in REASON_WORDS.items() if key is not Reason.NOT_REACHED},
        validators=[InputRequired("Choose why all contact stops.")],
    )
    note = _note("Optional, but needed for another reason. It stands in the patient’s story.")
    everywhere = BooleanField(
        "Send nothing to these addresses for anybody else either",
        description="Choose this when somebody asked for it, or when the number may go to another person.",
    )


class OneTap(Form):
    """A button of the list: the result, and whether the patient is texted."""

    result = SelectField(choices=RESULT_WORDS)
    text = BooleanField()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What part of the call list, and which page of it. `values` is the same, for links."""

    wanted: Wanted
    page: int
    values: Mapping[str, str]


def asked(sent: Mapping[str, str]) -> Asked:
    """The list's filters; what cannot be read is left out."""
    kind = sent.get("kind", "")
    return Asked(
        wanted=Wanted(site_id=site(sent), kind=kind if kind in KINDS or kind == LEAD else ""),
        page=page_number(sent.get("page", "")),
        values={key: value for key, value in sent.items() if key in ("site", "kind") and value},
    )
