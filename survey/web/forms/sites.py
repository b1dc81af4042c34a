"""The form of a site's settings."""

from dataclasses import replace
from datetime import time
from typing import Any

from wtforms import HiddenField, SelectMultipleField, StringField, TelField, TimeField
from wtforms.validators import InputRequired, Length

from survey.domain.sites import LONGEST_NAME, LONGEST_SMS_NAME, Site
from survey.services import sites
from survey.web import words
from survey.web.forms import Form, stripped

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Hour(TimeField):
    """A time of day; what cannot be read is refused in words."""

    def __init__(self, label: str, **bound: Any) -> None:
        super().__init__(label, validators=[InputRequired("Enter a time.")], **bound)  # type: ignore[no-untyped-call]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the browser's time, or one typed as 08:00."""
        try:
            super().process_formdata(valuelist)  # type: ignore[no-untyped-call]
        except ValueError as unreadable:
            raise ValueError("Enter a time as hours and minutes, such as 08:00.") from unreadable


def _name(label: str, hint: str, longest: int) -> StringField:
    long = Length(max=longest, message=f"Use at most {longest} characters.")
    return StringField(
        label, description=hint, filters=[stripped], validators=[InputRequired("This cannot be empty."), long]
    )


class SiteForm(Form):
    """What a clinic may set of a site. `seen` marks the state that the form was filled with."""

    seen = HiddenField()
    name = _name("Name", "As patients know it. It stands at the top of their pages.", LONGEST_NAME)
    sms_name = _name(
        "Name for texts",
        "Every text begins with it. At most 24 characters, nothing about health: other people see phones.",
        LONGEST_SMS_NAME,
    )
    phone = TelField(
        "Phone",
        description="The number that patients call. It stands in every text.",
        filters=[stripped],
        validators=[InputRequired("Enter the phone number."), Length(max=40)],
    )
    emergency_number = _name("Emergency number", "Such as 911.", 6)
    opens = Hour("Opens")
    closes = Hour("Closes")
    workdays = SelectMultipleField(
        "Days on which somebody answers",
        choices={str(number): name for number, name in enumerate(DAYS, start=1)},
        description="A promised call falls on one of them.",
    )
    zone = _name("Time zone", "Of the clinic, and of patients whose own is not known. Such as America/New_York.", 40)


def filled(site: Site) -> SiteForm:
    """The form with the site as it stands."""
    return SiteForm(
        data={
            "seen": sites.mark(site),
            "name": site.name,
            "sms_name": site.sms_name,
            "phone": words.phone(site.phone),
            "emergency_number": site.emergency_number,
            "opens": site.opens,
            "closes": site.closes,
            "workdays": [str(day) for day in site.workdays],
            "zone": site.zone,
        }
    )


def changed(form: SiteForm, site: Site) -> Site:
    """The site as the form has it, its phone as it was typed."""
    opens: time = form.opens.data
    closes: time = form.closes.data
    return replace(
        site,
        name=form.name.data,
        sms_name=form.sms_name.data,
        phone=form.phone.data,
        emergency_number=form.emergency_number.data,
        opens=opens,
        closes=closes,
        workdays=tuple(sorted(int(day) for day in form.workdays.data or ())),
        zone=form.zone.data,
    )


def days(site: Site) -> str:
    """`Mon, Tue, Fri`; a run of three or more as `Mon–Fri`."""
    short = [DAYS[day - 1][:3] for day in sorted(site.workdays)]
    whole = site.workdays and max(site.workdays) - min(site.workdays) + 1 == len(short) > 2
    return f"{short[0]}–{short[-1]}" if whole else ", ".join(short)
