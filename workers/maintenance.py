"""Work that takes its time: files to import, and housekeeping whose delay by an hour harms nobody."""

from survey.domain.queues import Queue
from survey.services import (
    accounts,
    gap_notices,
    imports,
    invitations,
    replays,
    responses,
    rota_feeds,
    rotas,
    shadows,
    swap_mails,
)
from workers.celery_app import task
from workers.drain import drain

BUDGET_S = 60.0
"""A worker that is told to end waits for its task. The sentinel rings again while a file or a replay waits."""

HANDLERS = (
    invitations.expire_due,
    responses.settle_left,
    imports.forget_old,
    accounts.forget_old,
    rotas.write_due,
    rota_feeds.read_due,
    gap_notices.plan_due,
    gap_notices.send_due,
    swap_mails.send_due,
    imports.import_due,
    shadows.score_due,
    replays.replay_due,
)
"""In turn, each a part at a time: a replay of a year's responses holds up an import by a fraction of a second."""


@task(Queue.MAINTENANCE)
def sweep() -> None:
    """Expire invitations, settle surveys left half-way, forget unconfirmed files, enrol from the others, replay."""
    drain(Queue.MAINTENANCE, *HANDLERS, seconds=BUDGET_S)
