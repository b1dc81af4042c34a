"""Scenario 12: the policy changes and people come and go while an alert looks for somebody."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from survey import clock
from survey.domain.accounts import SYSTEM
from survey.local import clinic
from survey.services import oncall
from tests.chaos.evidence import Terms
from tests.chaos.providers import stop_from
from tests.chaos.scenarios import ENGINE, USUAL, scenario
from tests.chaos.scene import Scene

HALF_AN_HOUR = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
FRESH_NUMBER = "+12025550177"


def _begun(scene: Scene) -> Any:
    """One alert whose first page has arrived, and the phone that it arrived on."""
    scene.commit()
    scene.await_pages(1)
    scene.rest()
    return scene.wire()[0].to


@scenario(12, *ENGINE, terms=Terms(late_s=5))
def the_policy_changes(scene: Scene) -> None:
    """An alert keeps the version that it opened with, and reaches everybody that this one names."""
    _begun(scene)
    (alert,) = scene.alerts()
    text = clinic.POLICY.read_text(encoding="utf-8").replace("loop_every: 5 min", "loop_every: 15 min")
    oncall.publish_policy(text, name="changed", by=SYSTEM, now=clock.now())
    scene.commit()
    scene.await_alerts(2)
    scene.live(HALF_AN_HOUR, every=MINUTE)
    old, new = scene.alerts()
    assert old.policy_version_id == alert.policy_version_id != new.policy_version_id
    assert len({entry.to for entry in scene.wire()}) == 3


@scenario(12, *ENGINE, terms=Terms(late_s=5, well=None))
def whoever_was_paged_is_let_go(scene: Scene) -> None:
    """Nobody who has left is paged, and the next one is paged instead."""
    gone = _begun(scene)
    scene.run(
        "UPDATE app_user SET active = false WHERE id = (SELECT user_id FROM contact_method WHERE address = %s)", gone
    )
    scene.live(HALF_AN_HOUR, every=MINUTE)
    paged = [entry.to for entry in scene.wire()]
    assert paged.count(gone) == 1, "somebody who had left was paged"
    assert len(set(paged)) == 3


@scenario(12, *ENGINE, terms=Terms(late_s=5, well=None))
def a_phone_is_moved(scene: Scene) -> None:
    """The next page goes to the new number and none to the old."""
    old = _begun(scene)
    (method,) = scene.rows("SELECT * FROM contact_method WHERE address = %s", old)
    scene.run("UPDATE contact_method SET disabled_at = now(), disabled_reason = 'moved' WHERE id = %s", method.id)
    scene.run(
        "INSERT INTO contact_method (id, user_id, kind, address, verified_at) VALUES (%s, %s, 'sms', %s, now())",
        uuid4(),
        method.user_id,
        FRESH_NUMBER,
    )
    scene.live(HALF_AN_HOUR, every=MINUTE)
    paged = [entry.to for entry in scene.wire()]
    assert paged.count(old) == 1
    assert FRESH_NUMBER in paged


@scenario(12, *USUAL, terms=Terms(late_s=5, well=None))
def stop_from_the_only_phone(scene: Scene) -> None:
    """Whoever is on call texts STOP: the alert goes on to the others, for ever."""
    phone = _begun(scene)
    assert stop_from(scene, phone) == 200
    scene.live(HALF_AN_HOUR, every=MINUTE)
    assert len({entry.to for entry in scene.wire()} - {phone}) == 2
    assert scene.alerts()[0].state == "triggered"


@scenario(12, *ENGINE, terms=Terms(late_s=30, well=None, slack_s=30 * 60))
def nobody_can_be_reached(scene: Scene) -> None:
    """No live phone at all: the alert stays open and looks again for ever, and is paged once somebody is there."""
    scene.run("UPDATE contact_method SET disabled_at = now(), disabled_reason = 'admin'")
    scene.commit()
    scene.await_alerts(1)
    scene.live(timedelta(minutes=21), every=MINUTE)
    assert not scene.wire()
    told = scene.rows("SELECT FROM alert_event WHERE kind = 'nobody_reachable'")
    assert len(told) >= 4
    scene.run("UPDATE contact_method SET disabled_at = NULL, disabled_reason = NULL")
    scene.live(timedelta(minutes=6), every=MINUTE)
    scene.await_pages(1)
