"""What all scenarios share: servers to be hurt, a clinic as a template, and patients with a check-in half done."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from benchmarks import world as bench
from survey import clock
from survey.local import clinic, services
from survey.local.clinic import Riverside
from survey.services import protocols
from survey.store import session
from tests.faults.servers import Servers

TEMPLATE = "chaos_template"
PATIENTS = 330
NAME = "Zebulon Quixtable"
"""What every patient here is called, for no such word may ever leave the database."""

SESSIONS = """
SELECT r.id FROM patient_session s JOIN response r ON r.invitation_id = s.invitation_id
WHERE s.token_sha256 = sha256(convert_to(%s, 'UTF8'))"""


class World:
    """Made once in a run. `tokens` are the patients' sessions: each opens the check-in of one response."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.servers = Servers(folder / ".daytwo")
        self.servers.create_database(TEMPLATE)
        self.servers.migrate(TEMPLATE)
        session.configure(self.servers.database_url(TEMPLATE))
        self.riverside: Riverside = clinic.settle(clock.now())
        self.tokens = self._people()
        session.dispose()
        self._databases = self._ports = 0

    def _people(self) -> list[str]:
        with session.transaction() as tx:
            version_id, _ = protocols.live(tx, self.riverside.protocol)
        superuser = bench.plain(self.servers.database_url(TEMPLATE, "postgres"))
        made = bench.World(
            environ=dict(os.environ), superuser=superuser, site_id=self.riverside.site.id, version_id=version_id
        )
        tokens = bench.people(made, PATIENTS, answers=bench.FIRST_ANSWERS)
        given, family = NAME.split()
        with self.servers.superuser(TEMPLATE) as connection:
            connection.execute("UPDATE patient SET given_name = %s, family_name = %s", (given, family))
        return tokens

    def next_port(self) -> int:
        """Where to look for a free port: other runs on this machine look elsewhere, or one would answer for another."""
        self._ports += 1
        return 12_000 + os.getpid() % 400 * 50 + self._ports % 50

    def clone(self) -> str:
        """A fresh copy of the clinic: the name of its database."""
        self._databases += 1
        name = f"chaos_{self._databases}"
        with self.servers.superuser() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER daytwo_owner STRATEGY file_copy")
        return name

    def drop(self, database: str) -> None:
        """Forget it."""
        with self.servers.superuser() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def responses(self, database: str) -> Mapping[str, UUID]:
        """Session token → the response that it opens."""
        with self.servers.superuser(database) as connection:
            return {token: connection.execute(SESSIONS, (token,)).fetchone()[0] for token in self.tokens}  # type: ignore[index]

    def close(self) -> None:
        """End the servers."""
        session.dispose()
        self.servers.close()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """One while the block lasts; nothing is left of it."""
    made = World(folder)
    try:
        yield made
    finally:
        made.close()
        services.erase(folder / ".daytwo")
        shutil.rmtree(folder, ignore_errors=True)
