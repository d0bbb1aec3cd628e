package dev.assize.server.endpoint.envoy;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.assize.proto.envoy.v3.AttributeContext;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where the claims of a token stand that Envoy's `jwt_authn` has verified.
 *
 * @param namespace of the metadata that the payload stands in
 * @param payload the key there
 * @param issuer what the claim `iss` must be; null for any that Envoy accepts
 */
record VerifiedToken(
        String namespace, String payload, @Nullable String issuer) {

    static final String NAMESPACE = "envoy.filters.http.jwt_authn";

    /** The claims; empty without a token. One that somebody else has issued is refused, and not overlooked. */
    Optional<Struct> claims(AttributeContext request) {
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
        return Optional.of(claims);
    }

    /** A claim that is a string; empty where it is none. */
    static String text(Struct claims, String name) {
        return claims.getFieldsOrDefault(name, Value.getDefaultInstance()).getStringValue();
    }
}
