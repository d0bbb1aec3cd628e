package dev.assize.server.endpoint.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.RefusedException.Violation;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.Problem;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * A document made of a request's fields: written as JSON, which is YAML, and read like any other, so that whatever holds of
 * documents that are applied holds of it. What is empty is left out.
 */
final class DocumentDraft {

    private final ObjectNode spec;
    private final ObjectNode document = JsonNodeFactory.instance.objectNode();

    DocumentDraft(String kind, TenantId tenant, String name) {
        document.put("apiVersion", "assize.dev/v1").put("kind", kind);
        document.putObject("metadata").put("tenant", tenant.value()).put("name", name);
        spec = document.putObject("spec");
    }

    private DocumentDraft(ObjectNode spec) {
        this.spec = spec;
    }

    DocumentDraft text(String field, String value) {
        if (!value.isEmpty()) {
            spec.put(field, value);
        }
        return this;
    }

    DocumentDraft truth(String field, boolean value) {
        if (value) {
            spec.put(field, true);
        }
        return this;
    }

    DocumentDraft time(String field, Instant value) {
        spec.put(field, value.toString());
        return this;
    }

    DocumentDraft list(String field, List<String> values) {
        if (!values.isEmpty()) {
            values.forEach(spec.putArray(field)::add);
        }
        return this;
    }

    DocumentDraft inner(String field, Consumer<DocumentDraft> filling) {
        ObjectNode inner = JsonNodeFactory.instance.objectNode();
        filling.accept(new DocumentDraft(inner));
        if (!inner.isEmpty()) {
            spec.set(field, inner);
        }
        return this;
    }

    /** Refuses what is malformed by the fields of the request. */
    Document read() {
        ReadResult read = DocumentReader.read("", 1, document.toString().getBytes(UTF_8));
        if (!read.problems().isEmpty()) {
            List<Violation> violations = read.problems().stream()
                    .map(problem -> new Violation(field(problem), problem.message()))
                    .toList();
            throw RefusedException.violated(
                    ErrorReason.REQUEST_INVALID,
                    violations.getFirst().field() + ": " + violations.getFirst().description(),
                    violations);
        }
        return read.documents().getFirst();
    }

    /** `RoleBinding/x: spec.scope.resourceTypes[0]` is `resource_types[0]` in the request. */
    private static String field(Problem problem) {
        String path = problem.field().substring(problem.field().indexOf(' ') + 1);
        String last = path.substring(path.lastIndexOf('.') + 1);
        return last.equals("tenant")
                ? "all"
                : last.replaceAll("([a-z])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
    }
}
