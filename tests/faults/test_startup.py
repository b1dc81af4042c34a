"""Whatever is not there yet, or not any more: nobody relies on the order of start, and everybody says what is wrong."""

import hashlib
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

import httpx
import pytest

from survey import clock
from survey.domain.accounts import SYSTEM
from survey.domain.proofs import certificate
from survey.local import clinic, redis
from survey.local import folder as folders
from survey.local import stack as local
from survey.local.runner import Process
from survey.services import links, patients
from survey.store import session
from survey.store.session import transaction
from tests.faults.crowd import BREATHLESS, Patient
from tests.faults.hurt import pagers
from tests.faults.load import Load, Phone, Tally, enrolment
from tests.faults.proof import examine
from tests.faults.servers import Servers, until
from tests.faults.stack import Phones, Stack

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

LATE = "late"
MOBILE = "+12035550142"
EMERGENCY_LINE = 'href="tel:911"'
AT_ONCE_S = 1.0


class Early:
    """Processes that were started before their database, their Redis and their provider; each may come in time."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self._redis_folder = folders.create(folder / "redis-folder")
        (folder / "phones").mkdir()
        self.phones = Phones(folder / "phones")
        self.stack = Stack(
            servers,
            self.phones,
            folder / "log",
            database=LATE,
            redis_url=redis.url(redis.socket_path(self._redis_folder)),
            web_workers=1,
        )
        self._redis: redis.EmbeddedRedis | None = None

    def start(self) -> None:
        """One of each."""
        names = {"web": ["web"], "worker": ["worker", "scoring", "paging", "sending"], "sentinel": ["sentinel"]}
        self.stack.start("early", [Process(name=name, command=local.daytwo(*told)) for name, told in names.items()])

    def redis_comes(self) -> None:
        self._redis = redis.start(self._redis_folder)

    def close(self) -> None:
        self.stack.close()
        self.phones.close()
        if self._redis is not None:
            self._redis.stop()


@pytest.fixture
def early(servers: Servers, tmp_path: Path) -> Iterator[Early]:
    """Nothing of it runs yet."""
    made = Early(servers, tmp_path)
    yield made
    made.close()


def a_link() -> str:
    """Enrols somebody and makes a link without a text, for no provider is there."""
    now = clock.now()
    riverside = clinic.settle(now)
    day = riverside.site.local(now).date() - timedelta(days=2)
    enrolled = patients.enrol(
        enrolment(MOBILE, day), site_id=riverside.site.id, protocol=riverside.protocol, by=SYSTEM, now=now
    )
    with transaction() as tx:
        return "/s/" + links.make(tx, enrolled.invitation_id, None, now, now + timedelta(days=30))


def test_everything_may_be_started_before_what_it_needs(servers: Servers, early: Early) -> None:
    daytwo, patient = early.stack, Patient(mobile=MOBILE, story=BREATHLESS)

    # Nothing is there: no server, hence no database.
    servers.halt_postgres(signal.SIGINT)
    early.start()
    until(lambda: daytwo.ready() == 503, what="the pages say that they are not ready")
    first = dict(daytwo.pids())
    page = httpx.get(f"{daytwo.url}/s/{'2' * 22}", trust_env=False)
    assert page.status_code == 503
    assert EMERGENCY_LINE in page.text

    # PostgreSQL comes, then the database, then its tables and the clinic; Redis and the provider are still away.
    servers.raise_postgres()
    servers.create_database(LATE)
    servers.migrate(LATE)
    session.configure(servers.database_url(LATE))
    link = a_link()
    until(lambda: daytwo.ready() == 200, what="the pages are ready")
    tally = Tally()
    with httpx.Client(base_url=daytwo.url, timeout=10, trust_env=False) as client:
        phone = Phone(client, tally)
        phone.start(link)
        phone.tell(patient, BREATHLESS.taps)

    # The sentinel alone scores and pages; then the provider comes, and then Redis.
    until(lambda: _tries(daytwo, "try_later") >= 2, what="the page was tried twice")
    early.phones.come()
    until(lambda: not examine(daytwo, [patient]).all, what="the answer is scored and paged")
    early.redis_comes()
    daytwo.await_beats("sentinel", "worker:scoring", "worker:paging", "worker:sending")

    assert median(tally.took_s) < AT_ONCE_S
    assert set(examine(daytwo, [patient]).copies.values()) == {1}
    assert daytwo.pids() == first, "no process has ended over what was missing"


def _tries(daytwo: Stack, outcome: str) -> int:
    return len(daytwo.rows("SELECT id FROM page_attempt WHERE outcome = %s", outcome))


def test_without_its_database_a_patient_reads_whom_to_call_and_doctor_says_what_is_wrong(
    servers: Servers, stack: Stack, load: Load
) -> None:
    load.enrol(1)
    until(lambda: load.texted() == 1, what="the text is there")
    load.settle(patience_s=60)

    servers.halt_postgres(signal.SIGINT)
    try:
        answers = [httpx.get(f"{stack.url}/s/{'2' * 22}", trust_env=False) for _ in range(10)]
        doctor = stack.doctor()
    finally:
        servers.raise_postgres()

    assert {answer.status_code for answer in answers} == {503}
    assert all(EMERGENCY_LINE in answer.text and "Retry-After" in answer.headers for answer in answers)
    assert any(f"tel:{clinic.PHONE}" in answer.text for answer in answers), "a process that knew the clinic forgot it"
    assert doctor.returncode == 1
    assert "The database cannot be reached" in doctor.stderr
    assert "Traceback" not in doctor.stderr
    stack.await_whole()


def test_a_survey_on_a_protocol_that_nobody_can_read_pages_and_doctor_names_it(stack: Stack, load: Load) -> None:
    load.enrol(2)
    until(lambda: load.texted() == 2, what="the texts are there")
    load.settle(patience_s=60)
    fine = load.patients[1]

    response_id = _moved_to_unreadable_protocol(stack, fine.mobile)
    until(lambda: not examine(stack, load.patients).all, what="the answer is scored, as far as it can be, and paged")
    doctor = stack.doctor()

    (told,) = stack.rows("SELECT tier, score_fault FROM response WHERE id = %s", response_id)
    assert (told.tier, told.score_fault) == ("urgent", "ProtocolError")
    assert len(stack.rows("SELECT id FROM alert WHERE response_id = %s AND tier = 'urgent'", response_id)) == 1
    assert doctor.returncode == 1
    assert "broken  protocols: A published protocol cannot be read. from-tomorrow version 1" in doctor.stdout
    assert "1 responses could not be scored" in doctor.stdout


def _moved_to_unreadable_protocol(stack: Stack, mobile: str) -> UUID:
    """The patient's survey is on a version that a later Daytwo published, and one more answer has come in."""
    version_id, text = uuid4(), hashlib.sha256(b"format: 9").hexdigest()
    with stack.servers.superuser(stack.database) as connection:
        connection.execute(
            """INSERT INTO protocol_version (id, slug, version, title, sha256, source, certificate, verifier, state,
              made_at, changed_at, author, published_at, published_by)
            VALUES (%s, 'from-tomorrow', 1, 'From tomorrow', %s, 'format: 9', %s, %s, 'published', now(), now(),
              (SELECT id FROM app_user WHERE email = 'ana@example.org'), now(),
              (SELECT id FROM app_user WHERE email = 'lena@example.org'))""",
            [version_id, text, certificate(text, "tomorrow's"), "tomorrow's"],
        )
        row = connection.execute(
            """UPDATE response SET protocol_version_id = %s, revision = revision + 1, answered_at = now()
            WHERE invitation_id = (SELECT i.id FROM invitation i JOIN procedure p ON p.id = i.procedure_id
              JOIN contact c ON c.patient_id = p.patient_id WHERE c.address = %s AND i.touch = 'day2')
            RETURNING id, revision""",
            [version_id, mobile],
        ).fetchone()
        assert row is not None
        connection.execute(
            "INSERT INTO answer (response_id, revision, item, value, at) VALUES (%s, %s, 'aura', '\"yes\"', now())",
            [row.id, row.revision],
        )
    return UUID(str(row.id))


def test_a_page_is_tried_until_the_provider_is_back_and_sent_once(stack: Stack, load: Load) -> None:
    before = _tries(stack, "try_later")

    with pagers(stack, "503"):
        load.enrol(1)
        until(lambda: load.texted() == 1, what="the text is there")
        load.settle(patience_s=60)
        until(lambda: _tries(stack, "try_later") >= before + 3, what="the page was tried three times")
        waiting = examine(stack, load.patients)
    until(lambda: not examine(stack, load.patients).all, what="the page is on the phone")

    assert waiting.unpaged
    assert load.trouble == []
