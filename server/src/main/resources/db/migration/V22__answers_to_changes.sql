-- A change of several scopes may leave some of them as they were; its retry is to be told so, too.
ALTER TABLE policy_answer
    ADD COLUMN changed boolean NOT NULL DEFAULT true,
    DROP CONSTRAINT policy_answer_revision_check,
    ADD CONSTRAINT policy_answer_revision_check CHECK (revision >= CASE WHEN changed THEN 1 ELSE 0 END);
