-- How far each ledger has the spools that sidecars keep of what they append. A row is moved by the transaction that appends,
-- with the ledger's head locked, and never removed: what a spool sends again is recognised after any time.
CREATE TABLE ledger_spool (
    tenant_id          text COLLATE "C" NOT NULL,
    recorded_by_tenant text COLLATE "C" NOT NULL,
    recorded_by        text COLLATE "C" NOT NULL,
    spool_id           text COLLATE "C" NOT NULL CHECK (spool_id ~ '^[0-9a-f]{32}$'),
    next_number        bigint NOT NULL CHECK (next_number >= 1),
    -- Over all records before that; null behind records that were declared lost, where any will do.
    last_hash          bytea CHECK (octet_length(last_hash) = 32),
    highest_number     bigint NOT NULL,
    heard_at           timestamptz NOT NULL,
    -- The last entry that was appended of it: where that is gone, or another, the ledger has lost entries, and the place of
    -- the spool is found from those that are left. Null where none was appended yet.
    last_seq           bigint CHECK (last_seq >= 0),
    last_entry_hash    bytea CHECK (octet_length(last_entry_hash) = 32),
    last_recorded_at   timestamptz,
    PRIMARY KEY (tenant_id, recorded_by_tenant, recorded_by, spool_id),
    CHECK (highest_number >= next_number - 1),
    CHECK (num_nulls(last_seq, last_entry_hash, last_recorded_at) IN (0, 3))
);
COMMENT ON TABLE ledger_spool IS 'RLS: tenant';

ALTER TABLE ledger_spool ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_spool FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_spool
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));
