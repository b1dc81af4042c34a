"""Where no provider takes a text, the phone is called at once, if its owner can be reached by a call."""

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from survey.domain import pages as rules
from survey.domain.oncall import Method, MethodKind
from survey.domain.pages import AttemptOutcome, Page, PageKind, PageState
from survey.domain.queues import Queue
from survey.store import oncall as oncall_store
from survey.store import pages as store
from survey.store.session import Tx

_SURELY_NOT_SENT = frozenset({AttemptOutcome.REFUSED, AttemptOutcome.TRY_LATER})


def to_voice(tx: Tx, page: Page, outcome: AttemptOutcome, *, now: datetime) -> None:
    """Call whoever a text surely did not leave for; once for each page, however often it is tried."""
    if page.kind is not PageKind.CALL or outcome not in _SURELY_NOT_SENT:
        return
    methods = oncall_store.methods(tx, [page.user_id])
    own = next((one.kind for one in methods if one.id == page.contact_method_id), MethodKind.SMS)
    calls = [_call(page, one, now=now) for one in methods if one.kind is MethodKind.VOICE]
    if own is MethodKind.SMS and calls:
        store.insert(tx, calls)
        tx.ring(Queue.PAGING)


def _call(page: Page, method: Method, *, now: datetime) -> Page:
    return replace(
        page,
        id=uuid4(),
        contact_method_id=method.id,
        rule_delay_s=0,
        state=PageState.PENDING,
        not_before=now,
        give_up_at=now + rules.GIVE_UP_AFTER,
        attempts=0,
        maybe_sent=0,
        lease_token=None,
        lease_until=None,
        bundled_in=None,
        goes_alone=False,
    )
