"""The states of a what-if, and what it is held against."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from survey.domain import replays as rules
from survey.domain import versions
from survey.domain.accounts import Role
from survey.domain.errors import Refused
from survey.domain.replays import MOVES, Replay, ReplayState
from survey.domain.versions import Person
from tests.domain.pack import PROTOCOL

NOW = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
ANA = Person(id=uuid4(), role=Role.CLINICIAN, active=True)
DRAFT = versions.drafted(PROTOCOL, version_id=uuid4(), author=ANA, now=NOW)


def running() -> Replay:
    return rules.started(DRAFT, replay_id=uuid4(), total=3, by=ANA.id, now=NOW)


@pytest.mark.parametrize("state", ReplayState)
@pytest.mark.parametrize("to", ReplayState)
def test_only_what_runs_moves(state: ReplayState, to: ReplayState) -> None:
    replay = replace(running(), state=state)

    if to in MOVES[state]:
        assert rules.moved(replay, to).state is to
    else:
        with pytest.raises(Refused, match=f"is {state} already"):
            rules.moved(replay, to)


def test_a_what_if_is_bound_to_the_text_that_it_began_with() -> None:
    assert (running().sha256, running().protocol_version_id) == (DRAFT.sha256, DRAFT.id)


def test_each_end_says_when_and_why() -> None:
    assert rules.done(running(), now=NOW).ended_at == NOW
    assert rules.cancelled(running(), by=ANA.id, now=NOW).ended_by == ANA.id
    assert rules.failed(running(), "KeyError", now=NOW).fault == "KeyError"


def test_a_version_is_held_against_itself_from_the_moment_that_it_is_published() -> None:
    published = replace(DRAFT, published_at=NOW)

    assert not rules.is_of_itself(DRAFT, asked_at=NOW)
    assert not rules.is_of_itself(published, asked_at=NOW - timedelta(seconds=1))
    assert rules.is_of_itself(published, asked_at=NOW)
