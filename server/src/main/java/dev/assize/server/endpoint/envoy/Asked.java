package dev.assize.server.endpoint.envoy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.util.List;

/**
 * What a request asks for, before anybody looked who makes it.
 *
 * @param route by which it was mapped
 */
record Asked(
        String route,
        ResourcePath resource,
        Action action,
        TenantId tenant,
        Environment env,
        List<SubjectSource> subjects) {}
