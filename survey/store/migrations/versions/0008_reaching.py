"""What reaching a patient needs: caps on texts, opt-outs, replies, a second provider's health, and calls."""

from alembic import op

revision = "0008"
down_revision = "0007"

INBOUND = """
-- Every text that comes in lands here first; a worker reads it.
CREATE TABLE inbound (
  id uuid PRIMARY KEY,
  provider text NOT NULL, provider_ref text NOT NULL,
  received_at timestamptz NOT NULL,
  sender text NOT NULL,                        -- E.164, as the provider says
  body text NOT NULL CHECK (length(body) <= 10000),
  opt_out_type text CHECK (opt_out_type IN ('stop','start','help')),   -- the provider took it for that and answered
  handled_at timestamptz,
  meaning text CHECK (meaning IN ('stop','stop_all','start','help','call','wrong_number','text')),
  is_red boolean NOT NULL DEFAULT false,       -- a red phrase of a pack stands in it
  site_id uuid REFERENCES site, language text, -- what our answer is signed with and written in
  wants_person boolean NOT NULL DEFAULT true,  -- staff have to look, until somebody says done
  done_at timestamptz, done_by uuid REFERENCES app_user, done_note text CHECK (length(done_note) <= 500),
  CONSTRAINT inbound_once UNIQUE (provider, provider_ref),
  CHECK ((handled_at IS NULL) = (meaning IS NULL)),
  CHECK ((handled_at IS NULL) = (site_id IS NULL AND language IS NULL)),
  CHECK ((done_at IS NULL) = (done_by IS NULL)));
CREATE INDEX inbound_waiting ON inbound (received_at) WHERE handled_at IS NULL;
CREATE INDEX inbound_open ON inbound (received_at) WHERE done_at IS NULL AND wants_person;
CREATE INDEX inbound_by_sender ON inbound (sender, received_at);

-- Whose it may be: nobody's, one patient's, or several who share the number.
CREATE TABLE inbound_patient (
  inbound_id uuid NOT NULL REFERENCES inbound,
  patient_id uuid NOT NULL REFERENCES patient,
  invitation_id uuid REFERENCES invitation,
  PRIMARY KEY (inbound_id, patient_id));
CREATE INDEX inbound_of_patient ON inbound_patient (patient_id);

CREATE TABLE suppression (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('sms','email')),
  address text NOT NULL,
  scope text NOT NULL CHECK (scope IN ('program','all')),   -- program: what leaves by itself; all: every message
  source text NOT NULL CHECK (source IN ('reply','carrier','wrong_number','staff')),
  at timestamptz NOT NULL, lifted_at timestamptz);
CREATE UNIQUE INDEX suppression_in_force ON suppression (kind, address) WHERE lifted_at IS NULL;
"""

MESSAGES = """
-- A message is about a survey and goes to a contact, or it answers a text and goes to whoever sent that.
ALTER TABLE message
  ALTER invitation_id DROP NOT NULL, ALTER contact_id DROP NOT NULL,
  ADD inbound_id uuid REFERENCES inbound,
  ADD contact_no smallint CHECK (contact_no BETWEEN 1 AND 3),  -- which of a survey's automatic contacts it was
  ADD CONSTRAINT message_goes_somewhere CHECK (
    (inbound_id IS NULL AND invitation_id IS NOT NULL AND contact_id IS NOT NULL) OR
    (inbound_id IS NOT NULL AND invitation_id IS NULL AND contact_id IS NULL)),
  ADD CONSTRAINT message_contacts_thrice UNIQUE (invitation_id, contact_no);
CREATE UNIQUE INDEX message_answers_once ON message (inbound_id, kind) WHERE inbound_id IS NOT NULL;
CREATE INDEX message_of_invitation ON message (invitation_id);
CREATE INDEX message_unknown ON message (sent_at) WHERE state = 'unknown';

-- One text a day and three in seven days to a number, whoever's it is. The day is the patient's.
CREATE TABLE text_day (
  address text NOT NULL, day date NOT NULL,
  message_id uuid NOT NULL REFERENCES message,
  CONSTRAINT one_text_a_day PRIMARY KEY (address, day));
CREATE INDEX text_day_of_message ON text_day (message_id);
CREATE FUNCTION three_texts_a_week() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.address, 8));
  IF EXISTS (SELECT FROM generate_series(0, 6) AS back WHERE (
      SELECT count(*) FROM text_day
      WHERE address = NEW.address AND day BETWEEN NEW.day - back AND NEW.day - back + 6) >= 3) THEN
    RAISE EXCEPTION 'three texts in seven days' USING ERRCODE = 'check_violation', CONSTRAINT = 'three_texts_a_week';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER three_texts_a_week BEFORE INSERT OR UPDATE ON text_day
  FOR EACH ROW EXECUTE FUNCTION three_texts_a_week();

-- What tells our text at a carrier that keeps no reference of ours; and when a carrier was asked about a text
-- that may have left: next, and the first time that it said for certain that it has none.
ALTER TABLE message_attempt ADD body_sha256 bytea CHECK (length(body_sha256) = 32),
  ADD ask_at timestamptz, ADD absent_at timestamptz;

CREATE TABLE provider_health (
  provider text PRIMARY KEY,
  failures int NOT NULL DEFAULT 0,             -- in a row
  first_failed_at timestamptz, open_until timestamptz, last_ok_at timestamptz);
"""

CALLS = """
-- Reached: a person spoke to the patient, without the questions.
ALTER TABLE invitation
  DROP CONSTRAINT invitation_state_check,
  ADD CONSTRAINT invitation_state_check CHECK (state IN
    ('scheduled','sent','delivered','opened','completed','reached','undeliverable','expired','stopped')),
  ADD call_at timestamptz,                     -- from then on the patient is on the call list, if nothing comes
  ADD asked_call_at timestamptz,               -- the patient asked to be called
  ADD risk smallint NOT NULL DEFAULT 0,        -- what the flags weigh on the call list
  ADD reached_at timestamptz,
  ADD sent_back_at timestamptz;               -- the lead wants another try
UPDATE invitation SET call_at = CASE WHEN state IN ('undeliverable','expired') THEN due_at
  ELSE coalesce(sent_at, due_at) + interval '24 hours' END
WHERE state NOT IN ('completed','stopped');
ALTER TABLE invitation ADD CONSTRAINT invitation_is_called_in_the_end CHECK (
  state IN ('completed','reached','stopped') OR call_at IS NOT NULL),
  ADD CHECK ((state = 'reached') <= (reached_at IS NOT NULL));
CREATE INDEX invitation_to_call ON invitation (site_id, call_at) WHERE state NOT IN ('completed','reached','stopped');

CREATE TABLE call_attempt (
  id uuid PRIMARY KEY,
  invitation_id uuid NOT NULL REFERENCES invitation,
  at timestamptz NOT NULL, by uuid NOT NULL REFERENCES app_user,
  result text NOT NULL CHECK (result IN ('reached','voicemail','no_answer','wrong_number')),
  half_day text NOT NULL,                      -- 2026-03-04 am, on the patient's wall
  note text CHECK (length(note) <= 500));
CREATE INDEX call_attempt_of ON call_attempt (invitation_id, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON call_attempt FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON call_attempt EXECUTE FUNCTION refuse_change();

-- All contact with a patient has stopped, until somebody lifts it.
CREATE TABLE contact_stop (
  id uuid PRIMARY KEY,
  patient_id uuid NOT NULL REFERENCES patient,
  at timestamptz NOT NULL, by uuid NOT NULL REFERENCES app_user,
  reason text NOT NULL CHECK (reason IN ('died','admitted','asked','moved','other')),
  note text CHECK (length(note) <= 500),
  lifted_at timestamptz, lifted_by uuid REFERENCES app_user,
  CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)));
CREATE UNIQUE INDEX contact_stop_in_force ON contact_stop (patient_id) WHERE lifted_at IS NULL;

ALTER TABLE response DROP CONSTRAINT response_mode_check,
  ADD CONSTRAINT response_mode_check CHECK (mode IN ('web','phone','text')),   -- text: a reply with a red phrase
  ADD sent_revision int;                       -- at the newest sending; what was answered before is shown on no phone

ALTER TABLE patient ADD helper_may_answer boolean NOT NULL DEFAULT false;  -- said at the desk; not who it is
"""

DOWN = """
ALTER TABLE patient DROP helper_may_answer;
ALTER TABLE response DROP sent_revision, DROP CONSTRAINT response_mode_check,
  ADD CONSTRAINT response_mode_check CHECK (mode IN ('web','phone'));
DROP TABLE contact_stop, call_attempt;
DROP INDEX invitation_to_call;
ALTER TABLE invitation DROP CONSTRAINT invitation_is_called_in_the_end, DROP sent_back_at, DROP reached_at, DROP risk,
  DROP asked_call_at, DROP call_at, DROP CONSTRAINT invitation_state_check,
  ADD CONSTRAINT invitation_state_check CHECK (state IN
    ('scheduled','sent','delivered','opened','completed','undeliverable','expired','stopped'));
DROP TABLE provider_health, text_day;
ALTER TABLE message_attempt DROP absent_at, DROP ask_at, DROP body_sha256;
DROP FUNCTION three_texts_a_week;
DROP INDEX message_unknown, message_of_invitation, message_answers_once;
ALTER TABLE message DROP CONSTRAINT message_contacts_thrice, DROP CONSTRAINT message_goes_somewhere,
  DROP contact_no, DROP inbound_id, ALTER invitation_id SET NOT NULL, ALTER contact_id SET NOT NULL;
DROP TABLE suppression, inbound_patient, inbound;
"""


def upgrade() -> None:
    for part in (INBOUND, MESSAGES, CALLS):
        op.execute(part)


def downgrade() -> None:
    op.execute(DOWN)
