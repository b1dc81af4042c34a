"""The form that puts somebody on call."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from wtforms import DateTimeLocalField, SelectField
from wtforms.validators import InputRequired

from survey.domain.rotations import instant
from survey.web.forms import Form


class Instant(DateTimeLocalField):
    """A day and time on the roster's clock; what cannot be read is refused in words."""

    def __init__(self, label: str, missing: str, **bound: Any) -> None:
        formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
        super().__init__(label, format=formats, validators=[InputRequired(missing)], **bound)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the browser's value, or one typed as 2026-11-23 18:00."""
        try:
            super().process_formdata(valuelist)  # type: ignore[no-untyped-call]
        except ValueError as unreadable:
            raise ValueError("Enter a day and a time, such as 2026-11-23 18:00.") from unreadable


class ShiftForm(Form):
    """One shift; its times are on the roster's own clock."""

    schedule_id = SelectField("Roster", validators=[InputRequired("Choose a roster.")])
    user_id = SelectField("Who", validators=[InputRequired("Choose who is on call.")])
    starts_at = Instant("From", "Enter when the shift starts.")
    ends_at = Instant("Until", "Enter when the shift ends.")

    def who(self) -> UUID:
        """The person chosen."""
        return UUID(self.user_id.data)

    def schedule(self) -> UUID:
        """The roster chosen."""
        return UUID(self.schedule_id.data)

    def times(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Start and end in that zone."""
        return instant(self.starts_at.data, zone), instant(self.ends_at.data, zone)
