"""The demo's own safeguards: no real provider, one at a time, its phones on this machine."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from survey.domain.errors import Refused
from survey.local import demo, stack
from survey.local import folder as folders
from survey.local.browser import Browser, BrowserError
from survey.local.carrier import running
from survey.local.errors import AlreadyRunning
from survey.local.main_job import COUNTS, Access, MainJob
from survey.settings import Settings

COMPLETE = {
    "database_url": "postgresql://daytwo@127.0.0.1/daytwo",
    "redis_url": "redis://127.0.0.1/0",
    "secret_key": "x" * 40,
    "public_url": "http://127.0.0.1:8000",
}


@pytest.mark.parametrize("name", ["TWILIO_ACCOUNT_SID", "SMTP_HOST", "TWILIO_ACCOUNT_SID_FILE"])
def test_beside_a_real_provider_the_demo_refuses_to_start(name: str) -> None:
    with pytest.raises(Refused, match="does not start beside a real provider"):
        demo.refuse_real_providers({name: "something"})


def test_without_one_it_starts() -> None:
    demo.refuse_real_providers({"HOME": "/home/sam", "TWILIO_ACCOUNT_SID": ""})


@pytest.mark.parametrize(
    "url", ["https://api.twilio.com", "http://phones.example.org:8010", "http://203.0.113.7:8010", "http://[::2]:80"]
)
def test_a_demo_whose_texts_would_leave_the_machine_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="demo's own phones"):
        Settings(demo=True, twilio_base_url=url, **COMPLETE)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8010", "http://localhost:8010", "http://phones:8010"])
def test_phones_on_this_machine_or_in_the_next_container_are_fine(url: str) -> None:
    settings = Settings(demo=True, twilio_base_url=url, **COMPLETE)  # type: ignore[arg-type]

    assert settings.texts_stay_here


def test_a_second_demo_beside_a_running_one_is_told_where_that_is(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with folders.claim(folder) as held:
        held.announce("http://127.0.0.1:8000")

        with pytest.raises(AlreadyRunning, match=r"already running.*http://127.0.0.1:8000"):
            demo.run(folder)


def test_a_running_demo_is_not_erased(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with folders.claim(folder), pytest.raises(AlreadyRunning):
        demo.erase(folder)

    assert folder.exists()


def test_erasing_leaves_nothing_and_a_second_time_there_is_nothing_to_erase(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with folders.claim(folder):
        pass

    assert demo.erase(folder)
    assert not folder.exists()
    assert not demo.erase(folder)


def test_a_folder_in_which_nothing_runs_tells_nothing(tmp_path: Path) -> None:
    assert stack.told(tmp_path) == {}


def test_the_main_job_names_the_stage_that_failed_and_ends() -> None:
    with running() as carrier:
        job = MainJob(Access(url=carrier.url, phones=carrier.url, patience_s=0.1))

        with pytest.raises(BrowserError, match="Failed where staff import"):
            list(job.stages())

        job.close()


def test_a_page_that_nobody_serves_is_told_without_its_address() -> None:
    with running() as carrier:
        browser = Browser(carrier.url)

        with pytest.raises(BrowserError, match=r"/s/… answered 404") as told:
            browser.open("/s/4fTkq9WbY2mNcPzR7sVxA1")

        browser.close()
    assert "4fTkq9WbY2mNcPzR7sVxA1" not in told.value.message


def test_the_counts_are_read_from_the_words_of_the_worklist() -> None:
    text = "Enrolled, 30 days 389 is = Answered 277 Reached by phone 41 Closed with a reason 38 Open 33 15 not due yet"

    found = COUNTS.search(text)

    assert found
    assert found.groupdict() == {"enrolled": "389", "answered": "277", "phoned": "41", "closed": "38", "open": "33"}
