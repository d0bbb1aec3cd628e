package dev.assize.server.endpoint.envoy;

import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.server.endpoint.call.Fields;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * What a request is addressed to.
 *
 * @param host in lower case, without port and without the dot that a name may end with
 */
record Target(String method, String host, RequestPath path) {

    private static final Pattern BEHIND_NAME = Pattern.compile("\\.?(:\\d{1,5})?$");

    static Target of(AttributeContext.HttpRequest http) {
        RequestPath path = Fields.read("path", http.getPath(), RequestPath::parse);
        String host =
                BEHIND_NAME.matcher(http.getHost().toLowerCase(Locale.ROOT)).replaceFirst("");
        return new Target(http.getMethod(), host, path);
    }
}
