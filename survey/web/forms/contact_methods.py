"""Forms of the page that says how somebody is paged."""

from datetime import timedelta

from wtforms import IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from survey.domain.oncall import MethodKind
from survey.web.forms import Form, stripped

KINDS = {
    MethodKind.SMS.value: "Text",
    MethodKind.VOICE.value: "Call",
    MethodKind.EMAIL.value: "Email",
    MethodKind.APPRISE.value: "Push service",
}
"""In the words of whoever is paged."""


class MethodForm(Form):
    """One more way to reach somebody."""

    kind = RadioField("How", choices=KINDS, default=MethodKind.SMS.value)
    address = StringField(
        "Where",
        description="A phone number, an email address, or an Apprise address such as pagerduty://… or ntfys://….",
        filters=[stripped],
        validators=[InputRequired("Enter a number or an address."), Length(max=500, message="This is too long.")],
        render_kw={"autocomplete": "off"},
    )
    label = StringField(
        "Name for it",
        description="If you like: my own phone, the ward's phone.",
        filters=[stripped],
        validators=[Length(max=60, message="Use at most 60 characters.")],
        render_kw={"autocomplete": "off"},
    )


class CodeForm(Form):
    """The code that was sent."""

    code = StringField(
        "Code",
        filters=[stripped],
        validators=[InputRequired("Enter the six digits."), Length(max=20, message="The code has six digits.")],
    )


class RuleForm(Form):
    """When a way is used."""

    method_id = SelectField("Way", validators=[InputRequired("Choose a way.")])
    minutes = IntegerField(
        "Minutes after the alert",
        description="0 is at once, 60 the latest.",
        default=0,
        validators=[
            InputRequired("Enter the minutes, 0 for at once."),
            NumberRange(0, 60, message="Choose between 0 and 60 minutes."),
        ],
        render_kw={"inputmode": "numeric", "min": 0, "max": 60},
    )

    def delay(self) -> timedelta:
        """How long after the alert."""
        return timedelta(minutes=self.minutes.data)
