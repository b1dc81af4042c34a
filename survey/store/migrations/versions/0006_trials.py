"""What a candidate is tried with before it is published: replays of stored responses, shadow scores, signatures."""

from alembic import op

revision = "0006"
down_revision = "0005"

UP = """
CREATE TABLE replay (
  id uuid PRIMARY KEY,
  protocol_version_id uuid NOT NULL REFERENCES protocol_version ON DELETE CASCADE,
  sha256 text NOT NULL CHECK (length(sha256) = 64),      -- of the text that is tried; another text is another replay
  state text NOT NULL CHECK (state IN ('running','done','cancelled','failed')),
  asked_at timestamptz NOT NULL, asked_by uuid NOT NULL REFERENCES app_user,
  last_id uuid,                                          -- the response that was judged last, in the order of ids
  judged int NOT NULL DEFAULT 0, total int NOT NULL,
  tally jsonb NOT NULL,                                  -- counts alone; who moves stands in replay_move
  ended_at timestamptz, ended_by uuid REFERENCES app_user, fault text,
  CONSTRAINT replay_ends CHECK ((state = 'running') = (ended_at IS NULL)),
  CONSTRAINT replay_fails_with_a_reason CHECK ((state = 'failed') = (fault IS NOT NULL)));
CREATE UNIQUE INDEX replay_one_at_a_time ON replay (protocol_version_id) WHERE state = 'running';
CREATE INDEX replay_of_version ON replay (protocol_version_id, asked_at);

CREATE TABLE replay_move (
  replay_id uuid NOT NULL REFERENCES replay ON DELETE CASCADE,
  response_id uuid NOT NULL REFERENCES response,
  before text NOT NULL CHECK (before IN ('routine','soon','urgent','emergency')),
  after text NOT NULL CHECK (after IN ('routine','soon','urgent','emergency')),
  because text[] NOT NULL,                               -- ids of the rules that make the difference
  PRIMARY KEY (replay_id, response_id));

-- What a candidate in shadow says of a new response; nobody is shown it, and nothing is paged by it.
-- A reference to the response would lock it (FOR KEY SHARE) until the commit, and scoring skips what is locked.
CREATE TABLE shadow_score (
  protocol_version_id uuid NOT NULL REFERENCES protocol_version ON DELETE CASCADE,
  response_id uuid NOT NULL,
  revision int NOT NULL,
  tier text CHECK (tier IN ('routine','soon','urgent','emergency')),
  fired jsonb NOT NULL DEFAULT '[]',                     -- [{rule, tier}]
  fault text,                                            -- why it could not be judged
  at timestamptz NOT NULL,
  CONSTRAINT shadow_score_or_fault CHECK ((tier IS NULL) = (fault IS NOT NULL)),
  PRIMARY KEY (protocol_version_id, response_id));
CREATE INDEX score_by_time ON score (at);

-- A version that would have taken a confirmed event less seriously is published only over a signature for each.
CREATE TABLE downgrade_signature (
  id uuid PRIMARY KEY,
  protocol_version_id uuid NOT NULL REFERENCES protocol_version ON DELETE CASCADE,
  sha256 text NOT NULL CHECK (length(sha256) = 64),
  response_id uuid NOT NULL REFERENCES response,
  before text NOT NULL, after text NOT NULL,
  signed_by uuid NOT NULL REFERENCES app_user, signed_at timestamptz NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  CONSTRAINT downgrade_signed_once UNIQUE (protocol_version_id, sha256, response_id, before, after));
CREATE TRIGGER never_changed BEFORE UPDATE ON downgrade_signature FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON downgrade_signature EXECUTE FUNCTION refuse_change();
"""

DOWN = """
DROP TABLE downgrade_signature, shadow_score, replay_move, replay;
DROP INDEX score_by_time;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
