"""The forms of a rota: a roster, a rotation, somebody put on by name, the last day, and the offer of a shift."""

from datetime import datetime, time
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from wtforms import (
    DateField,
    FieldList,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TimeField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from survey.domain.rotations import Rotation, Unit, instant
from survey.web.forms import Form, stripped
from survey.web.forms.oncall import Instant
from survey.web.forms.sites import DAYS

PLACES = 6
"""Members that the form has room for; the same person may stand in several."""
Responders = tuple[tuple[UUID, str], ...]


class OptionalHour(TimeField):
    """A time of day that may be left out; what cannot be read is refused in words."""

    def __init__(self, label: str, **bound: Any) -> None:
        super().__init__(label, validators=[Optional()], **bound)  # type: ignore[no-untyped-call]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the browser's time, or one typed as 18:00."""
        try:
            super().process_formdata([value for value in valuelist if value])  # type: ignore[no-untyped-call]
        except ValueError as unreadable:
            raise ValueError("Enter a time as hours and minutes, such as 18:00, or leave both empty.") from unreadable


class Day(DateField):
    """A day; what cannot be read is refused in words."""

    def __init__(self, label: str, missing: str, **bound: Any) -> None:
        super().__init__(label, validators=[InputRequired(missing)], **bound)  # type: ignore[no-untyped-call]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the browser's day."""
        try:
            super().process_formdata(valuelist)  # type: ignore[no-untyped-call]
        except ValueError as unreadable:
            raise ValueError("Enter a day, such as 2026-11-23.") from unreadable


class ScheduleForm(Form):
    """A new roster."""

    name = StringField(
        "Name",
        description="What it is for, such as nights. The paging order names it.",
        filters=[stripped],
        validators=[InputRequired("Enter a name."), Length(max=60, message="Use at most 60 characters.")],
    )
    zone = StringField(
        "Time zone",
        description="Where its handovers are read from the wall. Such as America/New_York.",
        filters=[stripped],
        validators=[InputRequired("Enter a time zone."), Length(max=60)],
    )


class RotationForm(Form):
    """A rotation; its times are on the roster's own clock."""

    name = StringField(
        "Name",
        description="Such as Week about, or Nights.",
        filters=[stripped],
        validators=[InputRequired("Enter a name."), Length(max=80, message="Use at most 80 characters.")],
    )
    members = FieldList(
        SelectField("Member", validate_choice=False), "Who takes turns, in this order", min_entries=PLACES
    )
    every = IntegerField(
        "Each turn lasts",
        default=1,
        validators=[
            InputRequired("Enter how long a turn lasts."),
            NumberRange(min=1, max=52, message="A turn lasts 1 to 52 days, weeks or months."),
        ],
    )
    unit = SelectField(
        "Counted in", choices={Unit.DAY: "days", Unit.WEEK: "weeks", Unit.MONTH: "months"}, default=Unit.WEEK
    )
    starts_local = Instant("First handover", "Enter when the first turn begins.")
    weekdays = SelectMultipleField(
        "Only on these days",
        description="Choose none for every day. Without hours, a day lasts from its handover to the next day's.",
        choices={str(number): name for number, name in enumerate(DAYS, start=1)},
    )
    from_time = OptionalHour("Only from")
    to_time = OptionalHour(
        "Until", description="Past midnight when it is not later. Leave both empty for the whole day."
    )
    layer = RadioField(
        "Layer",
        choices={"1": "Usual", "2": "Above: has the shift wherever both layers have somebody"},
        default="1",
        validators=[InputRequired("Choose a layer.")],
    )

    def validate_members(self, field: FieldList) -> None:
        """Somebody has to take turns."""
        if not self.chosen():
            raise ValidationError("Choose at least one person.")

    def validate_from_time(self, _field: TimeField) -> None:
        """Hours have two ends; a field that is left empty is not asked, so each asks for the other."""
        if self.from_time.data is None or self.to_time.data is None:
            raise ValidationError("Enter both hours, or leave both empty.")

    validate_to_time = validate_from_time

    def chosen(self) -> tuple[UUID, ...]:
        """The members in order, places left open skipped."""
        known = self.members[0].choices
        return tuple(UUID(entry.data) for entry in self.members if entry.data and entry.data in known)

    def rotation(self, schedule_id: UUID) -> Rotation:
        """What was entered."""
        hours: tuple[time | None, time | None] = (self.from_time.data, self.to_time.data)
        return Rotation(
            id=uuid4(),
            schedule_id=schedule_id,
            layer=int(self.layer.data),
            name=self.name.data,
            starts_local=self.starts_local.data,
            unit=Unit(self.unit.data),
            every=self.every.data,
            members=self.chosen(),
            weekdays=tuple(sorted(int(day) for day in self.weekdays.data)) or None,
            from_time=hours[0],
            to_time=hours[1],
        )


class OverrideForm(Form):
    """Somebody instead of whoever would be on call; its times are on the roster's own clock."""

    user_id = SelectField("Who", validators=[InputRequired("Choose who is on call.")])
    starts_at = Instant("From", "Enter when it starts.")
    ends_at = Instant("Until", "Enter when it ends.")
    reason = StringField(
        "Reason",
        description="May be left empty. Everybody who reads the rota sees it.",
        filters=[stripped],
        validators=[Length(max=200, message="Use at most 200 characters.")],
    )

    def times(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Start and end in that zone."""
        return instant(self.starts_at.data, zone), instant(self.ends_at.data, zone)


class LastDayForm(Form):
    """When a rotation ends."""

    last_day = Day(
        "Last day",
        "Enter the last day.",
        description="Turns run to the handover after it. A shift that is running stays to its end.",
    )


class OfferForm(Form):
    """To whom a shift is offered."""

    user_id = SelectField("Offer it to", validators=[InputRequired("Choose whom to ask.")])
