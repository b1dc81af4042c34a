"""The form that puts a patient's number, address or consent right."""

from wtforms import BooleanField, EmailField, RadioField, TelField
from wtforms.validators import Length, Optional

from survey.domain.patients import ConsentHow
from survey.services.contacts import Correction
from survey.web.forms import Form, stripped
from survey.web.forms.patients import consent_sentence as consent_sentence


class ContactForm(Form):
    """What was wrong or missing; whatever is left empty stays as it is."""

    mobile = TelField(
        "Mobile number",
        description="Leave it empty if the one on file is right.",
        filters=[stripped],
        validators=[Length(max=40, message="This is longer than a phone number.")],
    )
    email = EmailField(
        "Email address",
        filters=[stripped],
        validators=[Length(max=254, message="This is longer than an email address.")],
    )
    replaces = BooleanField(
        "The old one is wrong: never use it again",
        description="Tick it when somebody else has the number or the mailbox on file.",
    )
    consent = BooleanField("The patient agreed to be texted or mailed")
    consent_how = RadioField(
        "How did the patient agree?",
        choices={ConsentHow.SPOKEN.value: "Spoken", ConsentHow.WRITTEN.value: "Written"},
        default=ConsentHow.SPOKEN.value,
        validators=[Optional()],
    )


def correction(form: ContactForm) -> Correction:
    """What the form says."""
    how = ConsentHow(form.consent_how.data) if form.consent_how.data else ConsentHow.SPOKEN
    return Correction(
        mobile=form.mobile.data or None,
        email=form.email.data or None,
        consent_how=how if form.consent.data else None,
        replaces=form.replaces.data,
    )
