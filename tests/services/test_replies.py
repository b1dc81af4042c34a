"""Staff see to what patients text: a person does, in few words; whoever looks sees what is theirs to see."""

import pytest

from survey.domain.accounts import SYSTEM
from survey.domain.errors import Refused
from survey.services import replies
from tests import desk, texting
from tests.cast import SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    desk.open_clinic()


def closed() -> int:
    return len(desk.rows("SELECT 1 FROM inbound WHERE done_at IS NOT NULL"))


def test_a_note_of_more_than_five_hundred_signs_is_refused_and_the_reply_stays_open() -> None:
    one = texting.reply("Hello", now=AT_THE_DESK)

    with pytest.raises(Refused, match="You wrote 501"):
        replies.close(one["id"], note="x" * 501, by=SAM.actor, now=AT_THE_DESK)  # type: ignore[arg-type]
    assert closed() == 0

    assert replies.close(one["id"], note=f" {'x' * 500} ", by=SAM.actor, now=AT_THE_DESK)  # type: ignore[arg-type]


def test_no_machine_sees_to_a_reply() -> None:
    one = texting.reply("Hello", now=AT_THE_DESK)

    with pytest.raises(ValueError, match="by a person"):
        replies.close(one["id"], note=None, by=SYSTEM, now=AT_THE_DESK)  # type: ignore[arg-type]

    assert closed() == 0
