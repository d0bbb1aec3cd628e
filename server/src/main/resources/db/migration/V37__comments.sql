-- What was said to a request for approval, or to a proposal, without deciding it. `said_by` is the caller, `author` whose
-- words they are; with a key the caller may try again.
CREATE TABLE approval_comment (
    tenant_id       text COLLATE "C" NOT NULL,
    approval_id     text COLLATE "C" NOT NULL,
    position        integer NOT NULL CHECK (position >= 0),
    author          text COLLATE "C" NOT NULL,
    author_tenant   text COLLATE "C" NOT NULL,
    said_by         text COLLATE "C" NOT NULL,
    said_by_tenant  text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" CHECK (idempotency_key <> '' AND octet_length(idempotency_key) <= 128),
    comment         text COLLATE "C" NOT NULL CHECK (octet_length(comment) BETWEEN 1 AND 1024),
    said_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, approval_id, position),
    CONSTRAINT approval_comment_by_key UNIQUE (tenant_id, approval_id, said_by_tenant, said_by, idempotency_key),
    FOREIGN KEY (tenant_id, approval_id) REFERENCES approval_request
);
COMMENT ON TABLE approval_comment IS 'RLS: tenant';

ALTER TABLE approval_comment ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_comment FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON approval_comment
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));

CREATE TABLE policy_proposal_comment (
    scope_key       text COLLATE "C" NOT NULL,
    proposal_id     text COLLATE "C" NOT NULL,
    position        integer NOT NULL CHECK (position >= 0),
    author          text COLLATE "C" NOT NULL,
    author_tenant   text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" CHECK (idempotency_key <> '' AND octet_length(idempotency_key) <= 128),
    comment         text COLLATE "C" NOT NULL CHECK (octet_length(comment) BETWEEN 1 AND 1024),
    said_at         timestamptz NOT NULL,
    PRIMARY KEY (scope_key, proposal_id, position),
    CONSTRAINT policy_proposal_comment_by_key
        UNIQUE (scope_key, proposal_id, author_tenant, author, idempotency_key),
    FOREIGN KEY (scope_key, proposal_id) REFERENCES policy_proposal
);
COMMENT ON TABLE policy_proposal_comment IS 'RLS: tenant';

ALTER TABLE policy_proposal_comment ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_proposal_comment FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON policy_proposal_comment
    USING (scope_key = current_setting('assize.tenant', true))
    WITH CHECK (scope_key = current_setting('assize.tenant', true));
