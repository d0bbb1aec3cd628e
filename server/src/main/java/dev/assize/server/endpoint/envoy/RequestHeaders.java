package dev.assize.server.endpoint.envoy;

import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.proto.envoy.v3.HeaderValue;
import dev.assize.server.endpoint.call.RefusedException;
import java.util.List;
import java.util.Optional;

/** Reads headers of a request of which there is to be one. */
final class RequestHeaders {

    private RequestHeaders() {}

    /**
     * The value of a header; empty where it is not there. Envoy joins headers of one name by commas, so that a value with a
     * comma may be two, one of them the client's: it is refused like two.
     *
     * @param name in lower case
     */
    static Optional<String> one(AttributeContext.HttpRequest http, String name) {
        List<String> values = values(http, name);
        if (values.isEmpty()) {
            return Optional.empty();
        }
        String value = values.getFirst();
        if (values.size() > 1 || value.indexOf(',') >= 0) {
            throw RefusedException.invalid("header " + name, String.join(",", values), "one value, without a comma");
        }
        return Optional.of(value);
    }

    private static List<String> values(AttributeContext.HttpRequest http, String name) {
        String joined = http.getHeadersMap().get(name);
        return joined != null
                ? List.of(joined)
                : http.getHeaderMap().getHeadersList().stream()
                        .filter(header -> header.getKey().equalsIgnoreCase(name))
                        .map(RequestHeaders::value)
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
