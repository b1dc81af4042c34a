"""A score keeps the answers it was made of, as it keeps the flags: one row says what was judged and what came of it."""

from alembic import op

revision = "0007"
down_revision = "0006"

# Of two values for one key jsonb keeps the later, which is the newest answer.
UP = """
ALTER TABLE score ADD answers jsonb;
ALTER TABLE score DISABLE TRIGGER append_only;
UPDATE score SET answers = (
  SELECT coalesce(jsonb_object_agg(item, value ORDER BY revision), '{}') FROM answer
  WHERE answer.response_id = score.response_id AND answer.revision <= score.revision);
ALTER TABLE score ENABLE TRIGGER append_only;
ALTER TABLE score ALTER answers SET NOT NULL;
"""

DOWN = """
ALTER TABLE score DROP answers;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
