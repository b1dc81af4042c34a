"""The life of a protocol version: draft, verified, in shadow, published, retired, with its proof and its two people."""

from alembic import op

revision = "0005"
down_revision = "0004"

# Versions that were published before Daytwo proved anything have no author, and no certificate yet. They are marked,
# nothing new can be marked so, and the workers prove the one in force when they start. Of several versions of one
# protocol the newest was the one in force.
COLUMNS = """
DROP TRIGGER never_changed ON protocol_version;
ALTER TABLE protocol_version
  ALTER COLUMN published_at DROP NOT NULL,
  ADD COLUMN state text NOT NULL DEFAULT 'published',
  ADD COLUMN author uuid REFERENCES app_user,    -- published_by is the approver
  ADD COLUMN made_at timestamptz, ADD COLUMN changed_at timestamptz,
  ADD COLUMN certificate text CHECK (length(certificate) = 64), ADD COLUMN verifier text,
  ADD COLUMN answer_sets numeric,                -- beyond 2^63 in a long questionnaire
  ADD COLUMN proof jsonb,                        -- [{check, seconds, objections: [sentence]}] of the last attempt
  ADD COLUMN shadow_from timestamptz, ADD COLUMN shadow_until timestamptz,
  ADD COLUMN retired_at timestamptz,
  ADD COLUMN before_proofs boolean NOT NULL DEFAULT true;
UPDATE protocol_version SET made_at = published_at, changed_at = published_at;
UPDATE protocol_version v SET state = 'retired',
  retired_at = (SELECT max(n.published_at) FROM protocol_version n WHERE n.slug = v.slug AND n.version > v.version)
WHERE EXISTS (SELECT FROM protocol_version n WHERE n.slug = v.slug AND n.version > v.version);
ALTER TABLE protocol_version
  ALTER COLUMN state DROP DEFAULT, ALTER COLUMN before_proofs SET DEFAULT false,
  ALTER COLUMN made_at SET NOT NULL, ALTER COLUMN changed_at SET NOT NULL,
  ADD CONSTRAINT protocol_version_state CHECK (state IN ('draft','verified','shadow','published','retired')),
  ADD CONSTRAINT proof_is_whole CHECK (num_nonnulls(certificate, verifier) IN (0, 2)),
  ADD CONSTRAINT proved_has_certificate CHECK (state = 'draft' OR before_proofs OR certificate IS NOT NULL),
  ADD CONSTRAINT draft_has_no_certificate CHECK (state <> 'draft' OR certificate IS NULL),
  ADD CONSTRAINT shadow_has_days CHECK (state <> 'shadow' OR shadow_from < shadow_until),
  ADD CONSTRAINT published_is_dated CHECK ((state IN ('published','retired')) = (published_at IS NOT NULL)),
  ADD CONSTRAINT retired_is_dated CHECK ((state = 'retired') = (retired_at IS NOT NULL)),
  ADD CONSTRAINT published_by_two CHECK (state NOT IN ('published','retired') OR before_proofs
    OR (author IS NOT NULL AND published_by IS NOT NULL AND author <> published_by));
CREATE UNIQUE INDEX protocol_version_one_live ON protocol_version (slug) WHERE state = 'published';
"""

GUARD = """
CREATE FUNCTION protocol_version_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  proof text[] := '{certificate,verifier,answer_sets,proof}';
  ending text[] := '{state,retired_at}';
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.before_proofs THEN
      RAISE EXCEPTION 'nothing new goes unproved' USING ERRCODE = 'check_violation'; END IF;
    RETURN NEW;
  END IF;
  IF OLD.state NOT IN ('published','retired') THEN
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    IF NEW.before_proofs OR (OLD.state, NEW.state) NOT IN (('draft','draft'),('draft','verified'),
        ('verified','verified'),('verified','draft'),('verified','shadow'),('verified','published'),
        ('shadow','shadow'),('shadow','draft'),('shadow','verified'),('shadow','published')) THEN
      RAISE EXCEPTION 'illegal protocol move % -> %', OLD.state, NEW.state USING ERRCODE = 'check_violation'; END IF;
    IF NEW.state <> 'draft' AND (NEW.source, NEW.sha256) IS DISTINCT FROM (OLD.source, OLD.sha256) THEN
      RAISE EXCEPTION 'another text is a draft again' USING ERRCODE = 'check_violation'; END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF OLD.state = 'published' AND NEW.state = 'retired' AND to_jsonb(NEW) - ending = to_jsonb(OLD) - ending THEN
      RETURN NEW; END IF;
    IF OLD.before_proofs AND OLD.certificate IS NULL AND to_jsonb(NEW) - proof = to_jsonb(OLD) - proof THEN
      RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'a published protocol version never changes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER protocol_version_guard BEFORE INSERT OR UPDATE OR DELETE ON protocol_version
  FOR EACH ROW EXECUTE FUNCTION protocol_version_guard();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON protocol_version EXECUTE FUNCTION refuse_change();
"""

DOWN = """
DROP TRIGGER never_emptied ON protocol_version;
DROP TRIGGER protocol_version_guard ON protocol_version;
DROP FUNCTION protocol_version_guard;
DROP INDEX protocol_version_one_live;
DELETE FROM protocol_version WHERE published_at IS NULL;
ALTER TABLE protocol_version
  DROP CONSTRAINT protocol_version_state, DROP CONSTRAINT proof_is_whole, DROP CONSTRAINT proved_has_certificate,
  DROP CONSTRAINT draft_has_no_certificate, DROP CONSTRAINT shadow_has_days, DROP CONSTRAINT published_is_dated,
  DROP CONSTRAINT retired_is_dated, DROP CONSTRAINT published_by_two,
  ALTER COLUMN published_at SET NOT NULL,
  DROP COLUMN state, DROP COLUMN author, DROP COLUMN made_at, DROP COLUMN changed_at, DROP COLUMN certificate,
  DROP COLUMN verifier, DROP COLUMN answer_sets, DROP COLUMN proof, DROP COLUMN shadow_from, DROP COLUMN shadow_until,
  DROP COLUMN retired_at, DROP COLUMN before_proofs;
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON protocol_version FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    for part in (COLUMNS, GUARD):
        op.execute(part)


def downgrade() -> None:
    op.execute(DOWN)
