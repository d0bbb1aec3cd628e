-- Changes of policy that others are to accept before they are applied. What is proposed never changes; a proposal ends
-- once, in one of four ways. Its digest and revisions are those it was last judged against.
CREATE TABLE policy_proposal (
    scope_key              text COLLATE "C" NOT NULL,
    proposal_id            text COLLATE "C" NOT NULL,
    proposer               text COLLATE "C" NOT NULL,
    proposer_tenant        text COLLATE "C" NOT NULL,
    recorded_by            text COLLATE "C" NOT NULL,
    recorded_by_tenant     text COLLATE "C" NOT NULL,
    idempotency_key        text COLLATE "C" CHECK (idempotency_key <> '' AND octet_length(idempotency_key) <= 128),
    request_hash           bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    content_hash           bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    reason                 text COLLATE "C",
    force                  boolean NOT NULL,
    prune_manager          text COLLATE "C",
    document_count         integer NOT NULL CHECK (document_count >= 0),
    proposed_at            timestamptz NOT NULL,
    expires_at             timestamptz NOT NULL CHECK (expires_at > proposed_at),
    base_revision          bigint NOT NULL CHECK (base_revision >= 0),
    base_platform_revision bigint NOT NULL CHECK (base_platform_revision >= 0),
    ended                  text COLLATE "C" CHECK (ended IN ('applied', 'rejected', 'withdrawn', 'expired')),
    ended_at               timestamptz CHECK ((ended_at IS NULL) = (ended IS NULL)),
    ended_by               text COLLATE "C" CHECK ((ended_by IS NULL) = (ended IS NULL)),
    ended_by_tenant        text COLLATE "C" CHECK ((ended_by_tenant IS NULL) = (ended IS NULL)),
    comment                text COLLATE "C",
    revision               bigint CHECK ((revision IS NOT NULL) = (ended IS NOT DISTINCT FROM 'applied')),
    PRIMARY KEY (scope_key, proposal_id)
);
COMMENT ON TABLE policy_proposal IS 'RLS: tenant';
CREATE INDEX policy_proposal_open ON policy_proposal (scope_key, expires_at) WHERE ended IS NULL;
CREATE UNIQUE INDEX policy_proposal_by_key
    ON policy_proposal (scope_key, recorded_by_tenant, recorded_by, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

ALTER TABLE policy_proposal ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_proposal FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON policy_proposal
    USING (scope_key = current_setting('assize.tenant', true))
    WITH CHECK (scope_key = current_setting('assize.tenant', true));

-- What is proposed, in the order in which it was; without a text it is to be deleted.
CREATE TABLE policy_proposal_document (
    scope_key    text COLLATE "C" NOT NULL,
    proposal_id  text COLLATE "C" NOT NULL,
    position     integer NOT NULL CHECK (position >= 0),
    kind         text COLLATE "C" NOT NULL,
    name         text COLLATE "C" NOT NULL,
    yaml         text COLLATE "C",
    source_file  text COLLATE "C" NOT NULL,
    source_lines integer[] NOT NULL,
    PRIMARY KEY (scope_key, proposal_id, position),
    FOREIGN KEY (scope_key, proposal_id) REFERENCES policy_proposal
);
COMMENT ON TABLE policy_proposal_document IS 'RLS: tenant';

ALTER TABLE policy_proposal_document ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_proposal_document FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON policy_proposal_document
    USING (scope_key = current_setting('assize.tenant', true))
    WITH CHECK (scope_key = current_setting('assize.tenant', true));

-- Who accepted a proposal as it stood at these revisions. The key lets nobody count twice, and what was accepted before
-- policy moved counts no more.
CREATE TABLE policy_proposal_acceptance (
    scope_key              text COLLATE "C" NOT NULL,
    proposal_id            text COLLATE "C" NOT NULL,
    base_revision          bigint NOT NULL,
    base_platform_revision bigint NOT NULL,
    acceptor               text COLLATE "C" NOT NULL,
    acceptor_tenant        text COLLATE "C" NOT NULL,
    position               integer NOT NULL CHECK (position >= 0),
    comment                text COLLATE "C",
    accepted_at            timestamptz NOT NULL,
    PRIMARY KEY (scope_key, proposal_id, base_revision, base_platform_revision, acceptor_tenant, acceptor),
    UNIQUE (scope_key, proposal_id, position),
    FOREIGN KEY (scope_key, proposal_id) REFERENCES policy_proposal
);
COMMENT ON TABLE policy_proposal_acceptance IS 'RLS: tenant';

ALTER TABLE policy_proposal_acceptance ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_proposal_acceptance FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON policy_proposal_acceptance
    USING (scope_key = current_setting('assize.tenant', true))
    WITH CHECK (scope_key = current_setting('assize.tenant', true));
