"""The forms of a rota that is kept elsewhere: its address, and who is meant by a name in it."""

from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from survey.web.forms import Form, stripped


class FeedForm(Form):
    """Where the calendar is."""

    url = StringField(
        "Address of the calendar",
        description="It ends in .ics as a rule. In Outlook: publish the calendar, copy the ICS link. "
        "In Google: the secret address in iCal format.",
        filters=[stripped],
        validators=[
            InputRequired("Enter the address of the calendar."),
            Length(max=2000, message="Use at most 2,000 characters."),
        ],
    )


class NameForm(Form):
    """Who is meant."""

    label = HiddenField()
    user_id = SelectField("Who this is", validators=[InputRequired("Choose who this is.")])
