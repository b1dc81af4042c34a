"""Forms of the alert page: each is a set of buttons, and all carry the epoch that fences off an old screen."""

from wtforms import IntegerField, SelectField
from wtforms.validators import InputRequired

from survey.domain.stories import CONTACT_WORDS, OUTCOME_WORDS, USEFULNESS_WORDS
from survey.web.forms import Form


class AlertForm(Form):
    """A button on an alert; `epoch` is the one that the page showed."""

    epoch = IntegerField(validators=[InputRequired()])


class ContactForm(AlertForm):
    """What came of the call."""

    result = SelectField(choices=CONTACT_WORDS)


class CloseForm(AlertForm):
    """How it ended, and whether the alert was worth it."""

    outcome = SelectField(choices=OUTCOME_WORDS)
    usefulness = SelectField(choices=USEFULNESS_WORDS)
