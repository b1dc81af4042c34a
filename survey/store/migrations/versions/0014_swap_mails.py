"""Mails about offers of a shift."""

from alembic import op

revision = "0014"
down_revision = "0013"

UP = """
-- Since when the other side has to be told of an offer or of its answer; null when it was.
ALTER TABLE shift_swap ADD COLUMN tell_at timestamptz;
CREATE INDEX shift_swap_untold ON shift_swap (tell_at) WHERE tell_at IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP INDEX shift_swap_untold; ALTER TABLE shift_swap DROP COLUMN tell_at")
