"""A state or a ZIP code tells the zone where it can, and tells nothing where it cannot."""

import pytest
import zipcodes

from survey.interop import zones


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("NY", "America/New_York"),
        ("ny", "America/New_York"),
        ("N.Y.", "America/New_York"),
        ("New York", "America/New_York"),
        (" california ", "America/Los_Angeles"),
        ("HI", "Pacific/Honolulu"),
        ("PR", "America/Puerto_Rico"),
        ("TX", None),
        ("Tennessee", None),
        ("AZ", None),
        ("10001", "America/New_York"),
        ("79901", "America/Denver"),
        ("77001-0001", "America/Chicago"),
        ("El Paso, TX 79901", "America/Denver"),
        ("37201", "America/Chicago"),
        ("37901", "America/New_York"),
        ("32501", "America/Chicago"),
        ("85001", "America/Phoenix"),
        ("86515", "America/Denver"),
        ("96910", "Pacific/Guam"),
        ("NY 99999", "America/New_York"),
        ("TX 99999", None),
        ("09001", None),
        ("99999", None),
        ("00000", None),
        ("202-555-0121", None),
        ("SW1A 1AA", None),
        ("Ontario", None),
        ("XX", None),
        ("", None),
        ("7990\u0661", None),
    ],
)
def test_the_zone_of_a_place(place: str, zone: str | None) -> None:
    assert zones.of(place) == zone


def test_every_zip_code_has_a_zone_that_the_machine_knows_or_none() -> None:
    told = {zones.of(found["zip_code"]) for found in zipcodes.list_all()[::50]}

    assert told - {None} <= zones._known()
    assert len(told) > 8


def test_every_state_is_known_to_the_table_of_zip_codes() -> None:
    states = {found["state"] for found in zipcodes.list_all()}

    assert set(zones.STATES.values()) <= states
