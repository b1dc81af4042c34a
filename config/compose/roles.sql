-- Runs once, on an empty volume: the role that owns the tables (migrations), and the role that the application uses.
\set owner_password `cat /run/secrets/owner_password`
\set app_password `cat /run/secrets/app_password`
CREATE ROLE daytwo_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE daytwo_app LOGIN PASSWORD :'app_password';
ALTER DATABASE daytwo OWNER TO daytwo_owner;
REVOKE ALL ON DATABASE daytwo FROM PUBLIC;
GRANT CONNECT ON DATABASE daytwo TO daytwo_app;
