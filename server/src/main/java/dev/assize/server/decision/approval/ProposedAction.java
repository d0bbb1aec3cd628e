package dev.assize.server.decision.approval;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;

/** What is to be approved, whoever does it. */
public record ProposedAction(TenantId tenant, Action action, ResourcePath resource, Environment env) {}
