package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.CleanUpGrantsRequest;
import dev.assize.proto.v1.CleanUpGrantsResponse;
import dev.assize.proto.v1.EndedGrant;
import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.CleanUp;
import dev.assize.server.administration.CleanUp.Result;
import dev.assize.server.administration.CleanUpConfig;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.RoleBindingDocument;
import java.time.Duration;
import java.util.List;

/** `AccessService/CleanUpGrants`: what the server does by itself once a day, now, or only asked. */
final class CleanUpCalls {

    private static final int SUBJECTS = 10;
    private static final Duration LONGEST = Duration.ofDays(36_525);

    private final CleanUp cleanUp;
    private final CleanUpConfig config;
    private final Gate gate;

    @Inject
    CleanUpCalls(CleanUp cleanUp, CleanUpConfig config, Gate gate) {
        this.cleanUp = cleanUp;
        this.config = config;
        this.gate = gate;
    }

    CleanUpGrantsResponse cleanUp(CleanUpGrantsRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Duration endedFor = request.hasEndedFor() ? endedFor(request.getEndedFor()) : config.after();
        if (!request.getDryRun()) {
            gate.requireEveryEnvironment("what is cleaned up");
        }
        Result result = request.getDryRun()
                ? cleanUp.find(tenant, endedFor)
                : cleanUp.run(tenant, endedFor, CallContext.current().recorder());
        return switch (result) {
            case Result.Found(List<RoleBindingDocument> ended, boolean more) ->
                response(ended, more).build();
            case Result.Deleted(List<RoleBindingDocument> ended, boolean more, Revision revision, long seq) ->
                response(ended, more).setRevision(revision.value()).setSeq(seq).build();
            case Result.NoSuchTenant _ ->
                throw RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", tenant.value());
            case Result.Refused(ChangeResult why) -> throw ShorthandCalls.refused(why);
        };
    }

    private static Duration endedFor(com.google.protobuf.Duration wire) {
        Duration asked = Duration.ofSeconds(wire.getSeconds(), wire.getNanos());
        if (asked.isNegative() || asked.compareTo(LONGEST) > 0) {
            throw RefusedException.invalid("ended_for", asked.toString(), "0 to " + LONGEST.toDays() + " days");
        }
        return asked;
    }

    private static CleanUpGrantsResponse.Builder response(List<RoleBindingDocument> ended, boolean more) {
        CleanUpGrantsResponse.Builder response =
                CleanUpGrantsResponse.newBuilder().setTruncated(more);
        for (RoleBindingDocument binding : ended) {
            EndedGrant.Builder grant = response.addGrantsBuilder()
                    .setBinding(binding.name())
                    .setRole(binding.role())
                    .addAllSubjects(binding.subjects().stream()
                            .limit(SUBJECTS)
                            .map(Object::toString)
                            .toList());
            if (binding.notAfter() != null) {
                grant.setNotAfter(Fields.timestamp(binding.notAfter()));
            }
        }
        return response;
    }
}
