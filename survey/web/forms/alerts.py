"""Forms of the alert page: each is a set of buttons, and all carry the epoch that fences off an old screen."""

from wtforms import IntegerField, SelectField
from wtforms.validators import InputRequired

from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.web.forms import Form


class AlertForm(Form):
    """A button on an alert; `epoch` is the one that the page showed."""

    epoch = IntegerField(validators=[InputRequired()])


class ContactForm(AlertForm):
    """What came of the call."""

    result = SelectField(choices=[(one.value, one.value) for one in ContactResult])


class CloseForm(AlertForm):
    """How it ended, and whether the alert was worth it."""

    outcome = SelectField(choices=[(one.value, one.value) for one in Outcome])
    usefulness = SelectField(choices=[(one.value, one.value) for one in Usefulness])
