#!/bin/sh
# Makes the secrets that are missing, builds the images, and brings Daytwo up:
#     sh config/compose/up.sh
#     WEB_COPIES=2 PAGING_COPIES=2 sh config/compose/up.sh
#     DEMO=true sh config/compose/up.sh         with invented patients, and phones that show what they received
# COMPOSE names another tool, for example COMPOSE=podman-compose.
set -eu
cd "$(dirname "$0")/../.."
umask 077
mkdir -p secrets

random() { # 48 hexadecimal characters
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

keep() { # name, value: written once, never changed by a second run
  [ -e "secrets/$1.txt" ] || printf '%s\n' "$2" >"secrets/$1.txt"
}

keep postgres_password "$(random)"
keep owner_password "$(random)"
keep app_password "$(random)"
keep redis_password "$(random)"
keep secret_key "$(random)"
# Yours to fill in, when the provider asks for one.
keep twilio_auth_token ""
keep twilio_auth_token_before ""
keep sinch_api_token ""
keep sinch_webhook_secret ""
keep sinch_webhook_secret_before ""
keep smtp_password ""

# Made from the above, so that a changed password reaches them with the next run.
read_secret() { cat "secrets/$1.txt"; }
derive() { printf '%s\n' "$2" >"secrets/$1.txt"; }
derive database_url "postgresql://daytwo_app:$(read_secret app_password)@postgres:5432/daytwo"
derive owner_database_url "postgresql://daytwo_owner:$(read_secret owner_password)@postgres:5432/daytwo"
derive redis_url "redis://:$(read_secret redis_password)@redis:6379/0"
derive redis_conf "requirepass $(read_secret redis_password)"

# The folder is closed to everybody else; inside a container each service reads, as its own user, only what it is given.
chmod 700 secrets
chmod 444 secrets/*.txt

if [ "${DEMO:-}" = true ]; then
  export COMPOSE_PROFILES=demo TWILIO_BASE_URL=http://phones:8010
fi
${COMPOSE:-docker compose} build
# What is given goes to `compose up`, such as --scale web=2.
exec ${COMPOSE:-docker compose} up --detach "$@"
