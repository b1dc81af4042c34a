"""The canary's walks."""

from alembic import op

revision = "0013"
down_revision = "0012"

UP = """
-- One walk: when its answer was given, and when its alert was paged, taken and closed.
CREATE TABLE canary_walk (
  id uuid PRIMARY KEY,
  invitation_id uuid NOT NULL UNIQUE REFERENCES invitation,
  began_at timestamptz NOT NULL, ended_at timestamptz);
CREATE INDEX canary_walk_began ON canary_walk (began_at);
CREATE INDEX canary_walk_ended ON canary_walk (ended_at);
CREATE INDEX canary_walk_under_way ON canary_walk (began_at) WHERE ended_at IS NULL;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP TABLE canary_walk")
