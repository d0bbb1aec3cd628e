package dev.assize.server.endpoint.envoy;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.proto.envoy.v3.HeaderValue;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Subject;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where a request says who makes it. Each is something that Envoy has verified, or that somebody configured to be trusted. */
sealed interface SubjectSource {

    /** The subject; empty where the request says nothing there. */
    Optional<Subject> of(AttributeContext request);

    /**
     * A claim of a token that Envoy's `jwt_authn` has verified.
     *
     * @param namespace of the metadata that the payload stands in
     * @param payload the key there
     * @param issuer what the claim `iss` must be; null for any that Envoy accepts
     */
    record Jwt(
            String type,
            String namespace,
            String payload,
            String claim,
            @Nullable String issuer) implements SubjectSource {

        static final String NAMESPACE = "envoy.filters.http.jwt_authn";

        /** A token that says nobody, or that somebody else has issued, is not passed over for a weaker source. */
        @Override
        public Optional<Subject> of(AttributeContext request) {
            Value found = request.getMetadataContext()
                    .getFilterMetadataOrDefault(namespace, Struct.getDefaultInstance())
                    .getFieldsMap()
                    .get(payload);
            if (found == null) {
                return Optional.empty();
            }
            Struct claims = found.getStructValue();
            if (issuer != null && !issuer.equals(text(claims, "iss"))) {
                throw new NotAskedException(Refusal.SUBJECT_MISSING, "the token's `iss` is not `" + issuer + "`");
            }
            String id = text(claims, claim);
            if (id.isEmpty()) {
                throw new NotAskedException(
                        Refusal.SUBJECT_MISSING, "the token has no claim `" + claim + "` that is a string");
            }
            return Optional.of(subject("claim " + claim, type, id));
        }

        private static String text(Struct claims, String name) {
            return claims.getFieldsOrDefault(name, Value.getDefaultInstance()).getStringValue();
        }
    }

    /**
     * The peer's certificate.
     *
     * @param under how the principal must begin, up to a slash; what follows is the id. Empty for every principal, whole
     */
    record Principal(String type, String under) implements SubjectSource {

        @Override
        public Optional<Subject> of(AttributeContext request) {
            String principal = request.getSource().getPrincipal();
            return principal.startsWith(under) && principal.length() > under.length()
                    ? Optional.of(subject("principal", type, principal.substring(under.length())))
                    : Optional.empty();
        }
    }

    /**
     * A header that whoever stands before Envoy sets, and nobody else can.
     *
     * @param name in lower case
     */
    record Header(String type, String name) implements SubjectSource {

        /** Envoy joins headers of one name by commas, so that a value with a comma may be two, one of them the client's. */
        @Override
        public Optional<Subject> of(AttributeContext request) {
            List<String> values = values(request.getRequest().getHttp());
            if (values.isEmpty()) {
                return Optional.empty();
            }
            String value = values.getFirst();
            if (values.size() > 1 || value.indexOf(',') >= 0) {
                throw RefusedException.invalid(
                        "header " + name, String.join(",", values), "one value, without a comma");
            }
            return Optional.of(subject("header " + name, type, value));
        }

        private List<String> values(AttributeContext.HttpRequest http) {
            String joined = http.getHeadersMap().get(name);
            return joined != null
                    ? List.of(joined)
                    : http.getHeaderMap().getHeadersList().stream()
                            .filter(header -> header.getKey().equalsIgnoreCase(name))
                            .map(Header::value)
                            .toList();
        }

        /** Where Envoy sends headers raw, they are whatever bytes the client chose. */
        private static String value(HeaderValue header) {
            if (!header.getRawValue().isValidUtf8()) {
                throw RefusedException.invalid("header " + header.getKey(), "bytes that are no text", "UTF-8");
            }
            return header.getValue().isEmpty() ? header.getRawValue().toStringUtf8() : header.getValue();
        }
    }

    private static Subject subject(String field, String type, String id) {
        return Fields.read(field, type + ":" + id, Subject::parseOfRequest);
    }
}
