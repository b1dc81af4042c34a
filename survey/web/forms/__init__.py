"""Forms: what a page may send, read into plain values, and where a refusal is shown."""

from collections.abc import Iterable
from typing import Any

from flask_wtf import FlaskForm
from wtforms.fields import Field

from survey.domain.errors import Refused


class Form(FlaskForm):
    """A form with types, and with a place for a refusal that belongs to no field."""

    def __init__(self, **values: Any) -> None:
        """`data=` fills the fields of a form that was not sent yet."""
        super().__init__(**values)  # type: ignore[no-untyped-call]

    def is_valid(self) -> bool:
        """Whether every field passed."""
        return bool(self.validate())  # type: ignore[no-untyped-call]


def put_beside(form: Form, refused: Refused) -> None:
    """Show a refusal beside the field that it names, or at the head of the form when it names none."""
    if refused.field is not None and refused.field in form:
        field = form[refused.field]
        field.errors = [*field.errors, refused.message]
    else:
        form.form_errors.append(refused.message)


def put_problems(form: Form, problems: Iterable[tuple[str, str]]) -> None:
    """Show several refusals, each as (field, sentence)."""
    for field, sentence in problems:
        put_beside(form, Refused(sentence, field=field))


def troubles(form: Form) -> list[tuple[str, str]]:
    """What the summary lists: the id of the first control to mend, or nothing, and the sentence."""
    whole = [("", message) for message in form.form_errors]
    return whole + [(_control(field), message) for field in form for message in field.errors[:1]]


def _control(field: Field) -> str:
    """The id of a field's first control; a list of choices has one for each."""
    parts: list[Any] = list(field) if hasattr(field, "__iter__") else []
    return str(parts[0].id if parts else field.id)


def stripped(text: str | None) -> str | None:
    """What was typed, without the spaces around it."""
    return text.strip() if text else text
