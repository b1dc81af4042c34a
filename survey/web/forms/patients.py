"""The forms of the patient pages: enrol and close with a reason."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
)
from wtforms.validators import InputRequired, Length, Optional

from survey.domain.patients import CONSENT_SENTENCES, ConsentHow, Enrolment, NotEnrollable, Problem
from survey.domain.protocol import Flag, Protocol, in_language
from survey.domain.sites import Site
from survey.web.forms import Form, put_problems, stripped

FLAG = "flag_"
"""Prefix of the fields that ask for a context flag."""

LANGUAGES = {"en": "English", "es": "Español"}


class Day(DateField):
    """A date; what cannot be read is refused in words."""

    def __init__(self, label: str, missing: str, **bound: Any) -> None:
        super().__init__(label, validators=[InputRequired(missing)], **bound)  # type: ignore[no-untyped-call]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the browser's date, or one typed as 2026-11-23."""
        try:
            super().process_formdata(valuelist)  # type: ignore[no-untyped-call]
        except ValueError as unreadable:
            raise ValueError("Enter a date as year-month-day, such as 2026-11-23.") from unreadable


def _text(label: str, hint: str = "", *, required: str = "") -> StringField:
    needed = [InputRequired(required)] if required else []
    long = Length(max=200, message="Use at most 200 characters.")
    return StringField(label, description=hint, filters=[stripped], validators=[*needed, long])


class EnrolForm(Form):
    """One patient and one procedure. The protocol's own questions are added by `enrol_form`."""

    warned = False
    """Whether the form asks for the number to be kept, which no text can go to."""

    given_name = _text("Given name", required="Enter the patient’s given name.")
    family_name = _text("Family name", required="Enter the patient’s family name.")
    born_on = Day("Date of birth", "Enter the date of birth.")
    mrn = _text("Record number", "If your clinic uses one. It keeps two people of one name apart.")
    language = SelectField("Language", description="What the patient reads and speaks.")
    mobile = TelField(
        "Mobile number",
        description="The link goes there as a text. Two patients may share one.",
        filters=[stripped],
        validators=[Length(max=40, message="This is longer than a phone number.")],
    )
    email = EmailField("Email address", description="For the link when no text can be sent.", filters=[stripped])
    place = _text("State or ZIP code", "Where the patient lives. It tells the hours in which texts may come.")
    zone = _text("Time zone", "Only if it is neither the clinic’s nor that of the ZIP code, such as America/Denver.")
    keep_number = BooleanField("Keep this number all the same: somebody will call")
    helper_may_answer = BooleanField(
        "A helper may answer for the patient",
        description="Such as a daughter. Who it is need not be written down; the check-in asks who answers.",
    )
    consent = BooleanField(
        "The patient agreed to be texted or mailed",
        description="Did the patient say no? Leave it out and enrol all the same: somebody will call.",
    )
    consent_how = RadioField(
        "How did the patient agree?",
        choices={ConsentHow.SPOKEN.value: "Spoken", ConsentHow.WRITTEN.value: "Written"},
        default=ConsentHow.SPOKEN.value,
        validators=[Optional()],
    )
    performed_on = Day("Day of the procedure", "Enter the day of the procedure.")
    site = SelectField("Site")
    body_sites = SelectMultipleField("Where on the body", description="Tick all that were treated.")
    agents = SelectMultipleField("What was used", description="Tick all.")
    lot = _text("Lot", "As printed on the vial or the package.")
    injector = _text("Injector", "Who did the procedure.")


def enrol_form(pack: Protocol, sites: Iterable[Site], *, today: date | None = None) -> EnrolForm:
    """The form for one protocol. `today` fills in the day of the procedure on a form that is new."""
    asked = _asked_flags(pack)
    fields = {f"{FLAG}{key}": _flag_field(label) for key, label in asked.items()}
    made: EnrolForm = type("EnrolForm", (EnrolForm,), fields)(data={"performed_on": today} if today else None)
    made.site.choices = {str(site.id): site.name for site in sites}
    made.language.choices = {code: LANGUAGES.get(code, code) for code in pack.languages}
    made.body_sites.choices = {one.key: in_language(one.label, "en") for one in pack.body_sites}
    made.agents.choices = {one.key: in_language(one.label, "en") for one in pack.agents}
    return made


def _asked_flags(pack: Protocol) -> Mapping[str, str]:
    """The flags that nobody but a person can settle; sites and drugs settle the others by themselves."""
    settled = {key for site in pack.body_sites for key in site.sets} | {key for a in pack.agents for key in a.sets}
    return {flag.key: in_language(flag.label, "en") for flag in pack.flags if flag.key not in settled}


def _flag_field(label: str) -> RadioField:
    choices = {Flag.YES.value: "Yes", Flag.NO.value: "No", Flag.UNKNOWN.value: "Not known"}
    return RadioField(label, choices=choices, default=Flag.UNKNOWN.value)


def enrolment(form: EnrolForm) -> Enrolment:
    """What the form says."""
    flags = {field.name.removeprefix(FLAG): Flag(field.data) for field in form if field.name.startswith(FLAG)}
    return Enrolment(
        given_name=form.given_name.data,
        family_name=form.family_name.data,
        born_on=form.born_on.data,
        performed_on=form.performed_on.data,
        language=form.language.data,
        zone=form.zone.data or None,
        place=form.place.data or None,
        helper_may_answer=form.helper_may_answer.data,
        mobile=form.mobile.data or None,
        email=form.email.data or None,
        consent=form.consent.data,
        consent_how=ConsentHow(form.consent_how.data) if form.consent.data and form.consent_how.data else None,
        mrn=form.mrn.data or None,
        body_sites=tuple(form.body_sites.data or ()),
        agents=tuple(form.agents.data or ()),
        lot=form.lot.data or None,
        injector=form.injector.data or None,
        context=flags,
    )


def site_of(form: EnrolForm) -> UUID:
    """The site that was chosen."""
    return UUID(form.site.data)


def show_faults(form: EnrolForm, faults: NotEnrollable) -> None:
    """Put each fault of an enrolment beside its field."""
    put_problems(form, [(one.column, one.reason) for one in faults.problems])


def show_cautions(form: EnrolForm, cautions: Iterable[Problem]) -> bool:
    """Put beside the number what keeps texts from it, unless the desk has said to keep it; whether there is any."""
    put_problems(form, [(one.column, one.reason) for one in cautions if not form.keep_number.data])
    form.warned = bool(form.mobile.errors)
    return form.warned


def consent_sentence(language: str) -> str:
    """What to read out before ticking the consent."""
    return CONSENT_SENTENCES.get(language, CONSENT_SENTENCES["en"])


class StopForm(Form):
    """Close a check-in without an answer."""

    reason = _text("Reason", "It stands in the patient’s story.", required="Say in a few words why.")
