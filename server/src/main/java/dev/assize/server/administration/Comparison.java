package dev.assize.server.administration;

import dev.assize.server.administration.FiledProposal.Base;

/** What a dry run found, and against which revisions. */
record Comparison(ChangeResult result, Base base) {}
