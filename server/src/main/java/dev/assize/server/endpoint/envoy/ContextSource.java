package dev.assize.server.endpoint.envoy;

import com.google.protobuf.Value;
import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Names;
import java.util.Optional;

/**
 * Where a request says something that conditions read. Each is as it was decided by, verified, or configured to be trusted; but
 * the host of a route that takes every host is what the client wrote.
 */
sealed interface ContextSource {

    /** The value; empty where the request says nothing there. */
    Optional<AttributeValue> of(AttributeContext request, Target target);

    /** What the request is addressed to. */
    enum Part implements ContextSource {
        METHOD,
        HOST,
        PATH;

        @Override
        public Optional<AttributeValue> of(AttributeContext request, Target target) {
            return Optional.of(
                    switch (this) {
                        case METHOD -> text("method", target.method());
                        case HOST -> text("host", target.host());
                        case PATH -> text("path", target.path().text());
                    });
        }
    }

    /**
     * A header that whoever stands before Envoy sets, and nobody else can.
     *
     * @param name in lower case
     */
    record Header(String name) implements ContextSource {

        @Override
        public Optional<AttributeValue> of(AttributeContext request, Target target) {
            return RequestHeaders.one(request.getRequest().getHttp(), name).map(value -> text("header " + name, value));
        }
    }

    /** A claim of a verified token, of whatever type it is. */
    record Claim(VerifiedToken token, String name) implements ContextSource {

        @Override
        public Optional<AttributeValue> of(AttributeContext request, Target target) {
            return token.claims(request)
                    .map(claims -> claims.getFieldsOrDefault(name, Value.getDefaultInstance()))
                    .flatMap(value -> ClaimValues.read("claim " + name, value));
        }
    }

    private static AttributeValue text(String field, String text) {
        int size = Names.utf8Length(text);
        if (size > Limits.ATTRIBUTE_BYTES) {
            throw RefusedException.invalid(field, size + " bytes", "at most " + Limits.ATTRIBUTE_BYTES + " bytes");
        }
        return new AttributeValue.Text(text);
    }
}
