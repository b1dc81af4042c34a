"""Forms of the alert page: each is a set of buttons, and all carry the epoch that fences off an old screen."""

from uuid import UUID

from wtforms import HiddenField, IntegerField, SelectField, validators
from wtforms.validators import InputRequired, Optional

from survey.domain.stories import CONTACT_WORDS, OUTCOME_WORDS, USEFULNESS_WORDS
from survey.web.forms import Form, stripped


class AlertForm(Form):
    """A button on an alert; `epoch` is the one that the page showed."""

    epoch = IntegerField(validators=[InputRequired()])


class DoorForm(AlertForm):
    """The button at the door of a page's link; `over`: take it from whoever has it; `alert`: one that came with it."""

    over = HiddenField()
    alert = HiddenField(filters=[stripped], validators=[Optional(), validators.UUID("That page was out of date.")])

    def which(self) -> UUID | None:
        """The alert that is meant; None for the page's own."""
        return UUID(self.alert.data) if self.alert.data else None


class PersonForm(AlertForm):
    """A colleague by name."""

    user_id = SelectField(validators=[InputRequired("Choose a person.")])

    def who(self) -> UUID:
        """The person chosen."""
        return UUID(self.user_id.data)


class ContactForm(AlertForm):
    """What came of the call."""

    result = SelectField(choices=CONTACT_WORDS)


class CloseForm(AlertForm):
    """How it ended, and whether the alert was worth it."""

    outcome = SelectField(choices=OUTCOME_WORDS)
    usefulness = SelectField(choices=USEFULNESS_WORDS)
