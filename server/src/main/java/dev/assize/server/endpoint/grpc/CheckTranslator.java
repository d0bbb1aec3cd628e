package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.Detail;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Names;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.Map;

/** Reads the question in a Check, and holds it to its limits. */
final class CheckTranslator {

    private CheckTranslator() {}

    /**
     * @param prefix of field names, for example `items[3].`
     * @param tenant the tenant the call was admitted to
     * @param defaultEnv the environment of a request that names none
     */
    static CheckQuery query(String prefix, CheckRequest request, TenantId tenant, Environment defaultEnv) {
        requireSize(prefix, request);
        Fields.requireKnown(prefix + "request", request);
        requireAttributes(prefix, request);
        if (request.getMinRevision() < 0) {
            throw RefusedException.invalid(
                    prefix + "min_revision", Long.toString(request.getMinRevision()), "a revision, or 0 for any");
        }
        return new CheckQuery(
                Fields.read(prefix + "subject", request.getSubject(), Subject::parseOfRequest),
                Fields.read(prefix + "resource", request.getResource(), ResourcePath::parse),
                Fields.read(prefix + "action", request.getAction(), Action::new),
                tenant,
                request.getEnv().isEmpty()
                        ? defaultEnv
                        : Fields.read(prefix + "env", request.getEnv(), Environment::new),
                request.getSubjectTenant().isEmpty()
                        ? tenant
                        : Fields.read(prefix + "subject_tenant", request.getSubjectTenant(), TenantId::new));
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

    private static void requireAttributes(String prefix, CheckRequest request) {
        int count =
                request.getSubjectAttributesCount() + request.getResourceAttributesCount() + request.getContextCount();
        if (count == 0) {
            return;
        }
        if (count > Limits.ATTRIBUTES) {
            throw RefusedException.invalid(
                    prefix + "context",
                    count + " attributes",
                    "at most " + Limits.ATTRIBUTES + " attributes of subject, resource and context together");
        }
        requireEach(prefix + "subject_attributes", request.getSubjectAttributesMap());
        requireEach(prefix + "resource_attributes", request.getResourceAttributesMap());
        requireEach(prefix + "context", request.getContextMap());
    }

    private static void requireEach(String field, Map<String, AttributeValue> attributes) {
        attributes.forEach((name, value) -> {
            if (name.isEmpty() || Names.utf8Length(name) > Limits.ID_BYTES || !Names.isClean(name)) {
                throw RefusedException.invalid(
                        field, name, "names of 1 to " + Limits.ID_BYTES + " bytes without control characters");
            }
            requireValue(field + "[" + name + "]", value);
        });
    }

    private static void requireValue(String field, AttributeValue value) {
        if (value.getSerializedSize() > Limits.ATTRIBUTE_BYTES) {
            throw RefusedException.invalid(
                    field, value.getSerializedSize() + " bytes", "at most " + Limits.ATTRIBUTE_BYTES + " bytes");
        }
        requireDepth(field, value, Limits.ATTRIBUTE_DEPTH);
    }

    private static void requireDepth(String field, AttributeValue value, int left) {
        switch (value.getKindCase()) {
            case LIST_VALUE ->
                value.getListValue().getValuesList().forEach(inner -> requireDepth(field, inner, deeper(field, left)));
            case MAP_VALUE ->
                value.getMapValue()
                        .getValuesMap()
                        .values()
                        .forEach(inner -> requireDepth(field, inner, deeper(field, left)));
            case TIMESTAMP_VALUE -> Fields.instant(field, value.getTimestampValue());
            case KIND_NOT_SET -> throw RefusedException.invalid(field, "", "a value");
            case STRING_VALUE, INT_VALUE, DOUBLE_VALUE, BOOL_VALUE -> {}
        }
        if (isContainer(value)) {
            deeper(field, left);
        }
    }

    private static boolean isContainer(AttributeValue value) {
        return value.hasListValue() || value.hasMapValue();
    }

    private static int deeper(String field, int left) {
        if (left == 0) {
            throw RefusedException.invalid(
                    field, "deeper", "lists and maps at most " + Limits.ATTRIBUTE_DEPTH + " deep");
        }
        return left - 1;
    }
}
