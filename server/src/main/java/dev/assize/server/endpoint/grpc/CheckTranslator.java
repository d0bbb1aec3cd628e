package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.Detail;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Forms;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the question in a Check, and holds it to its limits. */
final class CheckTranslator {

    /** Bytes of a run's id. */
    static final int RUN_ID_BYTES = 256;

    private CheckTranslator() {}

    /**
     * @param prefix of field names, for example `items[3].`
     * @param tenant the tenant the call was admitted to
     * @param defaultEnv the environment of a request that names none
     */
    static CheckQuery query(String prefix, CheckRequest request, TenantId tenant, Environment defaultEnv) {
        requireSize(prefix, request);
        Subject subject = subject(prefix, request);
        ResourcePath resource = resource(prefix, request);
        Action action = action(prefix, request);
        Surroundings around = surroundings(prefix, request, tenant, defaultEnv);
        return new CheckQuery(
                subject,
                resource,
                action,
                tenant,
                around.env(),
                around.subjectTenant(),
                around.subjectAttributes(),
                around.resourceAttributes(),
                around.context(),
                around.activeRoles(),
                around.onBehalfOf(),
                around.runId());
    }

    static Subject subject(String prefix, CheckRequest request) {
        return Fields.read(prefix + "subject", request.getSubject(), Subject::parseOfRequest);
    }

    static ResourcePath resource(String prefix, CheckRequest request) {
        return Fields.read(prefix + "resource", request.getResource(), ResourcePath::parse);
    }

    static Action action(String prefix, CheckRequest request) {
        return Fields.read(prefix + "action", request.getAction(), Action::new);
    }

    /** Everything but subject, resource and action. */
    static Surroundings surroundings(String prefix, CheckRequest request, TenantId tenant, Environment defaultEnv) {
        requireSize(prefix, request);
        Fields.requireKnown(prefix + "request", request);
        AttributeTranslator.requireCount(prefix, request);
        return new Surroundings(
                tenant,
                request.getEnv().isEmpty()
                        ? defaultEnv
                        : Fields.read(prefix + "env", request.getEnv(), Environment::new),
                home(prefix + "subject_tenant", request.getSubjectTenant(), tenant),
                AttributeTranslator.read(prefix + "subject_attributes", request.getSubjectAttributesMap()),
                AttributeTranslator.read(prefix + "resource_attributes", request.getResourceAttributesMap()),
                AttributeTranslator.read(prefix + "context", request.getContextMap()),
                activeRoles(prefix, request),
                delegator(prefix, request, tenant),
                Fields.text(prefix + "run_id", request.getRunId(), RUN_ID_BYTES));
    }

    /**
     * What moment the question is about.
     *
     * @param now by this node's clock; nobody knows what will have been committed later
     */
    static PointInTime pointInTime(String prefix, CheckRequest request, Instant now) {
        requireRevision(prefix + "min_revision", request.getMinRevision(), "a revision, or 0 for any");
        requireRevision(prefix + "at_revision", request.getAtRevision(), "a revision, or 0 for the present");
        if (request.getAtRevision() == 0 && !request.hasAsOf()) {
            return PointInTime.NOW;
        }
        if (request.getMinRevision() != 0) {
            throw RefusedException.invalid(
                    prefix + "min_revision",
                    Long.toString(request.getMinRevision()),
                    "0 where `at_revision` or `as_of` asks about the past");
        }
        Revision revision = request.getAtRevision() == 0 ? null : new Revision(request.getAtRevision());
        Instant asOf = request.hasAsOf() ? Fields.instant(prefix + "as_of", request.getAsOf()) : null;
        if (asOf != null && asOf.isAfter(now)) {
            throw RefusedException.invalid(
                    prefix + "as_of", asOf.toString(), "a moment that is past; it is " + now + " here");
        }
        return new PointInTime.Past(revision, asOf);
    }

    /** How much of the answer is wanted. */
    static Detail detail(String field, int number) {
        Detail detail = Detail.forNumber(number);
        if (detail == null) {
            throw RefusedException.invalid(field, Integer.toString(number), "DETAIL_FULL, DETAIL_MINIMAL or none");
        }
        return detail;
    }

    private static void requireSize(String prefix, CheckRequest request) {
        if (request.getSerializedSize() > Limits.REQUEST_BYTES) {
            throw RefusedException.invalid(
                    prefix + "request",
                    request.getSerializedSize() + " bytes",
                    "at most " + Limits.REQUEST_BYTES + " bytes");
        }
    }

    private static void requireRevision(String field, long revision, String expected) {
        if (revision < 0) {
            throw RefusedException.invalid(field, Long.toString(revision), expected);
        }
    }

    private static TenantId home(String field, String named, TenantId tenant) {
        return named.isEmpty() ? tenant : Fields.read(field, named, TenantId::new);
    }

    /** Each once: to name a role twice says no more than once. */
    private static List<String> activeRoles(String prefix, CheckRequest request) {
        Set<String> roles = new LinkedHashSet<>();
        for (int i = 0; i < request.getActiveRolesCount(); i++) {
            roles.add(Fields.read(prefix + "active_roles[" + i + "]", request.getActiveRoles(i), Forms::name));
        }
        if (roles.size() > Limits.ACTIVE_ROLES) {
            throw RefusedException.invalid(
                    prefix + "active_roles", roles.size() + " roles", "at most " + Limits.ACTIVE_ROLES + " roles");
        }
        return List.copyOf(roles);
    }

    private static @Nullable Delegator delegator(String prefix, CheckRequest request, TenantId tenant) {
        if (request.getOnBehalfOf().isEmpty()) {
            if (!request.getOnBehalfOfTenant().isEmpty()) {
                throw RefusedException.invalid(
                        prefix + "on_behalf_of_tenant",
                        request.getOnBehalfOfTenant(),
                        "nothing where `on_behalf_of` names nobody");
            }
            return null;
        }
        return new Delegator(
                Fields.read(prefix + "on_behalf_of", request.getOnBehalfOf(), Subject::parseOfRequest),
                home(prefix + "on_behalf_of_tenant", request.getOnBehalfOfTenant(), tenant));
    }
}
