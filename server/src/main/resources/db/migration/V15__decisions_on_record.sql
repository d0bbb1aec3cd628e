-- Decisions on record. The root of the Merkle tree over the decisions that were recorded together stands in an entry of the
-- ledger; the decisions stand here, so that one can be shown without the others.
--
-- `record` is what is proven; the other columns only help to find it, and verification compares them with it. Rows are
-- written in the transaction that appends the entry, and are neither changed nor removed afterwards.
CREATE TABLE decision_record (
    tenant_id   text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL CHECK (seq >= 0),
    position    integer NOT NULL CHECK (position >= 0),
    record      bytea NOT NULL CHECK (octet_length(record) <= 16000),
    decision_id text COLLATE "C" NOT NULL,
    decided_at  bigint NOT NULL,
    subject     text COLLATE "C" NOT NULL,
    action      text COLLATE "C" NOT NULL,
    resource    text COLLATE "C" NOT NULL,
    env         text COLLATE "C" NOT NULL,
    allowed     boolean NOT NULL,
    reason      text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, seq, position)
);
COMMENT ON TABLE decision_record IS 'RLS: tenant';

ALTER TABLE decision_record ENABLE ROW LEVEL SECURITY;
ALTER TABLE decision_record FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON decision_record
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));

CREATE INDEX decision_record_by_id ON decision_record (tenant_id, decision_id);
CREATE INDEX decision_record_by_time ON decision_record (tenant_id, decided_at);
CREATE INDEX decision_record_by_subject ON decision_record (tenant_id, subject, seq, position);
CREATE INDEX decision_record_by_resource ON decision_record (tenant_id, resource, seq, position);
CREATE INDEX decision_record_by_action ON decision_record (tenant_id, action, seq, position);
-- Most decisions are allows; an index of them would only repeat the primary key.
CREATE INDEX decision_record_denied ON decision_record (tenant_id, reason, seq, position) WHERE NOT allowed;
