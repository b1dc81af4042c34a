"""Protocol versions, patients, procedures, invitations, the messages that carry them, and CSV imports."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = """
CREATE TABLE protocol_version (
  id uuid PRIMARY KEY,
  slug text NOT NULL, version int NOT NULL CHECK (version > 0),
  title text NOT NULL,
  sha256 text NOT NULL CHECK (length(sha256) = 64),
  source text NOT NULL,                        -- the pack as published, whole
  published_at timestamptz NOT NULL, published_by uuid REFERENCES app_user,
  CONSTRAINT protocol_version_once UNIQUE (slug, version));
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON protocol_version FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE patient (
  id uuid PRIMARY KEY,
  given_name text NOT NULL, family_name text NOT NULL, born_on date NOT NULL,
  language text NOT NULL, zone text,           -- null: the site's zone
  mrn text, created_at timestamptz NOT NULL, created_by uuid REFERENCES app_user,
  CONSTRAINT patient_mrn_once UNIQUE (mrn));
CREATE INDEX patient_by_name ON patient (lower(family_name), lower(given_name), born_on);

CREATE TABLE contact (
  id uuid PRIMARY KEY,
  patient_id uuid NOT NULL REFERENCES patient,
  kind text NOT NULL CHECK (kind IN ('sms','email')),
  address text NOT NULL,                       -- E.164 or a mailbox
  consented_at timestamptz, consent_by uuid REFERENCES app_user,
  consent_how text CHECK (consent_how IN ('spoken','written','import')), consent_wording text,
  blocked_at timestamptz,
  blocked_reason text CHECK (blocked_reason IN ('landline','foreign','not_me','stopped','refused','bounced')),
  CHECK ((blocked_at IS NULL) = (blocked_reason IS NULL)),
  CHECK ((consented_at IS NULL) = (consent_how IS NULL)),
  CONSTRAINT contact_once UNIQUE (patient_id, kind, address));
CREATE INDEX contact_by_address ON contact (kind, address);

CREATE TABLE import_batch (
  id uuid PRIMARY KEY,
  site_id uuid NOT NULL REFERENCES site,
  protocol text NOT NULL,                      -- slug
  file_sha256 text NOT NULL,
  state text NOT NULL CHECK (state IN ('previewed','confirmed','imported','discarded')),
  made_at timestamptz NOT NULL, made_by uuid REFERENCES app_user,
  confirmed_at timestamptz, confirmed_by uuid REFERENCES app_user, finished_at timestamptz,
  header jsonb NOT NULL,                       -- our column → the file's column
  ignored text[] NOT NULL DEFAULT '{}',        -- the file's columns that nobody knows
  added int, known int, refused int,
  CHECK (state NOT IN ('confirmed','imported') OR confirmed_at IS NOT NULL));
CREATE INDEX import_waiting ON import_batch (confirmed_at) WHERE state = 'confirmed';
CREATE TABLE import_row (
  import_id uuid NOT NULL REFERENCES import_batch ON DELETE CASCADE,
  line int NOT NULL,
  state text NOT NULL CHECK (state IN ('ready','blocked','known','bad','imported')),
  cells jsonb NOT NULL,
  problems jsonb NOT NULL DEFAULT '[]',        -- [{column, reason}]
  plan jsonb NOT NULL DEFAULT '{}',            -- when and how the patient will be asked, or why not
  procedure_id uuid,
  PRIMARY KEY (import_id, line));

CREATE TABLE procedure (
  id uuid PRIMARY KEY,
  patient_id uuid NOT NULL REFERENCES patient,
  site_id uuid NOT NULL REFERENCES site,
  protocol text NOT NULL,                      -- slug
  performed_on date NOT NULL,                  -- in the site's zone
  body_sites text[] NOT NULL DEFAULT '{}', agents text[] NOT NULL DEFAULT '{}',
  lot text, injector text,
  context jsonb NOT NULL DEFAULT '{}',         -- flag → yes | no | unknown, as given by staff
  source_key text NOT NULL,                    -- what makes two records the same procedure
  import_id uuid REFERENCES import_batch,
  cancelled_at timestamptz, cancelled_by uuid REFERENCES app_user,
  created_at timestamptz NOT NULL, created_by uuid REFERENCES app_user,
  CONSTRAINT procedure_once UNIQUE (source_key));
CREATE INDEX procedure_of_patient ON procedure (patient_id);
CREATE INDEX procedure_by_day ON procedure (site_id, performed_on);

-- One invitation is one survey of one patient: asked, answered or not, and how it ended.
CREATE TABLE invitation (
  id uuid PRIMARY KEY,
  procedure_id uuid NOT NULL REFERENCES procedure,
  site_id uuid NOT NULL REFERENCES site,
  touch text NOT NULL,                         -- the pack's name for it, e.g. day2
  protocol_version_id uuid NOT NULL REFERENCES protocol_version,
  state text NOT NULL CHECK (state IN
    ('scheduled','sent','delivered','opened','completed','undeliverable','expired','stopped')),
  due_at timestamptz NOT NULL, expires_at timestamptz NOT NULL CHECK (expires_at > due_at),
  sent_at timestamptz, opened_at timestamptz, completed_at timestamptz,
  stopped_at timestamptz, stopped_by uuid REFERENCES app_user, stop_reason text,
  trouble text CHECK (trouble IN ('no_contact','no_consent','landline','foreign','stopped','not_me','too_late',
    'refused','undelivered','gave_up')),       -- why no message gets through
  CHECK ((state = 'undeliverable') = (trouble IS NOT NULL)),
  CHECK ((state = 'stopped') = (stopped_at IS NOT NULL AND stop_reason IS NOT NULL)),
  CHECK ((state = 'completed') = (completed_at IS NOT NULL)),
  CONSTRAINT invitation_once UNIQUE (procedure_id, touch));
CREATE INDEX invitation_open ON invitation (site_id, due_at) WHERE state NOT IN ('completed','stopped');
CREATE INDEX invitation_by_site ON invitation (site_id, due_at);

-- The outbox to patients. Claimed singly with a lease; an unknown outcome is never blindly sent again.
CREATE TABLE message (
  id uuid PRIMARY KEY,
  invitation_id uuid NOT NULL REFERENCES invitation,
  contact_id uuid NOT NULL REFERENCES contact,
  kind text NOT NULL, touch_no int NOT NULL DEFAULT 0,
  state text NOT NULL CHECK (state IN
    ('pending','leased','accepted','delivered','undelivered','refused','unknown','cancelled')),
  due_at timestamptz NOT NULL, give_up_at timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  lease_token uuid, lease_until timestamptz, sent_at timestamptz, reason text, late boolean NOT NULL DEFAULT false,
  CONSTRAINT message_lease_shape CHECK ((state = 'leased') = (lease_token IS NOT NULL AND lease_until IS NOT NULL)),
  CONSTRAINT message_once UNIQUE (invitation_id, kind, touch_no, contact_id));
CREATE INDEX message_due ON message (due_at) WHERE state = 'pending';
CREATE INDEX message_leased ON message (lease_until) WHERE state = 'leased';

CREATE TABLE message_attempt (
  id uuid PRIMARY KEY,                         -- our reference at the provider, and in its receipt
  message_id uuid NOT NULL REFERENCES message,
  attempt_no int NOT NULL, provider text NOT NULL, lease_token uuid NOT NULL,
  started_at timestamptz NOT NULL, finished_at timestamptz,
  outcome text CHECK (outcome IN ('accepted','refused','try_later','unknown')),
  provider_ref text, detail text,              -- the provider's code, never its text
  delivery text, delivery_rank smallint NOT NULL DEFAULT 0, delivery_at timestamptz,
  UNIQUE (message_id, attempt_no));
CREATE INDEX message_attempt_ref ON message_attempt (provider, provider_ref) WHERE provider_ref IS NOT NULL;

-- The patient's link. Only the token's hash is kept; it is made inside the send.
CREATE TABLE invitation_link (
  token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
  invitation_id uuid NOT NULL REFERENCES invitation,
  message_id uuid REFERENCES message,
  made_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, revoked_at timestamptz);
CREATE INDEX invitation_link_of ON invitation_link (invitation_id);
"""

DOWN = """
DROP TABLE invitation_link, message_attempt, message, invitation, procedure, import_row, import_batch, contact,
  patient, protocol_version;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
