"""A site is opened with a name that every text has room for."""

from dataclasses import replace

import pytest

from survey.domain.accounts import SYSTEM
from survey.domain.errors import Refused
from survey.services import sites
from tests.cast import NIGHT, RIVERSIDE
from tests.conftest import Database


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database


def test_a_site_is_opened_once() -> None:
    sites.add(RIVERSIDE, by=SYSTEM, now=NIGHT)

    with pytest.raises(Refused, match="Choose another short name"):
        sites.add(replace(RIVERSIDE, name="Again"), by=SYSTEM, now=NIGHT)
    assert sites.every() == (RIVERSIDE,)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"sms_name": "Clínica Río"}, "Choose another name for texts: leave out í"),
        ({"sms_name": "W" * 24, "phone": "+73011234567"}, "Choose another name for texts: shorten it by 3 characters"),
    ],
)
def test_a_site_whose_texts_would_cost_two_segments_is_refused(changed: dict[str, str], says: str) -> None:
    with pytest.raises(Refused, match=says) as refused:
        sites.add(replace(RIVERSIDE, **changed), by=SYSTEM, now=NIGHT)

    assert refused.value.field == "sms_name"
    assert sites.every() == ()
