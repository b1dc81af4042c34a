"""The form under a handover sheet: one signature, and the giver's note."""

from collections.abc import Mapping
from datetime import UTC, datetime

from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length

from survey.domain.handovers import LONGEST_NOTE
from survey.web.forms import Form, stripped


class SignForm(Form):
    """A signature cannot be taken back, so it is asked for twice."""

    at = HiddenField(validators=[InputRequired()])
    note = TextAreaField(
        "Note for whoever takes over",
        description="May be left empty. Use alert numbers, not names.",
        filters=[stripped],
        validators=[Length(max=LONGEST_NOTE, message=f"Write at most {LONGEST_NOTE} characters.")],
    )
    sure = BooleanField(
        "I have gone through every line, and stand by it with my name",
        validators=[InputRequired("Tick the box when you have gone through every line. A signature stays.")],
    )


def change(sent: Mapping[str, str]) -> datetime | None:
    """Which change of the watch is meant, as its instant; None for none, or for one that cannot be read."""
    try:
        found = datetime.fromisoformat(sent.get("at", ""))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
