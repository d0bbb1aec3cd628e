package dev.assize.server.cli;

import dev.assize.proto.v1.CheckRequest;
import picocli.CommandLine.Parameters;

/** The question of `check` and `explain`. */
final class RequestOptions extends SurroundingsOptions {

    @Parameters(index = "0", paramLabel = "SUBJECT", description = "Who: `type:id`, for example `user:alice`.")
    String subject = "";

    @Parameters(
            index = "1",
            paramLabel = "RESOURCE",
            description = "On what: `type:id` segments joined by `/`, or just `type`.")
    String resource = "";

    @Parameters(index = "2", paramLabel = "ACTION", description = "What: for example `execute`.")
    String action = "";

    CheckRequest.Builder request(String tenant, String env) {
        return surroundings(tenant, env)
                .setSubject(subject)
                .setResource(resource)
                .setAction(action);
    }
}
