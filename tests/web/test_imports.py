"""Importing: nobody is enrolled by looking, the good rows go in, the bad ones say where and why."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa

from survey import clock
from survey.services import imports
from survey.store.session import transaction
from tests import desk as place
from tests import surveys
from tests.cast import RIVERSIDE, SAM
from tests.desk import SLUG
from tests.staff import SAME_ORIGIN, Desk

HEADER = "given_name,family_name,born_on,performed_on,mobile,consent,body_sites,agents\n"


@pytest.fixture
def sam(desk: Desk) -> Desk:
    return desk.signed_in(SAM)


def csv() -> str:
    day = (RIVERSIDE.local(clock.now()).date() - timedelta(days=1)).isoformat()
    return (
        HEADER
        + f"Maria,Lindqvist,1984-05-17,{day},(202) 555-0121,yes,leg,lidocaine\n"
        + f"Walter,Haas,1951-01-30,{day},,no,leg,lidocaine\n"
        + "Bad,Row,not a date,2099-01-01,(202) 555-0122,yes,leg,lidocaine\n"
    )


def large() -> bytes:
    """A file of more rows than are enrolled while the page waits."""
    day = (RIVERSIDE.local(clock.now()).date() - timedelta(days=1)).isoformat()
    rows = (f"Ida {number},Berg,1990-01-02,{day},,no,leg,lidocaine\n" for number in range(imports.SMALL + 1))
    return (HEADER + "".join(rows)).encode()


def upload(desk: Desk, content: bytes, name: str = "procedures.csv"):
    file = (BytesIO(content), name)
    return desk.post("/imports", {"file": file, "site": str(RIVERSIDE.id), "protocol": SLUG}, of="/imports/new")


def enrolled() -> int:
    with transaction() as tx:
        return tx.run(sa.text("SELECT count(*) FROM procedure")).scalar_one()


def test_with_two_protocols_the_one_used_last_is_chosen_beforehand(sam: Desk) -> None:
    place.publish(place.LUMBAR_PACK)
    surveys.invited(clock.now())

    choices = re.findall(r'<option( selected)? value="([a-z-]+-injection)"', sam.get("/imports/new").text)

    assert [slug for _, slug in choices] == [SLUG, place.LUMBAR]


def test_the_preview_says_what_each_row_would_do_and_enrols_nobody(sam: Desk) -> None:
    page = sam.follow(upload(sam, csv().encode())).text

    assert "What this file would do" in page
    assert "Enrol 2 patients" in page
    assert "Cannot be texted: no mobile number and no email address is recorded" in page
    assert "10:00 AM" in page
    assert "born_on" in page
    assert enrolled() == 0


def test_confirming_enrols_the_good_rows_once(sam: Desk) -> None:
    preview = upload(sam, csv().encode()).headers["Location"]

    page = sam.follow(sam.post(f"{preview}/confirm", of=preview)).text
    again = sam.follow(sam.post(f"{preview}/confirm", of=preview)).text

    assert "2 enrolled, 0 known before, 1 refused." in page
    assert "2 enrolled" in again
    assert enrolled() == 2


def test_the_same_file_twice_adds_nothing(sam: Desk) -> None:
    first = upload(sam, csv().encode()).headers["Location"]
    sam.post(f"{first}/confirm", of=first)

    page = sam.follow(upload(sam, csv().encode())).text

    assert "No row can be enrolled." in page
    assert "Known already" in page


def test_discarding_forgets_the_file(sam: Desk) -> None:
    preview = upload(sam, csv().encode()).headers["Location"]

    page = sam.follow(sam.post(f"{preview}/discard", of=preview)).text

    assert "Nobody was enrolled." in page
    assert enrolled() == 0


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00\x01", b"just,some,columns\n1,2,3\n", b"\x00" * 100, ("a," * 10_000).encode()]
)
def test_a_file_that_cannot_be_used_is_refused_beside_its_field(sam: Desk, content: bytes) -> None:
    response = upload(sam, content)

    assert response.status_code == 422
    assert 'href="#file"' in response.text
    assert 'id="file-error"' in response.text


def test_no_file_is_said_in_words(sam: Desk) -> None:
    response = sam.post("/imports", {"site": str(RIVERSIDE.id), "protocol": SLUG}, of="/imports/new")

    assert response.status_code == 422
    assert "Choose a CSV file." in response.text


def test_a_file_above_the_cap_is_refused_before_it_is_read(sam: Desk) -> None:
    body, kind = b"x" * (5 * 1024 * 1024 + 1), "multipart/form-data; boundary=x"

    assert sam.client.post("/imports", data=body, content_type=kind, headers=SAME_ORIGIN).status_code == 413


def test_names_in_a_file_are_text(sam: Desk) -> None:
    day = (RIVERSIDE.local(clock.now()).date() - timedelta(days=1)).isoformat()
    content = HEADER + f"<script>x,=cmd(),1984-05-17,{day},,no,leg,lidocaine\n"

    page = sam.follow(upload(sam, content.encode())).text

    assert "&lt;script&gt;x" in page
    assert "<script" not in page


def test_a_large_file_shows_how_far_it_has_come_and_then_the_result(sam: Desk) -> None:
    preview = upload(sam, large()).headers["Location"]

    running = sam.follow(sam.post(f"{preview}/confirm", of=preview))
    imports.import_due(now=clock.now(), limit=40)
    later = sam.get(preview)
    while imports.import_due(now=clock.now()):
        pass
    finished = sam.get(preview)

    assert "0 of 101 added" in running.text
    assert '<progress id="progress" value="40" max="101">' in later.text
    assert [page.headers.get("Refresh") for page in (running, later, finished)] == ["3", "3", None]
    assert "<h1>Imported</h1>" in finished.text
    assert "<dt>Enrolled</dt><dd>101</dd>" in finished.text
    assert enrolled() == 101


def test_whoever_does_not_want_the_page_to_move_can_keep_it_still(sam: Desk) -> None:
    preview = upload(sam, large()).headers["Location"]
    running = sam.follow(sam.post(f"{preview}/confirm", of=preview))

    still = sam.get(f"{preview}?still=1")

    assert f'href="{preview}?still=1"' in running.text
    assert "Refresh" not in still.headers
    assert "0 of 101 added" in still.text
    assert f'<a href="{preview}?still=1">Look again</a>' in still.text


def test_a_file_that_is_being_imported_is_not_discarded(sam: Desk) -> None:
    preview = upload(sam, large()).headers["Location"]
    sam.post(f"{preview}/confirm", of=preview)

    response = sam.post(f"{preview}/discard", of="/imports/new")

    assert response.status_code in {409, 422}
    assert "This file is being imported." in response.text
