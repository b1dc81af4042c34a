"""The forms of the second person: a signature under each downgrade, and the approval of the whole."""

from uuid import UUID

from wtforms import BooleanField, HiddenField, SelectField, TextAreaField
from wtforms import validators as checks

from survey.domain.downgrades import Terms
from survey.domain.protocol import Tier
from survey.web.forms import Form

TIERS = [tier.value for tier in Tier]


class SignForm(Form):
    """One signature. All but the reason comes from the page, and says what was read there."""

    response = HiddenField(validators=[checks.UUID()])
    sha256 = HiddenField(validators=[checks.InputRequired()])
    before = SelectField(choices=TIERS)
    after = SelectField(choices=TIERS)
    reason = TextAreaField()

    def response_id(self) -> UUID:
        """Whose event it is."""
        return UUID(self.response.data)

    def terms(self) -> Terms:
        """What was read."""
        return Terms(sha256=self.sha256.data, before=Tier(self.before.data), after=Tier(self.after.data))


class PublishForm(Form):
    """The approval of the text with that hash."""

    sha256 = HiddenField(validators=[checks.InputRequired()])
    agreed = BooleanField(
        "I have read what changes and what was tried, and I approve this version.",
        validators=[checks.InputRequired("Tick this once you have read the points above.")],
    )
