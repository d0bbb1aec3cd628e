package dev.assize.server.endpoint.envoy;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.rpc.Status;
import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.proto.envoy.v3.CheckResponse;
import dev.assize.proto.envoy.v3.DeniedHttpResponse;
import dev.assize.proto.envoy.v3.HeaderValue;
import dev.assize.proto.envoy.v3.HeaderValueOption;
import dev.assize.proto.envoy.v3.HeaderValueOption.HeaderAppendAction;
import dev.assize.proto.envoy.v3.HttpStatus;
import dev.assize.proto.envoy.v3.OkHttpResponse;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.endpoint.call.AnswersOnRecord.Given;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.Obligation;
import io.grpc.Status.Code;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/**
 * Writes answers as Envoy reads them. Each header says itself that it overwrites: where nothing is said some versions of Envoy
 * append, and what a client has sent under that name stays. A client learns of a deny no more than the decision's id.
 */
final class Responses {

    private static final String JSON = "application/json";

    private final HeaderRules rules;
    private final String challenge;

    Responses(Mapping mapping) {
        this.rules = mapping.headers();
        this.challenge = "Bearer realm=\"" + mapping.realm() + "\"";
    }

    CheckResponse allowed(AttributeContext request, Asked asked, Given given) {
        OkHttpResponse.Builder ok = OkHttpResponse.newBuilder()
                .addHeaders(header(rules.subject(), plain(given.query().subject())))
                .addHeaders(header(rules.decisionId(), given.decisionId()));
        removed(request.getRequest().getHttp()).forEach(ok::addHeadersToRemove);
        return CheckResponse.newBuilder()
                .setStatus(Status.newBuilder().setCode(Code.OK.value()))
                .setOkResponse(ok)
                .setDynamicMetadata(
                        decided(asked, given, given.answer().reason().name()))
                .build();
    }

    CheckResponse denied(Asked asked, Given given) {
        return denied(asked, given, given.answer().reason().name());
    }

    /** An allow that comes with a duty which nobody behind Envoy knows. */
    CheckResponse notTaken(Asked asked, Given given) {
        return denied(asked, given, Refusal.OBLIGATION_UNKNOWN.name());
    }

    private CheckResponse denied(Asked asked, Given given, String reason) {
        return CheckResponse.newBuilder()
                .setStatus(Status.newBuilder().setCode(Code.PERMISSION_DENIED.value()))
                .setDeniedResponse(
                        body(403, "{\"error\":\"forbidden\",\"decision_id\":\"" + given.decisionId() + "\"}"))
                .setDynamicMetadata(decided(asked, given, reason))
                .build();
    }

    /** A request about which nothing was decided. */
    CheckResponse refused(Refusal refusal, String detail) {
        DeniedHttpResponse.Builder denied =
                body(refusal.httpStatus(), "{\"error\":\"" + word(refusal.httpStatus()) + "\"}");
        if (refusal == Refusal.SUBJECT_MISSING) {
            denied.addHeaders(header("www-authenticate", challenge));
        }
        return CheckResponse.newBuilder()
                .setStatus(Status.newBuilder().setCode(refusal.code().value()))
                .setDeniedResponse(denied)
                .setDynamicMetadata(Struct.newBuilder()
                        .putFields("reason", text(refusal.name()))
                        .putFields("detail", text(detail)))
                .build();
    }

    private static String word(int status) {
        return switch (status) {
            case 400 -> "bad_request";
            case 401 -> "unauthenticated";
            case 403 -> "forbidden";
            case 503 -> "unavailable";
            default -> "internal";
        };
    }

    private static DeniedHttpResponse.Builder body(int status, String body) {
        return DeniedHttpResponse.newBuilder()
                .setStatus(HttpStatus.newBuilder().setCode(status))
                .addHeaders(header("content-type", JSON))
                .addHeaders(header("cache-control", "no-store"))
                .setBody(body);
    }

    private static HeaderValueOption header(String name, String value) {
        return HeaderValueOption.newBuilder()
                .setHeader(HeaderValue.newBuilder().setKey(name).setValue(value))
                .setAppendAction(HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD)
                .build();
    }

    /** The headers of the request that upstream must not see; those to be removed are named also where they are not seen here. */
    private List<String> removed(AttributeContext.HttpRequest http) {
        Stream<String> sent = Stream.concat(
                http.getHeadersMap().keySet().stream(),
                http.getHeaderMap().getHeadersList().stream().map(HeaderValue::getKey));
        return Stream.concat(rules.removed().stream(), sent.filter(rules::removes))
                .distinct()
                .sorted()
                .toList();
    }

    /** As a header can carry it everywhere: percent-encoded but for what is visible in ASCII, and the `%` itself. */
    private static String plain(Subject subject) {
        StringBuilder text = new StringBuilder();
        for (byte b : subject.toString().getBytes(StandardCharsets.UTF_8)) {
            if (b > ' ' && b <= '~' && b != '%') {
                text.append((char) b);
            } else {
                text.append(String.format("%%%02X", b & 0xFF));
            }
        }
        return text.toString();
    }

    private static Struct decided(Asked asked, Given given, String reason) {
        Answer answer = given.answer();
        Struct.Builder metadata = Struct.newBuilder()
                .putFields("decision_id", text(given.decisionId()))
                .putFields("reason", text(reason))
                .putFields("revision", number(answer.revision().value()))
                .putFields("platform_revision", number(answer.platformRevision().value()))
                .putFields("route", text(asked.route()))
                .putFields("tenant", text(asked.tenant().value()));
        if (answer.decidedBy() instanceof Answer.DecidedBy.Grant(String binding, String role, int _)) {
            metadata.putFields("role", text(role)).putFields("binding", text(binding));
        }
        if (!answer.obligations().isEmpty()) {
            ListValue.Builder obligations = ListValue.newBuilder();
            answer.obligations().forEach(each -> obligations.addValues(obligation(each)));
            metadata.putFields(
                    "obligations", Value.newBuilder().setListValue(obligations).build());
        }
        return metadata.build();
    }

    private static Value obligation(Obligation obligation) {
        Struct.Builder properties = Struct.newBuilder();
        obligation.properties().forEach((name, value) -> properties.putFields(name, text(value)));
        return Value.newBuilder()
                .setStructValue(Struct.newBuilder()
                        .putFields("id", text(obligation.id()))
                        .putFields("type", text(obligation.type()))
                        .putFields(
                                "properties",
                                Value.newBuilder().setStructValue(properties).build()))
                .build();
    }

    private static Value text(String text) {
        return Value.newBuilder().setStringValue(text).build();
    }

    private static Value number(long number) {
        return Value.newBuilder().setNumberValue((double) number).build();
    }
}
