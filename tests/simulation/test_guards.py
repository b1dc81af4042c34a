"""Each guard is taken out of the product once, and the simulation says which promise broke."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import structlog

from survey.domain import caps, invitations, keywords, messages, sending_hours
from survey.domain.keywords import Keyword, Meaning
from survey.domain.messages import Ending
from survey.services import messages as outbox
from survey.store import text_days
from tests import surveys
from tests.simulation.judge import Broken
from tests.simulation.world import START, Plan, World

SMALL = Plan(seed="guards", size=100, days=5, enrol_days=2, busy_days=5)

Patch = pytest.MonkeyPatch


def without_opt_outs(patch: Patch) -> None:
    patch.setattr(messages, "_barred", lambda _facts: None)


def without_hours(patch: Patch) -> None:
    patch.setattr(sending_hours, "next_open", lambda instant, _tz: instant)


def without_caps(patch: Patch) -> None:
    patch.setattr(caps, "has_room", lambda _taken, _day: True)
    patch.setattr(text_days, "take", lambda _tx, wanted: frozenset(one.message_id for one in wanted))


def without_ends(patch: Patch) -> None:
    patch.setattr(messages, "_unwanted", lambda _facts, _now: "")


def without_unknown(patch: Patch) -> None:
    """What may have left is sent again."""
    after = messages.after

    def guess(message: object, ending: Ending, **rest: object) -> object:
        return after(message, Ending.TRY_LATER if ending is Ending.UNKNOWN else ending, **rest)  # type: ignore[arg-type]

    patch.setattr(messages, "after", guess)


def without_turns(patch: Patch) -> None:
    """What cannot be sent is left at that."""
    patch.setattr(outbox, "turn", lambda *_, **__: None)


def without_calls(patch: Patch) -> None:
    """Nobody says when somebody calls who has not answered."""
    advance = invitations.advance

    def forget(old: invitations.Invitation, *rest: object, **more: object) -> invitations.Invitation:
        new = advance(old, *rest, **more)  # type: ignore[arg-type]
        return replace(new, call_at=new.due_at.replace(year=2099))

    patch.setattr(invitations, "advance", forget)


def without_whole_words(patch: Patch) -> None:
    """STOP anywhere in a text counts."""
    read = keywords.read
    patch.setattr(
        keywords, "read", lambda body: Keyword(meaning=Meaning.STOP) if "stop" in body.casefold() else read(body)
    )


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("take_out", "said"),
    [
        (without_opt_outs, Broken.AFTER_STOP),
        (without_hours, Broken.OUT_OF_WINDOW),
        (without_caps, Broken.SECOND_OF_THE_DAY),
        (without_ends, Broken.AFTER_THE_END),
        (without_unknown, Broken.TWICE),
        (without_turns, "stand nowhere"),
        (without_calls, "stand nowhere"),
        (without_whole_words, "was taken for stop"),
    ],
)
def test_the_simulation_misses_a_guard_that_was_taken_out(
    monkeypatch: Patch, take_out: Callable[[Patch], None], said: str
) -> None:
    surveys.open_clinic(START)
    take_out(monkeypatch)

    with structlog.testing.capture_logs(), pytest.raises(AssertionError, match="seed guards") as told:
        World(SMALL).run()

    assert said in str(told.value)
