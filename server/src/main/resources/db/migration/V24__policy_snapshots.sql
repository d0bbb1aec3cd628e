-- Which revision of each policy stands whole in its ledger, and which node looks after that. Only a note: the snapshot
-- itself is in the ledger, where whoever begins at it looks for it.
CREATE TABLE policy_snapshot (
    scope_key    text COLLATE "C" PRIMARY KEY REFERENCES policy_scope,
    revision     bigint NOT NULL CHECK (revision >= 0),
    leased_until timestamptz NOT NULL
);
COMMENT ON TABLE policy_snapshot IS 'RLS: tenant, where the platform sees and leases every row';

ALTER TABLE policy_snapshot ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_snapshot FORCE ROW LEVEL SECURITY;
CREATE POLICY own_scope ON policy_snapshot
    USING (scope_key = current_setting('assize.tenant', true)
        OR current_setting('assize.tenant', true) = '~platform')
    WITH CHECK (scope_key = current_setting('assize.tenant', true)
        OR current_setting('assize.tenant', true) = '~platform');
