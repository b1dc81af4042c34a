"""The clinic's sites: list, find, add, change."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from survey.domain.accounts import Actor
from survey.domain.errors import Conflict, Refused
from survey.domain.sites import Site
from survey.interop import phones
from survey.messaging import linter
from survey.messaging.linter import Text
from survey.services import audit
from survey.store import sites as store
from survey.store.session import transaction


def every() -> tuple[Site, ...]:
    """All sites, by name."""
    with transaction() as tx:
        return store.every(tx)


def get(site_id: UUID) -> Site:
    """That site. Raises NotFound."""
    with transaction() as tx:
        return store.get(tx, site_id)


@lru_cache(maxsize=1)
def _at(_minute: int) -> tuple[Site, ...]:
    return every()


def only_or_first(now: datetime) -> Site | None:
    """The site that stands for the clinic where no patient is known yet: the first by name; read once a minute."""
    sites = _at(int(now.timestamp()) // 60)
    return sites[0] if sites else None


def add(new: Site, *, by: Actor, now: datetime) -> None:
    """Open a site. Raises Refused when its short name is taken, or its texts would need more than one segment."""
    _check_texts(new)
    try:
        with transaction() as tx:
            store.insert(tx, new)
            audit.record(tx, "site.added", actor=by, object_id=new.id, now=now)
    except Conflict as conflict:
        raise Refused("A site with this short name exists. Choose another short name.", field="slug") from conflict


def texts(site: Site) -> tuple[Text, ...]:
    """Every message as that site's patients may get it at its longest, with what is wrong with it."""
    return linter.check(
        {
            "clinic": site.sms_name,
            "emergency": site.emergency_number,
            "phone": phones.national(site.phone),
        }
    )


def _check_texts(site: Site) -> None:
    """Raises Refused when a text signed by that site would say too much, or need a second segment."""
    for fault in linter.name_faults(site.sms_name):
        raise Refused(f"Choose another name for texts: {fault}.", field="sms_name")
    longest = max(texts(site), key=lambda text: (text.misfit is not None, text.signs))
    if longest.misfit:
        raise Refused(
            f"Texts would be signed with “{site.sms_name}”, and then one needs {longest.segments} segments"
            f" ({longest.kind}, {longest.language}). Choose another name for texts: {longest.misfit}.",
            field="sms_name",
        )
