"""The canary through real processes: the sentinel, both workers, Redis, and the web that takes its receipts."""

from survey import clock
from survey.domain.queues import Queue
from survey.local import ports
from survey.store import doorbell
from survey.store.session import transaction
from tests import canaries, desk, surveys
from tests.conftest import Database
from tests.workers.processes import environment, eventually, running

IT_IS_TIME = "UPDATE canary_walk SET began_at = began_at - interval '5 minutes'"
TRIED = "SELECT count(*) AS number FROM page_attempt WHERE provider = 'canary' AND outcome = 'try_later'"


def tried() -> int:
    """How many pages of the canary did not get through the door."""
    number: int = desk.rows(TRIED)[0]["number"]
    return number


def test_it_comes_through_every_process_and_not_past_a_web_that_is_down(database: Database, redis_url: str) -> None:
    surveys.open_clinic(clock.now())
    doorbell.configure(redis_url)
    bind = f"127.0.0.1:{ports.next_free(8460)}"
    environ = environment(
        database, redis_url, PUBLIC_URL=f"http://{bind}", WEB_BIND=bind, CANARY="true", WEB_WORKERS="1"
    )

    with (
        running("worker", Queue.SCORING, environ=environ),
        running("worker", Queue.PAGING, environ=environ),
        running("sentinel", environ=environ),
    ):
        with running("web", environ=environ):
            eventually(lambda: canaries.counted() == (1, 1), within_s=60)
        before = tried()  # perhaps the web began later than the rest
        with transaction() as tx:
            tx.change(IT_IS_TIME, {})
        eventually(lambda: tried() >= before + 2, within_s=60)
        assert canaries.counted() == (2, 1)

        with running("web", environ=environ):
            eventually(lambda: canaries.counted() == (2, 2), within_s=90)
