"""What a protocol knows of itself: tiers in order, flags from what staff recorded, texts by language."""

import pytest

from survey.domain.errors import NotFound
from survey.domain.protocol import Flag, ItemKind, Tier, in_language
from tests.domain.pack import PROTOCOL


def test_the_most_serious_tier_wins_and_none_at_all_is_routine() -> None:
    assert Tier.highest([Tier.SOON, Tier.EMERGENCY, Tier.URGENT]) is Tier.EMERGENCY
    assert Tier.highest([]) is Tier.ROUTINE
    assert [tier.rank for tier in Tier] == [0, 1, 2, 3]
    assert [tier for tier in Tier if tier.pages] == [Tier.URGENT, Tier.EMERGENCY]


def test_with_nothing_recorded_every_flag_is_not_known() -> None:
    assert set(PROTOCOL.context_for().values()) == {Flag.UNKNOWN}
    assert list(PROTOCOL.context_for()) == [flag.key for flag in PROTOCOL.flags]


def test_chosen_sites_and_drugs_settle_their_flags() -> None:
    context = PROTOCOL.context_for(body_sites=["leg", "shoulder"], agents=["lidocaine"])

    assert context["site_chest"] is Flag.YES
    assert context["site_spine"] is Flag.NO
    assert context["steroid"] is Flag.NO
    assert context["diabetes"] is Flag.UNKNOWN


def test_a_site_that_settles_nothing_keeps_the_flag_not_known() -> None:
    assert PROTOCOL.context_for(body_sites=["leg", "other"])["site_chest"] is Flag.UNKNOWN
    assert PROTOCOL.context_for(body_sites=["site-of-another-version"])["site_chest"] is Flag.UNKNOWN
    assert PROTOCOL.context_for(agents=["lidocaine", "other"])["steroid"] is Flag.UNKNOWN


@pytest.mark.parametrize(
    ("sites", "stated", "settled"),
    [
        (["leg"], Flag.YES, Flag.YES),
        (["leg"], Flag.UNKNOWN, Flag.UNKNOWN),
        (["other"], Flag.NO, Flag.NO),
        (["shoulder"], Flag.NO, Flag.YES),
        (["shoulder"], Flag.UNKNOWN, Flag.YES),
        ([], Flag.NO, Flag.NO),
    ],
)
def test_what_staff_state_wins_over_a_derived_no_and_never_over_a_derived_yes(
    sites: list[str], stated: Flag, settled: Flag
) -> None:
    assert PROTOCOL.context_for(body_sites=sites, given={"site_chest": stated})["site_chest"] is settled


def test_flags_that_no_site_or_drug_settles_are_as_stated() -> None:
    context = PROTOCOL.context_for(body_sites=["leg"], given={"anticoag": Flag.YES, "diabetes": Flag.NO})

    assert context["anticoag"] is Flag.YES
    assert context["diabetes"] is Flag.NO
    assert context["immuno"] is Flag.UNKNOWN


def test_items_and_touches_are_found_by_key_or_refused_in_words() -> None:
    assert PROTOCOL.item("sore").kind is ItemKind.SCALE
    assert PROTOCOL.touch("day2").at.isoformat() == "10:00:00"
    with pytest.raises(NotFound, match="has no item called toes"):
        PROTOCOL.item("toes")
    with pytest.raises(NotFound, match="has no touch called day9"):
        PROTOCOL.touch("day9")


def test_a_language_that_the_pack_does_not_speak_falls_back_to_its_first() -> None:
    assert in_language({"en": "Yes", "es": "Sí"}, "es") == "Sí"
    assert in_language({"en": "Yes", "es": "Sí"}, "vi") == "Yes"
