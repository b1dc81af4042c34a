"""The clinic's sites as pages need them: read once a minute, and still known when the database is not there."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from flask import Flask, current_app

from survey.domain.errors import DomainError
from survey.domain.sites import Site
from survey.services import sites

FRESH_FOR = timedelta(minutes=1)


@dataclass(slots=True)
class Clinic:
    """What this process remembers."""

    sites: tuple[Site, ...] = ()
    read_at: datetime | None = field(default=None)

    def look(self, now: datetime) -> None:
        """Read the sites again when the last reading is a minute old."""
        if self.read_at is None or now - self.read_at >= FRESH_FOR:
            self.sites = sites.every()
            self.read_at = now


def install(app: Flask) -> None:
    """Let this application remember its sites."""
    app.extensions["clinic"] = Clinic()


def site(site_id: UUID, now: datetime) -> Site:
    """That site. Raises NotFound, or Unavailable when it was never read."""
    clinic = _clinic()
    clinic.look(now)
    return next((known for known in clinic.sites if known.id == site_id), None) or sites.get(site_id)


def forget() -> None:
    """A site was changed: read them again at the next look. Other processes do so within a minute."""
    _clinic().read_at = None


def known_sites(now: datetime) -> tuple[Site, ...]:
    """All sites as last seen, by name; empty when they never were. Never fails: it stands on every error page."""
    clinic = _clinic()
    try:
        clinic.look(now)
    except (DomainError, RuntimeError):
        return clinic.sites
    return clinic.sites


def _clinic() -> Clinic:
    clinic: Clinic = current_app.extensions["clinic"]
    return clinic
