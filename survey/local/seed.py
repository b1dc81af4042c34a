"""Brings the invented clinic to life: its past in bulk, and the procedures of the last two days as staff enrol them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from random import Random

from survey.domain.patients import AlreadyEnrolled, ConsentHow, Enrolment
from survey.domain.protocol import Protocol
from survey.local.clinic import STAFF, Riverside
from survey.local.history import people, stories
from survey.local.history.alerts import Clinic
from survey.local.history.asked_rows import Desk
from survey.local.history.book import Book, Setting
from survey.local.history.people import Invented
from survey.services import oncall, patients, protocols
from survey.store import alerts, bulk, contacts, invitations, messages, pages, procedures, promises, responses, scores
from survey.store import oncall as oncall_store
from survey.store import patients as patient_store
from survey.store.session import transaction

TABLES = (
    patient_store.patient,
    contacts.contact,
    procedures.procedure,
    invitations.invitation,
    messages.message,
    messages.message_attempt,
    responses.response,
    responses.answer,
    scores.score,
    alerts.alert,
    alerts.alert_event,
    promises.promise,
    pages.page,
    pages.page_attempt,
)
"""In the order in which they can be filled."""

DAYS_OF_TODAY = 2
A_DAY = 14
ENGLISH, SPANISH, NOT_AGREED = 0, 1, 2
"""Places in the day's list: whose phone the demo shows in either language, and who has not agreed to texts."""
ENROLS_AT = time(16)

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


def past(riverside: Riverside, now: datetime, *, progress: Progress) -> int:
    """Ninety days of history, whole or not at all; answers how many procedures, 0 when there are any already."""
    with transaction() as tx:
        if not bulk.is_empty(tx, procedures.procedure):
            return 0
        version_id, protocol = protocols.live(tx, riverside.protocol)
        setting = Setting(
            desk=Desk(
                site=riverside.site,
                protocol=protocol,
                protocol_version_id=version_id,
                staff_id=riverside.people[STAFF.email],
                now=now,
            ),
            clinic=Clinic(site=riverside.site, policy=oncall.live_policy(tx), roster=riverside.on_call, now=now),
            methods={one.user_id: one.id for one in oncall_store.methods(tx, tuple(riverside.people.values()))},
        )
    book = _told(setting, protocol, now, progress)
    with transaction() as tx:
        for done, table in enumerate(TABLES):
            progress("Writing it down", done, len(TABLES))
            bulk.insert(tx, table, book.rows[table.name])
    progress("Writing it down", len(TABLES), len(TABLES))
    return len(book.rows["procedure"])


def _told(setting: Setting, protocol: Protocol, now: datetime, progress: Progress) -> Book:
    book = Book(setting)
    today = setting.desk.site.local(now).date()
    for story in stories.stories(protocol, setting.desk.site, now=now):
        book.write(story)
        progress("Making up the past", stories.DAYS - (today - story.performed_on).days, stories.DAYS)
    return book


def today(riverside: Riverside, now: datetime) -> int:
    """Enrol the procedures of yesterday and the day before, as staff would have; answers how many are new.

    Those of the day before are due now: their texts leave as soon as a worker looks.
    """
    local = riverside.site.local(now).date()
    days = (local - timedelta(days=back) for back in range(DAYS_OF_TODAY, 0, -1))
    return sum(_enrol(riverside, one, number, now) for day in days for number, one in enumerate(enrolments(day)))


def _enrol(riverside: Riverside, enrolment: Enrolment, number: int, now: datetime) -> int:
    wall = datetime.combine(enrolment.performed_on, ENROLS_AT, tzinfo=riverside.site.tz) + timedelta(minutes=number)
    try:
        patients.enrol(
            enrolment,
            site_id=riverside.site.id,
            protocol=riverside.protocol,
            by=riverside.actor(STAFF),
            now=min(wall.astimezone(UTC), now),
        )
    except AlreadyEnrolled:
        return 0
    return 1


def enrolments(day: date) -> tuple[Enrolment, ...]:
    """The patients of one day, the same whenever asked. One has not agreed to texts; a person has to call."""
    random = Random(day.isoformat())  # noqa: S311 (the same patients at every start is the point)
    free = people.numbers(first=day.toordinal() * A_DAY % (stories.FIRST_PERSON - A_DAY))
    drawn = islice(people.people(seed=day.toordinal(), today=day, free=free), A_DAY)
    return tuple(_enrolment(one, number, day, random) for number, one in enumerate(drawn))


def _enrolment(person: Invented, number: int, day: date, random: Random) -> Enrolment:
    agents = stories.pick(stories.AGENTS, random)
    return Enrolment(
        given_name=person.given_name,
        family_name=person.family_name,
        born_on=person.born_on,
        performed_on=day,
        language="es" if number == SPANISH else "en" if number == ENGLISH else person.language,
        mobile=person.mobile,
        consent=number != NOT_AGREED,
        consent_how=ConsentHow.SPOKEN if number != NOT_AGREED else None,
        mrn=f"DEMO-{day:%m%d}-{number:02}",
        body_sites=(stories.pick(stories.SITES, random),),
        agents=agents,
        lot=stories.lot(agents, day),
        injector=random.choice(list(stories.INJECTORS)),
        context={flag: stories.flag(random, often) for flag, often in stories.FLAGS_YES.items()},
    )
