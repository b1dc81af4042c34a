"""Answers as they arrive, one row each, and every score that was made of them."""

from alembic import op

revision = "0003"
down_revision = "0002"

UP = """
CREATE TABLE response (
  id uuid PRIMARY KEY,
  invitation_id uuid NOT NULL REFERENCES invitation,
  protocol_version_id uuid NOT NULL REFERENCES protocol_version,
  language text NOT NULL,
  mode text NOT NULL CHECK (mode IN ('web','phone')),
  answered_by text NOT NULL CHECK (answered_by IN ('self','helper')),
  entered_by uuid REFERENCES app_user,         -- the member of staff who typed it, by phone
  revision int NOT NULL DEFAULT 0,             -- +1 with each answer
  scored_revision int NOT NULL DEFAULT 0,      -- due for scoring while below revision
  tier text CHECK (tier IN ('routine','soon','urgent','emergency')),   -- to act on; null while unfinished
  started_at timestamptz NOT NULL, answered_at timestamptz NOT NULL, submitted_at timestamptz, scored_at timestamptz,
  identity text NOT NULL DEFAULT 'not_asked' CHECK (identity IN ('not_asked','confirmed','unconfirmed')),
  score_fault text,                            -- why the newest scoring failed; the response then pages
  CHECK (scored_revision <= revision),
  CHECK ((mode = 'phone') = (entered_by IS NOT NULL)),
  CONSTRAINT response_once UNIQUE (invitation_id));
CREATE INDEX response_due ON response (answered_at) WHERE revision > scored_revision;
CREATE INDEX response_unfinished ON response (answered_at) WHERE submitted_at IS NULL;

CREATE TABLE answer (
  response_id uuid NOT NULL REFERENCES response,
  revision int NOT NULL,                       -- the response's revision that this answer made
  item text NOT NULL, value jsonb NOT NULL, at timestamptz NOT NULL,
  PRIMARY KEY (response_id, revision));

CREATE TABLE score (
  response_id uuid NOT NULL REFERENCES response,
  revision int NOT NULL,
  tier text NOT NULL CHECK (tier IN ('routine','soon','urgent','emergency')),
  fired jsonb NOT NULL,                        -- [{rule, tier, because}]
  context jsonb NOT NULL,                      -- the flags as they were taken then
  protocol_sha256 text NOT NULL, at timestamptz NOT NULL,
  PRIMARY KEY (response_id, revision));

CREATE TABLE patient_session (
  token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
  link_sha256 bytea NOT NULL REFERENCES invitation_link,   -- "not me" blocks the number that this link went to
  invitation_id uuid NOT NULL REFERENCES invitation,
  language text NOT NULL,
  answered_by text CHECK (answered_by IN ('self','helper')),   -- null: nobody has said who is answering
  made_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, ended_at timestamptz,
  sent_at timestamptz);                        -- Send was pressed: answers are not shown on this phone again

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON answer FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON answer EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON score FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON score EXECUTE FUNCTION refuse_change();
"""

DOWN = "DROP TABLE patient_session, score, answer, response;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
