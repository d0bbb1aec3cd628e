package dev.assize.server.cli;

import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.CheckRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Everything of a question but its subject, resource and action. */
class SurroundingsOptions {

    private static final String ATTRIBUTE = "A JSON value (`3`, `true`, `[\"a\"]`), a time as `@2026-01-31T08:00:00Z`, "
            + "or else text. May be given several times.";

    @Option(
            names = "--subject-tenant",
            paramLabel = "TENANT",
            description = "The subject's home tenant, where it is another.")
    String subjectTenant = "";

    @Option(
            names = {"--subject-attr", "--subject-attribute"},
            paramLabel = "NAME=VALUE",
            description = "An attribute of the subject. " + ATTRIBUTE)
    Map<String, AttributeValue> subjectAttributes = new LinkedHashMap<>();

    @Option(
            names = {"--resource-attr", "--resource-attribute"},
            paramLabel = "NAME=VALUE",
            description = "An attribute of the resource, likewise.")
    Map<String, AttributeValue> resourceAttributes = new LinkedHashMap<>();

    @Option(names = "--context", paramLabel = "NAME=VALUE", description = "An attribute of the surroundings, likewise.")
    Map<String, AttributeValue> context = new LinkedHashMap<>();

    @Option(
            names = "--active-role",
            paramLabel = "ROLE",
            description = "A role the subject acts in; may be given several times. None means all that it holds.")
    List<String> activeRoles = new ArrayList<>();

    @Option(
            names = "--on-behalf-of",
            paramLabel = "SUBJECT",
            description = "Who must be allowed as well, where the subject acts for somebody.")
    String onBehalfOf = "";

    @Option(
            names = "--on-behalf-of-tenant",
            paramLabel = "TENANT",
            description = "The home tenant of --on-behalf-of, where it is another.")
    String onBehalfOfTenant = "";

    @Option(names = "--run", paramLabel = "ID", description = "The run this is a part of; a freeze may name it.")
    String run = "";

    @Option(
            names = "--min-revision",
            paramLabel = "REVISION",
            description = "Wait until the server has seen this policy revision.")
    long minRevision;

    @Option(
            names = "--at-revision",
            paramLabel = "REVISION",
            description = "Ask about the past: by the policy of this revision. Nobody may act on the answer.")
    long atRevision;

    @Option(
            names = "--as-of",
            paramLabel = "TIME",
            description = "Ask about the past: at this moment, as 2026-02-22T14:02:00Z. Nobody may act on the answer.")
    @Nullable
    Instant asOf;

    /** A request that has all of these. */
    CheckRequest.Builder surroundings(String tenant, String env) {
        CheckRequest.Builder request = CheckRequest.newBuilder()
                .setTenant(tenant)
                .setEnv(env)
                .setSubjectTenant(subjectTenant)
                .addAllActiveRoles(activeRoles)
                .setOnBehalfOf(onBehalfOf)
                .setOnBehalfOfTenant(onBehalfOfTenant)
                .setRunId(run)
                .setMinRevision(minRevision)
                .setAtRevision(atRevision);
        if (asOf != null) {
            request.setAsOf(Times.timestamp(asOf));
        }
        return request.putAllSubjectAttributes(subjectAttributes)
                .putAllResourceAttributes(resourceAttributes)
                .putAllContext(context);
    }
}
