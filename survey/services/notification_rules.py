"""In which order somebody's ways are used when an urgent alert comes."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from survey.domain import contact_methods as rules
from survey.domain.accounts import Actor
from survey.domain.alerts import Severity
from survey.domain.errors import Conflict, NotFound, Refused
from survey.domain.oncall import Rule
from survey.services import audit
from survey.services.contact_methods import in_use
from survey.store import contact_methods as store
from survey.store import oncall as oncall_store
from survey.store.session import transaction


def add_rule(method_id: UUID, *, delay: timedelta, by: Actor, now: datetime) -> None:
    """Wish to be paged there so long after an urgent alert came. Raises Refused when no way would be used at once."""
    if not timedelta(0) <= delay <= rules.LONGEST_DELAY:
        raise Refused("Choose between 0 and 60 minutes.", field="minutes")
    new = Rule(id=uuid4(), method_id=method_id, severity=Severity.URGENT, delay_s=int(delay.total_seconds()))
    try:
        with transaction() as tx:
            method = in_use(tx, method_id)
            rules.refuse_late([*store.rules(tx, method.user_id), new], Severity.URGENT)
            oncall_store.insert_rule(tx, new, user_id=method.user_id)
            audit.record(tx, "notification_rule.added", actor=by, object_id=method_id, now=now, delay_s=new.delay_s)
    except Conflict as conflict:
        raise Refused("This is on the list already.", field="minutes") from conflict


def remove_rule(rule_id: UUID, user_id: UUID, *, by: Actor, now: datetime) -> None:
    """Take a wish back. Raises NotFound, and Refused when what is left would only wait."""
    with transaction() as tx:
        standing = store.rules(tx, user_id)
        gone = next((rule for rule in standing if rule.id == rule_id), None)
        if gone is None:
            raise NotFound("This is not on the list any more.")
        rules.refuse_late([rule for rule in standing if rule.id != rule_id], Severity.URGENT)
        store.delete_rule(tx, rule_id)
        audit.record(tx, "notification_rule.removed", actor=by, object_id=gone.method_id, now=now)
