package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.condition.AttributeDeclaration;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * A policy document: a checked statement about one tenant, or about the platform. Each is well-formed by itself;
 * whether what it names exists is a question to the {@link PolicySet} it stands in.
 */
public sealed interface Document {

    Metadata metadata();

    /** Where it stood in what the user wrote; {@link SourcePlace#UNKNOWN} for what was read back. */
    SourcePlace place();

    Kind kind();

    default PolicyScope scope() {
        return metadata().scope();
    }

    default String name() {
        return metadata().name();
    }

    default DocumentKey key() {
        return new DocumentKey(scope(), kind(), name());
    }

    /**
     * A tenant and the environments it has.
     *
     * @param subjectAttributes what is declared of its subjects' attributes, by name
     * @param audit how its ledger is kept
     * @param changeApprovals how many must accept each change of its policy; 0 where one alone makes it
     * @param terms what it may have
     */
    record TenantDocument(
            Metadata metadata,
            SourcePlace place,
            List<Environment> environments,
            SortedMap<String, AttributeDeclaration> subjectAttributes,
            TenantAudit audit,
            int changeApprovals,
            TenantTerms terms)
            implements Document {

        /** One that says nothing of its ledger, of who accepts its changes, nor of what it may have. */
        public TenantDocument(
                Metadata metadata,
                SourcePlace place,
                List<Environment> environments,
                SortedMap<String, AttributeDeclaration> subjectAttributes) {
            this(metadata, place, environments, subjectAttributes, TenantAudit.NONE, 0, TenantTerms.NONE);
        }

        @Override
        public Kind kind() {
            return Kind.TENANT;
        }
    }

    /**
     * A type of resource and what can be done with it.
     *
     * @param implies for an action, the actions that an allow of it allows too; {@link AnyOf.All} for all
     * @param attributes what is declared of its resources' attributes, by name
     */
    record ResourceTypeDocument(
            Metadata metadata,
            SourcePlace place,
            List<Action> actions,
            SortedMap<Action, AnyOf<Action>> implies,
            SortedMap<String, AttributeDeclaration> attributes)
            implements Document {
        @Override
        public Kind kind() {
            return Kind.RESOURCE_TYPE;
        }
    }

    /** A named set of permissions, its own and those of the roles it inherits. */
    record RoleDocument(Metadata metadata, SourcePlace place, List<String> inherits, List<Permission> permissions)
            implements Document {
        @Override
        public Kind kind() {
            return Kind.ROLE;
        }
    }

    /**
     * What a role allows or denies.
     *
     * @param resources types of resources
     * @param environments absent means all
     * @param when a condition in CEL; null means always
     */
    record Permission(
            SourcePlace place,
            Effect effect,
            AnyOf<String> resources,
            AnyOf<Action> actions,
            AnyOf<Environment> environments,
            @Nullable String when,
            List<Obligation> obligations) {}

    /** What a permission does. */
    enum Effect {
        ALLOW,
        DENY
    }

    /** A duty on allow, an advice on deny. */
    record Obligation(String id, String type, SortedMap<String, String> properties) {}

    /** Subjects or groups under one name. */
    record GroupDocument(Metadata metadata, SourcePlace place, List<Subject> members) implements Document {
        @Override
        public Kind kind() {
            return Kind.GROUP;
        }
    }

    /**
     * Gives a role to subjects, within a scope and a time.
     *
     * @param fromTenant the home tenant of its subjects; null means the tenant itself
     * @param notBefore included; null means always
     * @param notAfter excluded; null means for ever
     * @param when a condition in CEL; null means always
     */
    record RoleBindingDocument(
            Metadata metadata,
            SourcePlace place,
            List<SubjectPattern> subjects,
            String role,
            Scope scopeOfGrant,
            @Nullable TenantId fromTenant,
            @Nullable Instant notBefore,
            @Nullable Instant notAfter,
            @Nullable String when,
            @Nullable String reason)
            implements Document {
        @Override
        public Kind kind() {
            return Kind.ROLE_BINDING;
        }
    }

    /**
     * What a binding is limited to. Each list that is present must match.
     *
     * @param resources paths whose segments all have ids; each covers itself and what lies under it
     */
    record Scope(
            Optional<AnyOf<Environment>> environments,
            Optional<AnyOf<String>> resourceTypes,
            Optional<List<ResourcePath>> resources) {

        public static final Scope ALL = new Scope(Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** What the policy itself knows of a subject; its name is the subject. */
    record SubjectDocument(
            Metadata metadata, SourcePlace place, Subject subject, SortedMap<String, AttributeValue> attributes)
            implements Document {
        @Override
        public Kind kind() {
            return Kind.SUBJECT;
        }
    }

    /** What the policy itself knows of a resource; its name is the path. */
    record ResourceDocument(
            Metadata metadata, SourcePlace place, ResourcePath resource, SortedMap<String, AttributeValue> attributes)
            implements Document {
        @Override
        public Kind kind() {
            return Kind.RESOURCE;
        }
    }

    /**
     * What nobody may hold, use or do together.
     *
     * @param environments absent means all
     */
    record SeparationOfDutyDocument(Metadata metadata, SourcePlace place, Duty duty, AnyOf<Environment> environments)
            implements Document {
        @Override
        public Kind kind() {
            return Kind.SEPARATION_OF_DUTY;
        }
    }

    /** What a separation of duty keeps apart. */
    sealed interface Duty {

        /** Of these roles nobody holds more than {@code limit}. */
        record AssignedRoles(List<String> roles, int limit) implements Duty {}

        /** Of these roles no request has more than {@code limit} active. */
        record ActiveRoles(List<String> roles, int limit) implements Duty {}

        /** Whoever did one of these actions on a resource does no other of them there. */
        record PerformedActions(List<Action> actions, AnyOf<String> resources) implements Duty {}
    }

    /**
     * What needs to be approved by others first.
     *
     * @param approvals how many are needed
     * @param approverRole what an approver holds, for the resource and environment in question
     * @param approverTypes of subjects that approve
     * @param pendingTtl how long a request waits for its approvals
     * @param ttl how long an approval holds, from the last one given
     * @param singleUse whether an approval is used up by one use
     */
    record ApprovalRuleDocument(
            Metadata metadata,
            SourcePlace place,
            AnyOf<String> resources,
            AnyOf<Action> actions,
            AnyOf<Environment> environments,
            int approvals,
            String approverRole,
            List<String> approverTypes,
            Duration pendingTtl,
            Duration ttl,
            boolean singleUse)
            implements Document {

        /** Who approves where the rule does not say. */
        public static final List<String> DEFAULT_APPROVERS = List.of("user");

        /** Whether the rule says that this needs approval. */
        public boolean covers(Action action, ResourcePath resource, Environment env) {
            return environments.contains(env) && actions.contains(action) && resources.contains(resource.type());
        }

        @Override
        public Kind kind() {
            return Kind.APPROVAL_RULE;
        }
    }

    /**
     * Stops what matches, for a time or until it is lifted.
     *
     * @param from included; null means always
     * @param until excluded; null means until it is lifted
     */
    record FreezeDocument(
            Metadata metadata,
            SourcePlace place,
            FreezeTarget target,
            String reason,
            @Nullable Instant from,
            @Nullable Instant until)
            implements Document {
        @Override
        public Kind kind() {
            return Kind.FREEZE;
        }
    }

    /**
     * What a freeze stops: every field that is named must match, and one at least is.
     *
     * @param subject one, or a group's members
     * @param role cut out of the inheritance graph for allows
     * @param resource with what lies under it
     * @param wholeTenant everything
     */
    record FreezeTarget(
            @Nullable Subject subject,
            @Nullable String role,
            @Nullable Action action,
            @Nullable ResourcePath resource,
            @Nullable String resourceType,
            @Nullable Environment environment,
            @Nullable String run,
            boolean wholeTenant) {}
}
