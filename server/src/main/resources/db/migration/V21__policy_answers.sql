-- Which requests to change policy have been answered under a key of the caller's, and where that stands: written with the
-- change, under the lock on its scope.
CREATE TABLE policy_answer (
    scope_key          text COLLATE "C" NOT NULL,
    recorded_by_tenant text COLLATE "C" NOT NULL,
    recorded_by        text COLLATE "C" NOT NULL,
    key                text COLLATE "C" NOT NULL CHECK (key <> '' AND octet_length(key) <= 128),
    content_hash       bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    name               text COLLATE "C" NOT NULL,
    revision           bigint NOT NULL CHECK (revision >= 1),
    PRIMARY KEY (scope_key, recorded_by_tenant, recorded_by, key)
);
COMMENT ON TABLE policy_answer IS 'RLS: tenant';

ALTER TABLE policy_answer ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_answer FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON policy_answer
    USING (scope_key = current_setting('assize.tenant', true))
    WITH CHECK (scope_key = current_setting('assize.tenant', true));
