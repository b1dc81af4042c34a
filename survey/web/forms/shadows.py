"""The form that puts a candidate in shadow."""

from wtforms import IntegerField
from wtforms import validators as checks

from survey.web.forms import Form

USUAL_DAYS = 14


class ShadowForm(Form):
    """For how many days; whether they are too many is for the rules to say."""

    days = IntegerField(
        "Days in shadow",
        description="1 to 90. Two weeks show most of what a clinic sees.",
        validators=[checks.InputRequired("Enter a number of days, such as 14.")],
    )
