package dev.assize.server.cli;

import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.CheckRequest;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The question of `check` and `explain`. */
final class RequestOptions {

    @Parameters(index = "0", paramLabel = "SUBJECT", description = "Who: `type:id`, for example `user:alice`.")
    String subject = "";

    @Parameters(
            index = "1",
            paramLabel = "RESOURCE",
            description = "On what: `type:id` segments joined by `/`, or just `type`.")
    String resource = "";

    @Parameters(index = "2", paramLabel = "ACTION", description = "What: for example `execute`.")
    String action = "";

    @Option(
            names = "--subject-tenant",
            paramLabel = "TENANT",
            description = "The subject's home tenant, where it is another.")
    String subjectTenant = "";

    @Option(names = "--subject-attribute", paramLabel = "NAME=VALUE", description = "An attribute of the subject.")
    Map<String, String> subjectAttributes = new LinkedHashMap<>();

    @Option(names = "--resource-attribute", paramLabel = "NAME=VALUE", description = "An attribute of the resource.")
    Map<String, String> resourceAttributes = new LinkedHashMap<>();

    @Option(names = "--context", paramLabel = "NAME=VALUE", description = "An attribute of the surroundings.")
    Map<String, String> context = new LinkedHashMap<>();

    @Option(
            names = "--min-revision",
            paramLabel = "REVISION",
            description = "Wait until the server has seen this policy revision.")
    long minRevision;

    CheckRequest.Builder request(String tenant, String env) {
        CheckRequest.Builder request = CheckRequest.newBuilder()
                .setSubject(subject)
                .setResource(resource)
                .setAction(action)
                .setTenant(tenant)
                .setEnv(env)
                .setSubjectTenant(subjectTenant)
                .setMinRevision(minRevision);
        subjectAttributes.forEach((name, it) -> request.putSubjectAttributes(name, value(it)));
        resourceAttributes.forEach((name, it) -> request.putResourceAttributes(name, value(it)));
        context.forEach((name, it) -> request.putContext(name, value(it)));
        return request;
    }

    /** `true` and `false` are booleans, digits are whole numbers, the rest is text. */
    private static AttributeValue value(String text) {
        AttributeValue.Builder value = AttributeValue.newBuilder();
        if (text.equals("true") || text.equals("false")) {
            return value.setBoolValue(Boolean.parseBoolean(text)).build();
        }
        if (text.matches("-?\\d{1,18}")) {
            return value.setIntValue(Long.parseLong(text)).build();
        }
        return value.setStringValue(text).build();
    }
}
