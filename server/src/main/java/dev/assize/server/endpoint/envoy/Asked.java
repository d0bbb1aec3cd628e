package dev.assize.server.endpoint.envoy;

import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.util.HashMap;
import java.util.Map;

/**
 * What a request asks for, before anybody looked who makes it.
 *
 * @param route by which it was mapped
 */
record Asked(
        String route,
        Target target,
        ResourcePath resource,
        Action action,
        TenantId tenant,
        Environment env,
        Sources sources) {

    /** What conditions read of the request. */
    Map<String, AttributeValue> context(AttributeContext request) {
        Map<String, AttributeValue> values = new HashMap<>();
        sources.context()
                .forEach((name, source) -> source.of(request, target).ifPresent(value -> values.put(name, value)));
        return values;
    }
}
