"""The form of a reply, and the filters of the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from wtforms import TextAreaField
from wtforms.validators import Length

from survey.domain.inbound import LONGEST_NOTE
from survey.web.forms import Form, stripped
from survey.web.forms.worklist import page_number, site


class DoneForm(Form):
    """Somebody has seen to a reply; a note is welcome and not asked for."""

    note = TextAreaField(
        "Note",
        filters=[stripped],
        validators=[Length(max=LONGEST_NOTE, message=f"Write at most {LONGEST_NOTE} characters.")],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What part of the replies is asked for. `values` is the same, for links."""

    site_id: UUID | None
    done: bool
    page: int
    values: Mapping[str, str]


def replies(sent: Mapping[str, str]) -> Asked:
    """The filters, read from the address."""
    chosen = site(sent)
    done = sent.get("show") == "done"
    values = ({"site": str(chosen)} if chosen else {}) | ({"show": "done"} if done else {})
    return Asked(site_id=chosen, done=done, page=page_number(sent.get("page", "")), values=values)
