"""The form that puts a number right at the desk."""

from wtforms import TelField
from wtforms.validators import InputRequired, Length

from survey.web.forms import Form, stripped


class NumberForm(Form):
    """The patient's mobile number, as it was typed before or as it should be."""

    mobile = TelField(
        "Mobile number",
        description="Read it out to the patient, digit by digit.",
        filters=[stripped],
        validators=[
            InputRequired("Enter the mobile number."),
            Length(max=40, message="This is longer than a phone number."),
        ],
    )
