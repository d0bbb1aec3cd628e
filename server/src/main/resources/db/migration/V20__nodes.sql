-- The server processes on this database. Each says every second that it is there, and takes its row away when it stops in
-- good order; what is left of one that did not is removed once it cannot be answering any more.
CREATE TABLE node (
    instance_id     text COLLATE "C" PRIMARY KEY CHECK (instance_id ~ '^[0-9a-f]{32}$'),
    name            text COLLATE "C" NOT NULL CHECK (name <> '' AND octet_length(name) <= 256),
    freshness_bound bigint NOT NULL CHECK (freshness_bound > 0), -- milliseconds
    started_at      timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE node IS 'RLS: none, because it names server processes and holds nothing of a tenant';

-- What nodes are asked to confirm, for as long as somebody waits for it: that they answer from a tenant's policy at this
-- revision or a later one.
CREATE TABLE node_confirmation (
    tenant_id    text COLLATE "C" NOT NULL,
    revision     bigint NOT NULL CHECK (revision >= 1),
    instance_id  text COLLATE "C" NOT NULL,
    asked_at     timestamptz NOT NULL,
    confirmed_at timestamptz,
    PRIMARY KEY (tenant_id, revision, instance_id)
);
COMMENT ON TABLE node_confirmation IS 'RLS: tenant, and the platform sees every row: a node asks for all that it is to confirm';

ALTER TABLE node_confirmation ENABLE ROW LEVEL SECURITY;
ALTER TABLE node_confirmation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_and_platform ON node_confirmation
    USING (tenant_id = current_setting('assize.tenant', true) OR current_setting('assize.tenant', true) = '~platform')
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));
