package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
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

    /** A tenant and the environments it has. */
    record TenantDocument(Metadata metadata, SourcePlace place, List<Environment> environments) implements Document {
        @Override
        public Kind kind() {
            return Kind.TENANT;
        }
    }

    /**
     * A type of resource and what can be done with it.
     *
     * @param implies for an action, the actions that an allow of it allows too; {@link AnyOf.All} for all
     */
    record ResourceTypeDocument(
            Metadata metadata, SourcePlace place, List<Action> actions, SortedMap<Action, AnyOf<Action>> implies)
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
     */
    record Permission(
            SourcePlace place,
            Effect effect,
            AnyOf<String> resources,
            AnyOf<Action> actions,
            AnyOf<Environment> environments,
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
}
