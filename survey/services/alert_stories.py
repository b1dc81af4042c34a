"""What happened to one alert, as everybody reads it: its events and its pages in one list."""

from uuid import UUID

from survey.domain import alert_stories as words
from survey.domain.alerts import Alert
from survey.domain.stories import Moment
from survey.store import accounts as account_store
from survey.store import alerts as store
from survey.store import pages as page_store
from survey.store.session import Tx, transaction


def of_alert(alert: Alert) -> tuple[Moment, ...]:
    """Its whole story, in order."""
    with transaction() as tx:
        return moments(tx, alert)


def moments(tx: Tx, alert: Alert) -> tuple[Moment, ...]:
    """Its whole story, in order; of what happened in one instant, the event stands before its pages."""
    return tuple(sorted((*_events(tx, alert), *_pages(tx, alert)), key=lambda one: one.at))


def _events(tx: Tx, alert: Alert) -> tuple[Moment, ...]:
    names = {one.id: one.name for one in account_store.every(tx)}
    return tuple(
        words.of_event(
            line.kind,
            at=line.at,
            no=alert.short_no,
            who=line.actor_name,
            whom=next((names.get(UUID(str(line.data[key]))) for key in words.PEOPLE if key in line.data), None),
            data=line.data,
        )
        for line in store.story(tx, alert.id)
    )


def _pages(tx: Tx, alert: Alert) -> tuple[Moment, ...]:
    told = page_store.of_alert(tx, alert.id)
    found = (words.of_page(one.page, who=one.user_name, method=one.method) for one in told)
    return tuple(moment for moment in found if moment is not None)


def numbered(short_no: int) -> tuple[Alert, tuple[Moment, ...]]:
    """The alert that people call by that number, and its story. Raises NotFound."""
    with transaction() as tx:
        alert = store.numbered(tx, short_no)
        return alert, moments(tx, alert)
