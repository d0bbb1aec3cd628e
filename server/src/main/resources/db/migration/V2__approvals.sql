-- Approvals of actions ----------------------------------------------------------------------------------------------

-- A request for approval. What it asks for never changes; it ends once, in one of four ways. `rules` are the approval
-- rules as they were. Since what policy says now may be stricter, whether a request that has not ended waits, holds or
-- has expired is computed when it is asked; `open_until` is what the last transition found, and bounds how many wait.
-- By `usable_until` every rule that it pinned has run out, whatever is said to it.
CREATE TABLE approval_request (
    tenant_id           text COLLATE "C" NOT NULL,
    approval_id         text COLLATE "C" NOT NULL,
    requester           text COLLATE "C" NOT NULL,
    requester_tenant    text COLLATE "C" NOT NULL,
    requested_by        text COLLATE "C" NOT NULL,
    requested_by_tenant text COLLATE "C" NOT NULL,
    idempotency_key     text COLLATE "C",
    content_hash        bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    subject             text COLLATE "C" NOT NULL,
    subject_tenant      text COLLATE "C" NOT NULL,
    action              text COLLATE "C" NOT NULL,
    resource            text COLLATE "C" NOT NULL,
    env                 text COLLATE "C" NOT NULL,
    reason              text COLLATE "C",
    rules               text COLLATE "C" NOT NULL,
    requested_at        timestamptz NOT NULL,
    open_until          timestamptz NOT NULL,
    usable_until        timestamptz NOT NULL,
    ended               text COLLATE "C" CHECK (ended IN ('rejected', 'cancelled', 'used', 'expired')),
    ended_at            timestamptz CHECK ((ended_at IS NULL) = (ended IS NULL)),
    used_by             text COLLATE "C",
    used_by_tenant      text COLLATE "C",
    use_key             text COLLATE "C" CHECK ((use_key IS NOT NULL) = (ended IS NOT DISTINCT FROM 'used')),
    PRIMARY KEY (tenant_id, approval_id)
);
COMMENT ON TABLE approval_request IS 'RLS: tenant';
CREATE INDEX approval_request_by_question
    ON approval_request (tenant_id, subject, subject_tenant, action, resource, env, usable_until);
CREATE INDEX approval_request_by_time ON approval_request (tenant_id, requested_at, approval_id);
CREATE INDEX approval_request_open ON approval_request (tenant_id, open_until) WHERE ended IS NULL;
CREATE UNIQUE INDEX approval_request_by_key
    ON approval_request (tenant_id, requested_by_tenant, requested_by, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

ALTER TABLE approval_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_request FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON approval_request
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));

-- What was said to a request. The key lets nobody count twice.
CREATE TABLE approval_vote (
    tenant_id       text COLLATE "C" NOT NULL,
    approval_id     text COLLATE "C" NOT NULL,
    approver        text COLLATE "C" NOT NULL,
    approver_tenant text COLLATE "C" NOT NULL,
    position        integer NOT NULL CHECK (position >= 0),
    approves        boolean NOT NULL,
    rules           text[] COLLATE "C" NOT NULL,
    comment         text COLLATE "C",
    voted_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, approval_id, approver_tenant, approver),
    UNIQUE (tenant_id, approval_id, position),
    FOREIGN KEY (tenant_id, approval_id) REFERENCES approval_request
);
COMMENT ON TABLE approval_vote IS 'RLS: tenant';

ALTER TABLE approval_vote ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_vote FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON approval_vote
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));
