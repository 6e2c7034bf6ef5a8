#!/bin/bash
# Makes the role that Catchment is. Postgres runs this once, when its volume is empty.
#
# Tenants are kept apart by row-level security, which does not hold for superusers; Catchment
# refuses to start as one.
set -euo pipefail

psql --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set ON_ERROR_STOP=1 --set password="$CATCHMENT_DB_PASSWORD" <<'SQL'
CREATE ROLE catchment LOGIN PASSWORD :'password'
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"DBNAME" TO catchment;
GRANT USAGE, CREATE ON SCHEMA public TO catchment;
SQL
