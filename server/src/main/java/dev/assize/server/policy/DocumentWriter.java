package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The text of a document so far, and how each piece is added to it; {@link DocumentText} says what it looks like. */
final class DocumentWriter {

    private final StringBuilder text = new StringBuilder();

    private DocumentWriter() {}

    static String write(Document document) {
        DocumentWriter writer = new DocumentWriter();
        writer.head(document);
        writer.spec(document);
        return writer.text.toString();
    }

    private void head(Document document) {
        field(0, "apiVersion", DocumentReader.API_VERSION);
        field(0, "kind", document.kind().text());
        open(0, "metadata");
        Metadata metadata = document.metadata();
        if (document.kind() != Kind.TENANT) {
            metadata.scope().tenant().ifPresent(tenant -> field(1, "tenant", tenant.value()));
        }
        field(1, "name", metadata.name());
        entries(1, "labels", metadata.labels());
        field(1, "manager", metadata.manager());
        open(0, "spec");
    }

    private void spec(Document document) {
        switch (document) {
            case TenantDocument tenant -> {
                list(1, "environments", tenant.environments());
                declarations("subjectAttributes", tenant.subjectAttributes());
                audit(tenant.audit());
                if (tenant.changeApprovals() != 0) {
                    raw(1, "changeApprovals", Integer.toString(tenant.changeApprovals()));
                }
                terms(tenant.terms());
            }
            case ResourceTypeDocument type -> resourceType(type);
            case RoleDocument role -> role(role);
            case GroupDocument group -> list(1, "members", group.members());
            case RoleBindingDocument binding -> binding(binding);
            case SubjectDocument subject -> attributes(subject.attributes());
            case ResourceDocument resource -> attributes(resource.attributes());
            case SeparationOfDutyDocument rule -> separationOfDuty(rule);
            case ApprovalRuleDocument rule -> approvalRule(rule);
            case FreezeDocument freeze -> freeze(freeze);
        }
    }

    private void terms(TenantTerms terms) {
        field(1, "plan", terms.plan());
        if (terms.isLimited()) {
            open(1, "limits");
            limit("documents", terms.documents());
            limit("keys", terms.keys());
        }
    }

    private void limit(String name, @Nullable Integer limit) {
        if (limit != null) {
            raw(2, name, limit.toString());
        }
    }

    private void audit(TenantAudit audit) {
        if (audit.equals(TenantAudit.NONE)) {
            return;
        }
        open(1, "audit");
        Duration retention = audit.retention();
        field(2, "retention", retention == null ? null : Forms.written(retention));
        if (!audit.piiPatterns().isEmpty()) {
            list(2, "piiPatterns", audit.piiPatterns());
        }
        if (!audit.pseudonyms().isEmpty()) {
            list(2, "pseudonyms", audit.pseudonyms());
        }
        decisionLog(audit.decisionLog());
    }

    private void decisionLog(DecisionLog log) {
        String mode = log.mode().name().toLowerCase(Locale.ROOT);
        if (log.acknowledge() != DecisionLog.Acknowledge.BEFORE) {
            open(2, "decisionLog");
            raw(3, "mode", mode);
            raw(3, "acknowledge", log.acknowledge().name().toLowerCase(Locale.ROOT));
        } else if (log.mode() != DecisionLog.Mode.NONE) {
            raw(2, "decisionLog", mode);
        }
    }

    private void resourceType(ResourceTypeDocument type) {
        list(1, "actions", type.actions());
        if (!type.implies().isEmpty()) {
            open(1, "implies");
            for (Map.Entry<Action, AnyOf<Action>> entry : type.implies().entrySet()) {
                anyOf(2, DocumentText.quoted(entry.getKey().value()), entry.getValue());
            }
        }
        declarations("attributes", type.attributes());
    }

    private void declarations(String key, Map<String, AttributeDeclaration> declarations) {
        if (declarations.isEmpty()) {
            return;
        }
        open(1, key);
        declarations.forEach((name, declaration) -> {
            open(2, DocumentText.quoted(name));
            field(3, "type", declaration.type().toString());
            if (declaration.source() != Source.EITHER) {
                field(3, "source", declaration.source().name().toLowerCase(Locale.ROOT));
            }
        });
    }

    /** A specification that says nothing has no lines to stand on. */
    private void attributes(Map<String, AttributeValue> attributes) {
        if (attributes.isEmpty()) {
            text.setLength(text.length() - 1);
            text.append(" {}\n");
            return;
        }
        open(1, "attributes");
        attributes.forEach((name, value) -> raw(2, DocumentText.quoted(name), AttributeText.write(value)));
    }

    private void role(RoleDocument role) {
        if (!role.inherits().isEmpty()) {
            list(1, "inherits", role.inherits());
        }
        if (!role.permissions().isEmpty()) {
            open(1, "permissions");
            role.permissions().forEach(this::permission);
        }
    }

    private void permission(Permission permission) {
        text.append("  - effect: ")
                .append(permission.effect() == Effect.ALLOW ? "allow" : "deny")
                .append('\n');
        anyOf(2, "resources", permission.resources());
        anyOf(2, "actions", permission.actions());
        if (permission.environments() instanceof AnyOf.Listed<?>) {
            anyOf(2, "environments", permission.environments());
        }
        field(2, "when", permission.when());
        if (!permission.obligations().isEmpty()) {
            open(2, "obligations");
            permission.obligations().forEach(this::obligation);
        }
    }

    private void obligation(Obligation obligation) {
        text.append("    - id: ").append(DocumentText.quoted(obligation.id())).append('\n');
        field(3, "type", obligation.type());
        entries(3, "properties", obligation.properties());
    }

    private void binding(RoleBindingDocument binding) {
        list(1, "subjects", binding.subjects());
        field(1, "role", binding.role());
        if (!binding.scopeOfGrant().equals(Scope.ALL)) {
            open(1, "scope");
            Scope scope = binding.scopeOfGrant();
            scope.environments().ifPresent(environments -> anyOf(2, "environments", environments));
            scope.resourceTypes().ifPresent(types -> anyOf(2, "resourceTypes", types));
            scope.resources().ifPresent(resources -> list(2, "resources", resources));
        }
        field(1, "fromTenant", shown(binding.fromTenant()));
        field(1, "notBefore", shown(binding.notBefore()));
        field(1, "notAfter", shown(binding.notAfter()));
        field(1, "when", binding.when());
        field(1, "reason", binding.reason());
    }

    private void separationOfDuty(SeparationOfDutyDocument rule) {
        switch (rule.duty()) {
            case Duty.AssignedRoles duty -> roles("assigned-roles", duty.roles(), duty.limit());
            case Duty.ActiveRoles duty -> roles("active-roles", duty.roles(), duty.limit());
            case Duty.PerformedActions duty -> {
                field(1, "type", "performed-actions");
                list(1, "actions", duty.actions());
                anyOf(1, "resources", duty.resources());
            }
        }
        environments(rule.environments());
    }

    private void roles(String type, List<String> roles, int limit) {
        field(1, "type", type);
        list(1, "roles", roles);
        if (limit != 1) {
            raw(1, "limit", Integer.toString(limit));
        }
    }

    private void approvalRule(ApprovalRuleDocument rule) {
        anyOf(1, "resources", rule.resources());
        anyOf(1, "actions", rule.actions());
        environments(rule.environments());
        if (rule.approvals() != 1) {
            raw(1, "approvals", Integer.toString(rule.approvals()));
        }
        field(1, "approverRole", rule.approverRole());
        if (!rule.approverTypes().equals(ApprovalRuleDocument.DEFAULT_APPROVERS)) {
            list(1, "approverTypes", rule.approverTypes());
        }
        field(1, "pendingTtl", Forms.written(rule.pendingTtl()));
        field(1, "ttl", Forms.written(rule.ttl()));
        if (rule.singleUse()) {
            raw(1, "singleUse", "true");
        }
    }

    private void freeze(FreezeDocument freeze) {
        FreezeTarget target = freeze.target();
        field(1, "subject", shown(target.subject()));
        field(1, "role", target.role());
        field(1, "action", shown(target.action()));
        field(1, "resource", shown(target.resource()));
        field(1, "resourceType", target.resourceType());
        field(1, "environment", shown(target.environment()));
        field(1, "run", target.run());
        if (target.wholeTenant()) {
            raw(1, "tenant", "true");
        }
        field(1, "reason", freeze.reason());
        field(1, "from", shown(freeze.from()));
        field(1, "until", shown(freeze.until()));
    }

    private void environments(AnyOf<Environment> environments) {
        if (environments instanceof AnyOf.Listed<?>) {
            anyOf(1, "environments", environments);
        }
    }

    private void open(int level, String key) {
        indent(level).append(key).append(":\n");
    }

    private void field(int level, String key, @Nullable String value) {
        if (value != null) {
            raw(level, key, DocumentText.quoted(value));
        }
    }

    private void raw(int level, String key, String value) {
        indent(level).append(key).append(": ").append(value).append('\n');
    }

    private void entries(int level, String key, Map<String, String> entries) {
        if (!entries.isEmpty()) {
            open(level, key);
            entries.forEach((name, value) -> field(level + 1, DocumentText.quoted(name), value));
        }
    }

    private void list(int level, String key, List<?> values) {
        open(level, key);
        for (Object value : values) {
            indent(level)
                    .append("- ")
                    .append(DocumentText.quoted(value.toString()))
                    .append('\n');
        }
    }

    private void anyOf(int level, String key, AnyOf<?> values) {
        switch (values) {
            case AnyOf.All<?> all -> list(level, key, List.of("*"));
            case AnyOf.Listed<?> listed -> list(level, key, listed.values());
        }
    }

    private StringBuilder indent(int level) {
        return text.repeat("  ", level);
    }

    private static @Nullable String shown(@Nullable Object value) {
        return Optional.ofNullable(value).map(Object::toString).orElse(null);
    }
}
