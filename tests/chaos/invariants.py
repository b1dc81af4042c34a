"""I1 to I12: what must be so after every scenario, asked of the database in plain SQL and of the journals."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

import redis

from survey import clock
from survey.domain.alerts import MOVES
from survey.services import health
from tests.chaos import guards
from tests.chaos.evidence import Evidence, Findings, Terms
from tests.chaos.scene import LEASE_S, Scene
from tests.chaos.world import NAME
from tests.faults.proof import CERTAINLY_NOT_SENT, MOST_COPIES

GRACE = timedelta(seconds=1)
CADENCE_GRACE = timedelta(seconds=10)
WANTED_WHILE = {"call": "triggered"}
"""A page of that kind is wanted while its alert is in that state; the others go to whoever has it."""
CADENCE = """
SELECT v.id, greatest(max(s.wait), v.loop_every) AS longest FROM policy_version v
JOIN policy_step s ON s.policy_version_id = v.id GROUP BY v.id"""
OVERLAPS = """
SELECT count(*) AS n FROM shift a JOIN shift b ON a.schedule_id = b.schedule_id AND a.id < b.id AND a.during && b.during
"""
SECRETS = re.compile(r"/a/\w{20,}|\+1202555\d{4}|\bZebulon\b|\bQuixtable\b")
WORDS = re.compile(r"breath|chest|injection|procedure|symptom|survey answer|" + "|".join(NAME.split()), re.IGNORECASE)


def one_alert_for_each_worry(seen: Evidence) -> Iterator[str]:
    """I1"""
    count = Counter(alert.response_id for alert in seen.alerts)
    for worry in seen.scene.worries:
        if count[worry.response] != 1:
            yield f"response {worry.response} has {count[worry.response]} alerts"


def open_means_a_deadline(seen: Evidence) -> Iterator[str]:
    """I2"""
    for alert in seen.alerts:
        if (alert.state == "resolved") != (alert.next_action_at is None):
            yield f"alert {alert.short_no} is {alert.state}, next action {alert.next_action_at}"
        elif alert.next_action_at is not None and alert.next_action_at < seen.now - 10 * GRACE:
            yield f"alert {alert.short_no} was due at {alert.next_action_at} and nobody came"


def every_page_came_to_an_end(seen: Evidence) -> Iterator[str]:
    """I3"""
    for page in seen.pages:
        state = page.state
        wanted = page.kind == "answer" or (
            page.epoch == page.alert_epoch and page.alert_state == WANTED_WHILE.get(page.kind, "acknowledged")
        )
        if state == "pending" and not (wanted and page.not_before > seen.now - 10 * GRACE):
            yield f"page {page.id} waits: due {page.not_before}, its alert {page.alert_state}"
        elif state == "leased" and page.lease_until < seen.now - 10 * GRACE:
            yield f"page {page.id} is in dead hands"
        elif state == "failed" and not page.told:
            yield f"page {page.id} failed and the story does not tell of it"
        elif state in ("accepted", "delivered", "undelivered") and page.method == "sms" and not seen.requests[page.id]:
            yield f"page {page.id} is {state} and was never on the wire"


def few_copies(seen: Evidence) -> Iterator[str]:
    """I4"""
    for page in seen.pages:
        copies = _copies(seen, page)
        if copies > (1 if seen.terms.clean else MOST_COPIES):
            yield f"page {page.id} was on the wire {copies} times"
        # More may be counted than told: what went within another page's text has no try of its own.
        if page.state != "leased" and page.maybe_sent < page.doubtful:
            yield f"page {page.id} counts {page.maybe_sent} tries that may have arrived; its tries say {page.doubtful}"


def _copies(seen: Evidence, page: Any) -> int:
    return sum(entry.mode.partition(":")[0] not in CERTAINLY_NOT_SENT for entry in seen.requests[page.id])


def nothing_is_sent_after_a_take(seen: Evidence) -> Iterator[str]:
    """I5"""
    for alert_id, story in seen.told.items():
        taken = {event.epoch: event.at for event in story if _is_take(event)}
        for one in seen.attempts:
            since = taken.get(one.epoch) if one.alert_id == alert_id and one.asks == "call" else None
            if since is None:
                continue
            if one.started_at > since + GRACE:
                yield f"a page of alert {alert_id} was begun {one.started_at - since} after it was taken"
            longest = since + timedelta(seconds=LEASE_S) + GRACE
            if any(seen.at(entry) > longest for entry in seen.requests[one.carried] if entry.reference == str(one.id)):
                yield f"a page of alert {alert_id} was on the wire long after it was taken"


def _is_take(event: Any) -> bool:
    return event.from_state == "triggered" and event.to_state == "acknowledged"


def nobody_is_left_in_silence(seen: Evidence) -> Iterator[str]:
    """I6"""
    longest = {row.id: row.longest for row in seen.scene.rows(CADENCE)}
    begun: dict[UUID, list[datetime]] = defaultdict(list)
    for page in seen.pages:
        begun[page.alert_id] += [seen.at(entry) for entry in seen.requests[page.id]]
    for alert in seen.alerts:
        slack = timedelta(seconds=seen.terms.slack_s) + seen.scene.stride
        bound = longest[alert.policy_version_id] + CADENCE_GRACE + slack
        for since, until in _untaken(seen.told[alert.id], seen.now) if alert.severity == "urgent" else ():
            paged = sorted(at for at in begun[alert.id] if since <= at <= until)
            worst = max(later - earlier for earlier, later in pairwise([since, *paged, until]))
            if worst > bound:
                yield f"alert {alert.short_no} was silent for {worst} while nobody had it"


def _untaken(story: list[Any], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    since: datetime | None = None
    for event in story:
        if event.to_state == "triggered" and since is None:
            since = event.at
        elif event.to_state != "triggered" and since is not None:
            yield since, event.at
            since = None
    if since is not None:
        yield since, now


def stories_are_legal(seen: Evidence) -> Iterator[str]:
    """I7"""
    legal = {(state.value, after.value) for (state, _), after in MOVES.items()} | {(None, "triggered")}
    for alert_id, story in seen.told.items():
        for before, event in pairwise([None, *story]):
            if (event.from_state, event.to_state) not in legal:
                yield f"alert {alert_id} went from {event.from_state} to {event.to_state}"
            if before is not None and (event.from_state != before.to_state or event.epoch < before.epoch):
                yield f"alert {alert_id}: {event.kind} does not follow {before.kind}"
    for page in seen.pages:
        if page.attempts < page.tried:
            yield f"page {page.id} counts {page.attempts} tries, and {page.tried} are told"


def one_winner_in_each_epoch(seen: Evidence) -> Iterator[str]:
    """I8"""
    for alert_id, story in seen.told.items():
        for epoch, takes in Counter(event.epoch for event in story if _is_take(event)).items():
            if takes > 1:
                yield f"alert {alert_id} was taken {takes} times in epoch {epoch}"
        if story and any(alert.id == alert_id and alert.state != story[-1].to_state for alert in seen.alerts):
            yield f"alert {alert_id} does not stand where its story ends"


def one_primary_at_a_time(seen: Evidence) -> Iterator[str]:
    """I9"""
    if seen.scene.rows(OVERLAPS)[0].n:
        yield "two people have the same schedule at once"


def the_heartbeat_tells_the_truth(seen: Evidence) -> Iterator[str]:
    """I10"""
    if seen.terms.well is not None and health.holds(clock.now()) != seen.terms.well:
        said = [*health.trouble(clock.now())]
        yield f"the outside heartbeat should{'' if seen.terms.well else ' not'} go out now; {said}"


def answers_are_taken_at_once(seen: Evidence) -> Iterator[str]:
    """I11"""
    took = [worry.took_s for worry in seen.scene.worries]
    if took and any(took) and not seen.terms.slow_submits and median(took) > seen.terms.submit_s:
        yield f"an answer took {median(took):.2f} s (median), {max(took):.2f} s at worst"


def nothing_of_a_patient_leaves(seen: Evidence) -> Iterator[str]:
    """I12"""
    for entry in seen.wire:
        if found := WORDS.search(entry.body):
            yield f"a text says “{found[0]}”"
    for line in seen.scene.log():
        if SECRETS.search(line):
            yield f"a log line tells too much: {SECRETS.sub('…', line)[:120]}"
    if found := [text for text in _in_redis(seen.scene) if SECRETS.search(text) or WORDS.search(text)]:
        yield f"Redis holds something of a patient: {len(found)} values"


def _in_redis(scene: Scene) -> list[str]:
    """Everything that waits in the broker, as text; nothing when it cannot be asked."""
    try:
        with redis.Redis.from_url(scene.servers.redis_url, socket_timeout=1) as client:
            lists = [key for key in client.scan_iter() if client.type(key) == b"list"]
            return [value.decode("utf-8", "replace") for key in lists for value in client.lrange(key, 0, -1)]
    except redis.RedisError:
        return []


INVARIANTS: Mapping[str, tuple[str, Callable[[Evidence], Iterator[str]]]] = {
    "I1": ("each worry has exactly one alert", one_alert_for_each_worry),
    "I2": ("open means that a deadline stands", open_means_a_deadline),
    "I3": ("every planned page came to an end that is told", every_page_came_to_an_end),
    "I4": ("at most three copies, one without a fault", few_copies),
    "I5": ("nothing is sent after a take", nothing_is_sent_after_a_take),
    "I6": ("nobody is left in silence", nobody_is_left_in_silence),
    "I7": ("stories are legal and no count falls", stories_are_legal),
    "I8": ("one winner in each epoch", one_winner_in_each_epoch),
    "I9": ("one primary at a time", one_primary_at_a_time),
    "I10": ("the heartbeat tells the truth", the_heartbeat_tells_the_truth),
    "I11": ("answers are taken at once", answers_are_taken_at_once),
    "I12": ("nothing of a patient leaves", nothing_of_a_patient_leaves),
}
"""Number → name, and what looks for what breaks it."""


def examine(scene: Scene, terms: Terms) -> Findings:
    """Look at everything, now. Raises whatever the database raises when it is away."""
    seen = Evidence(scene, terms)
    found = Findings(alerts=len(seen.alerts), pages=len(seen.pages))
    for number, (name, look) in INVARIANTS.items():
        found.broken += [f"{number} ({name}): {sentence}" for sentence in look(seen)]
    found.broken += [f"{number} (guard): {sentence}" for number, sentence in guards.open_doors(scene)]
    found.copies = max((_copies(seen, page) for page in seen.pages), default=0)
    _count_worries(seen, found)
    return found


def _count_worries(seen: Evidence, found: Findings) -> None:
    response_of = {alert.id: alert.response_id for alert in seen.alerts}
    first: dict[UUID, datetime] = {}
    for page in seen.pages:
        for entry in seen.requests[page.id]:
            if entry.arrived or page.method != "sms":
                at = datetime.fromisoformat(entry.at)
                first[response_of[page.alert_id]] = min(at, first.get(response_of[page.alert_id], at))
    for worry in seen.scene.worries:
        if worry.response not in first:
            found.lost += 1
            found.broken.append(f"lost: response {worry.response} never reached a phone")
            continue
        waited = (first[worry.response] - worry.at).total_seconds()
        found.worst_s = max(found.worst_s, waited)
        found.late += waited > seen.terms.late_s
    if found.late:
        found.broken.append(f"late: {found.late} first pages after more than {seen.terms.late_s:g} s")
