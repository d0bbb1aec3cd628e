package dev.assize.server.decision;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import dev.assize.server.policy.TenantAudit;
import dev.assize.server.policy.TenantTerms;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The smallest policies that say something: who may read documents. */
final class Policies {

    static final TenantId ACME = new TenantId("acme");
    static final Subject ALICE = new Subject("user", "alice");

    private Policies() {}

    /** A tenant at a revision in which these may do everything to documents. */
    static PolicySet tenant(TenantId tenant, long revision, Subject... readers) {
        return tenant(tenant, revision, DecisionLog.NONE, readers);
    }

    /** The same with decisions on record. */
    static PolicySet tenant(TenantId tenant, long revision, DecisionLog log, Subject... readers) {
        PolicyScope scope = PolicyScope.of(tenant);
        List<Document> documents = new ArrayList<>();
        documents.add(new TenantDocument(
                metadata(scope, tenant.value()),
                SourcePlace.UNKNOWN,
                List.of(Environment.DEFAULT),
                new TreeMap<>(),
                new TenantAudit(null, List.of(), List.of(), log),
                0,
                TenantTerms.NONE));
        documents.add(role(scope, "reader", Effect.ALLOW));
        for (Subject reader : readers) {
            documents.add(binding(scope, "reader-" + reader.id(), reader));
        }
        return PolicySet.of(scope, new Revision(revision), documents);
    }

    /** A platform at a revision, with a role that nobody has. */
    static PolicySet platform(long revision) {
        return PolicySet.of(
                PolicyScope.PLATFORM,
                new Revision(revision),
                List.of(role(PolicyScope.PLATFORM, "everyones", Effect.ALLOW)));
    }

    static CheckQuery mayRead(TenantId tenant, Subject subject) {
        return new CheckQuery(
                subject, ResourcePath.parse("doc:1"), new Action("read"), tenant, Environment.DEFAULT, tenant);
    }

    static RoleDocument role(PolicyScope scope, String name, Effect effect) {
        Permission everything = new Permission(
                SourcePlace.UNKNOWN,
                effect,
                new AnyOf.Listed<>(List.of("doc")),
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                null,
                List.of());
        return new RoleDocument(metadata(scope, name), SourcePlace.UNKNOWN, List.of(), List.of(everything));
    }

    /** The same, where everything needs two approvals by readers. */
    static PolicySet withApprovalRule(Subject reader) {
        PolicyScope scope = PolicyScope.of(ACME);
        ApprovalRuleDocument rule = new ApprovalRuleDocument(
                metadata(scope, "twice"),
                SourcePlace.UNKNOWN,
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                2,
                "reader",
                List.of("user"),
                Duration.ofHours(1),
                Duration.ofHours(1),
                false);
        return PolicySet.of(
                scope,
                new Revision(1),
                Stream.concat(tenant(ACME, 1, reader).documents().stream(), Stream.of(rule))
                        .toList());
    }

    private static RoleBindingDocument binding(PolicyScope scope, String name, Subject subject) {
        return new RoleBindingDocument(
                metadata(scope, name),
                SourcePlace.UNKNOWN,
                List.of(new SubjectPattern.Named(subject)),
                "reader",
                Scope.ALL,
                null,
                null,
                null,
                null,
                null);
    }

    static Metadata metadata(PolicyScope scope, String name) {
        return new Metadata(scope, name, new TreeMap<>(), null);
    }
}
