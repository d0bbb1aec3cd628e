-- The first schema. Every table says in its comment how row-level security stands on it; a test reads the catalog.
--
-- A transaction names the tenant it works for in `assize.tenant`, a setting that ends with it. Where nothing is set,
-- current_setting gives null (or '' on a connection that has set it before), and no row is visible. The platform, whose
-- policy every tenant sees, is named `~platform`, which no tenant can be.
--
-- Row-level security guards against our own mistakes. It is no wall against somebody who can run SQL of his own as the
-- application: that one can set the tenant, too. Against him, and against the owner, stand the hashes.

-- This database among all databases --------------------------------------------------------------------------------

CREATE TABLE deployment (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    deployment_id text COLLATE "C" NOT NULL CHECK (deployment_id ~ '^[0-9a-f]{32}$'),
    created_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE deployment IS 'RLS: none, because it names this database and holds nothing of a tenant';

INSERT INTO deployment (deployment_id) VALUES (replace(gen_random_uuid()::text, '-', ''));

-- The ledger -------------------------------------------------------------------------------------------------------

-- The row that appends of a tenant lock. It is updated by every append, so its page keeps room for new versions.
CREATE TABLE ledger_head (
    tenant_id        text COLLATE "C" PRIMARY KEY,
    origin           text COLLATE "C" NOT NULL,
    incarnation      integer NOT NULL CHECK (incarnation >= 1),
    size             bigint NOT NULL CHECK (size >= 0),
    last_hash        bytea NOT NULL CHECK (octet_length(last_hash) = 32),
    last_recorded_at timestamptz,
    CHECK ((size = 0) = (last_recorded_at IS NULL))
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_head IS 'RLS: tenant';

ALTER TABLE ledger_head ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_head FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_head
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));

-- `frame` is the record; the other columns only help to find it, and verification compares them with it. `occurred_at`
-- is in microseconds since 1970, as in the frame: what a caller's clock says need not be a time PostgreSQL knows.
-- That a seq is used once is kept by the lock on the head: a unique key on a partitioned table must contain the month.
CREATE TABLE ledger_entry (
    tenant_id          text COLLATE "C" NOT NULL,
    seq                bigint NOT NULL CHECK (seq >= 0),
    recorded_at        timestamptz NOT NULL,
    frame              bytea NOT NULL CHECK (octet_length(frame) <= 65535),
    entry_hash         bytea NOT NULL CHECK (octet_length(entry_hash) = 32),
    recorded_by        text COLLATE "C",
    recorded_by_tenant text COLLATE "C",
    type               text COLLATE "C",
    category           text COLLATE "C",
    actor              text COLLATE "C",
    role               text COLLATE "C",
    action             text COLLATE "C",
    resource           text COLLATE "C",
    env                text COLLATE "C",
    outcome            smallint,
    occurred_at        bigint,
    run_id             text COLLATE "C",
    decision_id        text COLLATE "C",
    PRIMARY KEY (tenant_id, seq, recorded_at)
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE ledger_entry IS 'RLS: tenant';

ALTER TABLE ledger_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_entry
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));

CREATE INDEX ledger_entry_by_time ON ledger_entry (tenant_id, recorded_at);
CREATE INDEX ledger_entry_by_actor ON ledger_entry (tenant_id, actor, seq);
CREATE INDEX ledger_entry_by_action ON ledger_entry (tenant_id, action, seq);
CREATE INDEX ledger_entry_by_resource ON ledger_entry (tenant_id, resource, seq);
CREATE INDEX ledger_entry_by_type ON ledger_entry (tenant_id, type, seq);
CREATE INDEX ledger_entry_by_run ON ledger_entry (tenant_id, run_id, seq) WHERE run_id IS NOT NULL;
-- Most entries are successes (1); an index of them would only repeat the primary key.
CREATE INDEX ledger_entry_by_outcome ON ledger_entry (tenant_id, outcome, seq) WHERE outcome <> 1;

-- Nothing is lost when a month was not made in time.
CREATE TABLE ledger_entry_default PARTITION OF ledger_entry DEFAULT;
COMMENT ON TABLE ledger_entry_default IS 'RLS: tenant';
ALTER TABLE ledger_entry_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry_default FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_entry_default
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));

-- Makes the partition of a month where there is none. Entries of it that are in the default partition already stay
-- there, and the month is then not made.
CREATE FUNCTION make_ledger_partition(first_day date) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, assize
AS $$
DECLARE
    partition text := 'ledger_entry_' || to_char(first_day, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('assize.make_ledger_partition', 0));
    IF to_regclass('assize.' || partition) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE assize.%I PARTITION OF assize.ledger_entry FOR VALUES FROM (%L) TO (%L)',
        partition, to_char(first_day, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(first_day + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
    EXECUTE format('COMMENT ON TABLE assize.%I IS %L', partition, 'RLS: tenant');
    EXECUTE format('ALTER TABLE assize.%I ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE assize.%I FORCE ROW LEVEL SECURITY', partition);
    EXECUTE format('CREATE POLICY own_tenant ON assize.%I'
        ' USING (tenant_id = current_setting(''assize.tenant'', true))'
        ' WITH CHECK (tenant_id = current_setting(''assize.tenant'', true))', partition);
EXCEPTION WHEN check_violation THEN
    RAISE WARNING 'entries of % are in the default partition already', to_char(first_day, 'YYYY-MM');
END
$$;
REVOKE ALL ON FUNCTION make_ledger_partition(date) FROM PUBLIC;

-- Which requests have been answered. Beside the entries, because a unique key on those must contain the month.
CREATE TABLE ledger_idempotency (
    tenant_id          text COLLATE "C" NOT NULL,
    recorded_by_tenant text COLLATE "C" NOT NULL,
    recorded_by        text COLLATE "C" NOT NULL,
    key                text COLLATE "C" NOT NULL,
    content_hash       bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    first_seq          bigint NOT NULL CHECK (first_seq >= 0),
    entry_count        integer NOT NULL CHECK (entry_count >= 0),
    recorded_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, recorded_by_tenant, recorded_by, key)
);
COMMENT ON TABLE ledger_idempotency IS 'RLS: tenant';
CREATE INDEX ledger_idempotency_by_time ON ledger_idempotency (tenant_id, recorded_at);

ALTER TABLE ledger_idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_idempotency FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_idempotency
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));

-- Policy -----------------------------------------------------------------------------------------------------------

-- The row that changes of a scope lock; a change of a tenant also locks the platform's, shared.
CREATE TABLE policy_scope (
    scope_key text COLLATE "C" PRIMARY KEY,
    revision  bigint NOT NULL CHECK (revision >= 0)
);
COMMENT ON TABLE policy_scope IS 'RLS: tenant, where a tenant also sees the platform''s row, and the platform every row';

INSERT INTO policy_scope (scope_key, revision) VALUES ('~platform', 0);

ALTER TABLE policy_scope ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_scope FORCE ROW LEVEL SECURITY;
CREATE POLICY own_and_platform ON policy_scope FOR SELECT
    USING (scope_key = current_setting('assize.tenant', true)
        OR (scope_key = '~platform' AND current_setting('assize.tenant', true) <> '')
        OR current_setting('assize.tenant', true) = '~platform');
CREATE POLICY own_insert ON policy_scope FOR INSERT
    WITH CHECK (scope_key = current_setting('assize.tenant', true));
CREATE POLICY own_update ON policy_scope FOR UPDATE
    USING (scope_key = current_setting('assize.tenant', true))
    WITH CHECK (scope_key = current_setting('assize.tenant', true));

-- A version of a document holds from one revision to before another; `to_revision` is null for those that hold now.
CREATE TABLE policy_document (
    scope_key     text COLLATE "C" NOT NULL REFERENCES policy_scope,
    kind          text COLLATE "C" NOT NULL,
    name          text COLLATE "C" NOT NULL,
    from_revision bigint NOT NULL CHECK (from_revision >= 1),
    to_revision   bigint CHECK (to_revision > from_revision),
    yaml          text COLLATE "C" NOT NULL,
    source_file   text COLLATE "C" NOT NULL,
    source_lines  integer[] NOT NULL,
    manager       text COLLATE "C",
    PRIMARY KEY (scope_key, kind, name, from_revision)
);
COMMENT ON TABLE policy_document IS 'RLS: tenant, who also reads the platform''s documents';
CREATE UNIQUE INDEX policy_document_current ON policy_document (scope_key, kind, name) WHERE to_revision IS NULL;

ALTER TABLE policy_document ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_document FORCE ROW LEVEL SECURITY;
CREATE POLICY own_and_platform ON policy_document FOR SELECT
    USING (scope_key = current_setting('assize.tenant', true)
        OR (scope_key = '~platform' AND current_setting('assize.tenant', true) <> ''));
CREATE POLICY own_insert ON policy_document FOR INSERT
    WITH CHECK (scope_key = current_setting('assize.tenant', true));
CREATE POLICY own_update ON policy_document FOR UPDATE
    USING (scope_key = current_setting('assize.tenant', true))
    WITH CHECK (scope_key = current_setting('assize.tenant', true));

CREATE TABLE policy_revision (
    scope_key     text COLLATE "C" NOT NULL REFERENCES policy_scope,
    revision      bigint NOT NULL CHECK (revision >= 1),
    committed_at  timestamptz NOT NULL,
    actor         text COLLATE "C" NOT NULL,
    actor_tenant  text COLLATE "C" NOT NULL,
    reason        text COLLATE "C",
    change_count  integer NOT NULL CHECK (change_count >= 0),
    change_digest bytea NOT NULL CHECK (octet_length(change_digest) = 32),
    policy_digest bytea NOT NULL CHECK (octet_length(policy_digest) = 32),
    seq           bigint NOT NULL CHECK (seq >= 0),
    PRIMARY KEY (scope_key, revision)
);
COMMENT ON TABLE policy_revision IS 'RLS: tenant';

ALTER TABLE policy_revision ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_revision FORCE ROW LEVEL SECURITY;
CREATE POLICY own_scope ON policy_revision
    USING (scope_key = current_setting('assize.tenant', true))
    WITH CHECK (scope_key = current_setting('assize.tenant', true));

-- Credentials ------------------------------------------------------------------------------------------------------

-- An empty list of envs or rpcs means all of them.
CREATE TABLE api_key (
    key_id            text COLLATE "C" PRIMARY KEY,
    home_tenant       text COLLATE "C" NOT NULL,
    subject           text COLLATE "C" NOT NULL,
    all_tenants       boolean NOT NULL,
    tenants           text[] COLLATE "C" NOT NULL,
    envs              text[] COLLATE "C" NOT NULL,
    rpcs              text[] COLLATE "C" NOT NULL,
    secret_hash       bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    description       text COLLATE "C" NOT NULL,
    created_by        text COLLATE "C" NOT NULL,
    created_by_tenant text COLLATE "C" NOT NULL,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz,
    revoked_at        timestamptz
);
COMMENT ON TABLE api_key IS
    'RLS: tenant, or the one key that the transaction names in assize.key: it is looked up before its tenant is known';
CREATE INDEX api_key_by_home ON api_key (home_tenant, key_id);

ALTER TABLE api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key FORCE ROW LEVEL SECURITY;
CREATE POLICY own_or_presented ON api_key FOR SELECT
    USING (home_tenant = current_setting('assize.tenant', true) OR key_id = current_setting('assize.key', true));
CREATE POLICY own_insert ON api_key FOR INSERT
    WITH CHECK (home_tenant = current_setting('assize.tenant', true));
CREATE POLICY own_update ON api_key FOR UPDATE
    USING (home_tenant = current_setting('assize.tenant', true))
    WITH CHECK (home_tenant = current_setting('assize.tenant', true));
