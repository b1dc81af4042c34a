"""What a call to a clinician says, and what the keys that are pressed on it do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from survey.domain.accounts import Actor, ActorKind
from survey.domain.alerts import Alert, AlertState
from survey.domain.contact_methods import Proof
from survey.domain.errors import Refused, Stale
from survey.domain.oncall import MethodKind
from survey.domain.pages import TOKEN_LIVES, Page, PageKind
from survey.messaging import registry, render, twilio_voice, wordings
from survey.services import alerts, channels, contact_proofs, page_receipts, page_words
from survey.store import alerts as alert_store
from survey.store import bundles
from survey.store import contact_methods as method_store
from survey.store import contact_proofs as proof_store
from survey.store import oncall as oncall_store
from survey.store import pages as page_store
from survey.store import sites as site_store
from survey.store.pages import Due
from survey.store.session import Tx, transaction

TAKE, PASS_ON, CONFIRM = "4", "5", "4"
OVER = "This call is over. Sign in to see what is open. Goodbye."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call about an alert. `epoch` is the one that was heard with the question."""

    attempt_id: UUID
    page: Page
    by: Actor
    epoch: int


def lead(attempt_id: UUID, body: bytes, *, epoch: int | None, now: datetime) -> str:
    """The TwiML that goes on with a call, by a genuine request: `attempt_id` and `epoch` stand in its address.

    A call that is not ours, or is a day old, ends politely: who asks learns nothing.
    """
    key = twilio_voice.key(body)
    with transaction() as tx:
        opened = page_store.of_attempt(tx, attempt_id)
        test = proof_store.test_by_id(tx, attempt_id) if opened is None else None
        known = opened is not None and oncall_store.user(tx, opened.page.user_id) is not None
    if test is not None:
        return _test(test, key, now=now)
    if opened is None or not known or now >= opened.sent_at + TOKEN_LIVES:
        return twilio_voice.say([OVER])
    by = Actor(kind=ActorKind.USER, id=opened.page.user_id)
    call = _Call(attempt_id=attempt_id, page=opened.page, by=by, epoch=opened.page.epoch if epoch is None else epoch)
    return _KEYS.get(key, _ask)(call, now)


def ended(attempt_id: UUID, body: bytes, *, now: datetime) -> None:
    """Note how a call about an alert ended, by a genuine request; forward only, and nothing for a call not ours."""
    delivery = twilio_voice.delivery(body)
    if delivery is not None:
        page_receipts.note(attempt_id, delivery, now=now)


def _take(call: _Call, now: datetime) -> str:
    """Like the door of the page's link: bound to the page, its person and the epoch that was heard."""
    try:
        alert = alerts.take(call.page.alert_id, by=call.by, epoch=call.epoch, now=now)
    except (Stale, Refused) as refused:
        return _ask(call, now, first=refused.message)
    with transaction() as tx:
        site = site_store.get(tx, alert.site_id)
    by = wordings.wall_time(alert.promised_at, site.tz, channels.LANGUAGE)
    return twilio_voice.say([f"You have it. Call the patient by {by}."])


def _pass_on(call: _Call, now: datetime) -> str:
    try:
        alerts.pass_on(call.page.alert_id, by=call.by, epoch=call.epoch, now=now)
    except (Stale, Refused) as refused:
        return _ask(call, now, first=refused.message)
    return twilio_voice.say(["The backup is paged now."])


_KEYS: Mapping[str, Callable[[_Call, datetime], str]] = {TAKE: _take, PASS_ON: _pass_on}


def _ask(call: _Call, now: datetime, *, first: str | None = None) -> str:
    """How the alert stands now, with the keys; only said when there is nothing to press for."""
    with transaction() as tx:
        alert = alert_store.get(tx, call.page.alert_id)
        words = _words(tx, call.page, alert, now=now)
    spoken = f"{first} {words}" if first else words
    if alert.state is AlertState.RESOLVED or (first and alert.state is AlertState.ACKNOWLEDGED):
        return twilio_voice.say([first or words])
    return twilio_voice.ask(spoken, action=_address(call.attempt_id, f"?epoch={alert.epoch}"))


def _words(tx: Tx, page: Page, alert: Alert, *, now: datetime) -> str:
    """The words of a page that leaves now; of one whose alert is not to be had any more, who has it."""
    due = Due(
        page=page if alert.state is AlertState.TRIGGERED or page.kind is not PageKind.CALL else _answering(page),
        method=MethodKind.VOICE,
        address="",
        reachable=True,
        alert_no=alert.short_no,
        clinic=site_store.get(tx, alert.site_id).sms_name,
        alerts=_in_one_call(tx, page) if alert.state is AlertState.TRIGGERED else 1,
    )
    said = page_words.read(tx, due, now=now)
    number = {"number": channels.spoken(alert.short_no)}
    return render.text(said.template, "voice", channels.LANGUAGE, {**said.words, **number})


def _in_one_call(tx: Tx, page: Page) -> int:
    return len({page.alert_id, *(one.alert_id for one in bundles.within(tx, page.id))})


def _answering(page: Page) -> Page:
    return replace(page, kind=PageKind.ANSWER)


def _test(test: Proof, key: str, *, now: datetime) -> str:
    """A key has to be pressed: a mailbox that picks up proves nothing."""
    if not test.is_open(now):
        return twilio_voice.say([OVER])
    if key != CONFIRM:
        words = render.text("page_test", "voice", channels.LANGUAGE, {})
        return twilio_voice.ask(words, action=_address(test.id))
    with transaction() as tx:
        held = proof_store.test_by_id(tx, test.id)
        if held is not None:
            contact_proofs.note_answer(tx, held, method_store.get_for_update(tx, test.method_id), now=now)
    return twilio_voice.say(["Thank you. Pages reach you here."])


def _address(attempt_id: UUID, query: str = "") -> str:
    return f"{registry.public_url()}/voice/twilio/{attempt_id}{query}"
