"""A protocol is read once in a process, however many ask for it first."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from uuid import UUID

from survey.domain.accounts import SYSTEM
from survey.domain.protocol import Protocol
from survey.services import protocols
from survey.settings import ROOT
from survey.store.session import transaction
from tests.cast import NIGHT
from tests.conftest import Database

PACK: Path = ROOT / "config/protocols/trigger-point-injection/v1.yaml"
THREADS = 4


def test_threads_that_ask_for_a_pack_at_once_are_given_the_same_one(database: Database) -> None:
    assert database
    text = PACK.read_text(encoding="utf-8")
    version_id = protocols.publish(text, name=PACK.name, by=SYSTEM, now=NIGHT).id
    start = Barrier(THREADS)

    def ask(_number: int) -> Protocol:
        start.wait()
        return _get(version_id)

    with ThreadPoolExecutor(THREADS) as threads:
        packs = list(threads.map(ask, range(THREADS)))

    assert len({id(pack) for pack in packs}) == 1


def _get(version_id: UUID) -> Protocol:
    with transaction() as tx:
        return protocols.get(tx, version_id)
