"""Reminders of a survey: which comes next, when it is due, and which way it takes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from survey.domain import sending_hours
from survey.domain.patients import Contact, ContactKind, choose
from survey.domain.protocol import Reminder, ReminderBy

APART = timedelta(hours=4)
"""At least so long after the last message of a survey the next reminder comes, also when one was held up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a survey was asked so far: the channel of its first message and of its last one, and when they left."""

    first: ContactKind
    first_at: datetime
    last: ContactKind
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The reminder to come. `number` counts the touch's reminders from 1."""

    number: int
    contact: Contact
    due_at: datetime


def following(
    reminders: Sequence[Reminder], sent: int, *, contacts: Iterable[Contact], asked: Asked, tz: tzinfo
) -> Next | None:
    """The next reminder after the first `sent` of them; one that has no way is left out. None when there is none."""
    standing = tuple(contacts)
    for number, reminder in enumerate(reminders[sent:], start=sent + 1):
        contact = way(reminder.by, standing, asked)
        if contact is not None:
            return Next(number=number, contact=contact, due_at=due_at(reminder, asked, tz))
    return None


def way(by: ReminderBy, contacts: Iterable[Contact], asked: Asked) -> Contact | None:
    """Where it goes. “Other” is another channel than the last one, so that a patient who has two is asked on both."""
    if by is ReminderBy.OTHER:
        return choose(contacts, but_not=asked.last)
    standing = tuple(contacts)
    return choose(one for one in standing if one.kind is asked.first) or choose(standing)


def due_at(reminder: Reminder, asked: Asked, tz: tzinfo) -> datetime:
    """When it is due, in UTC: so many hours after the first message, in the window; by the other channel that morning.

    Never sooner than `APART` after the last message.
    """
    due = asked.first_at + timedelta(hours=reminder.after_hours)
    morning = sending_hours.at_local(due.astimezone(tz).date(), sending_hours.OPENS, tz)
    if reminder.by is ReminderBy.OTHER and asked.first_at < morning < due:
        due = morning
    return sending_hours.next_open(max(due, asked.last_at + APART), tz)
