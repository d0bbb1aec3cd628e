package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.EraseActorRequest;
import dev.assize.proto.v1.EraseActorResponse;
import dev.assize.proto.v1.IdentifiedActor;
import dev.assize.proto.v1.IdentifyActorsRequest;
import dev.assize.proto.v1.IdentifyActorsResponse;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.PseudonymRepository;
import dev.assize.server.retention.PseudonymRepository.Forgotten;
import dev.assize.server.retention.PseudonymRepository.Identified;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The calls of `LedgerService` about who stands behind pseudonyms. */
final class ActorCalls {

    private final PseudonymRepository pseudonyms;
    private final Gate gate;
    private final LedgerDirectory ledgers;

    @Inject
    ActorCalls(PseudonymRepository pseudonyms, Gate gate, LedgerDirectory ledgers) {
        this.pseudonyms = pseudonyms;
        this.gate = gate;
        this.ledgers = ledgers;
    }

    IdentifyActorsResponse identify(IdentifyActorsRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        requireEveryEnvironment();
        Set<Subject> actors = actors(request.getActorsList());
        String reason = RetentionCalls.text("reason", request.getReason());
        ledgers.requireExists(tenant);
        Identified found = pseudonyms.identify(tenant, CallContext.current().recorder(), List.copyOf(actors), reason);
        IdentifyActorsResponse.Builder response = IdentifyActorsResponse.newBuilder();
        found.actors()
                .forEach(actor -> response.addActors(IdentifiedActor.newBuilder()
                        .setPseudonym(actor.name().toString())
                        .setSubject(actor.subject().toString())
                        .setSalt(ByteString.copyFrom(actor.salt()))));
        if (found.recorded() != null) {
            response.setEntry(RetentionCalls.entry(found.recorded()));
        }
        return response.build();
    }

    private static Set<Subject> actors(List<String> texts) {
        if (texts.isEmpty() || texts.size() > PseudonymRepository.MAX_ACTORS) {
            throw RefusedException.invalid(
                    "actors", texts.size() + " actors", "1 to " + PseudonymRepository.MAX_ACTORS + " actors");
        }
        Set<Subject> actors = new LinkedHashSet<>();
        for (String text : texts) {
            if (!actors.add(Fields.read("actors", text, Subject::parseOfRequest))) {
                throw RefusedException.invalid("actors", text, "pseudonyms or subjects, each once");
            }
        }
        return actors;
    }

    EraseActorResponse erase(EraseActorRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        requireEveryEnvironment();
        Subject actor = Fields.read("actor", request.getActor(), Subject::parseOfRequest);
        String basis = RetentionCalls.text("basis", request.getBasis());
        ledgers.requireExists(tenant);
        return switch (pseudonyms.forget(tenant, CallContext.current().recorder(), actor, basis)) {
            case Forgotten.Done done ->
                EraseActorResponse.newBuilder()
                        .setPseudonym(done.pseudonym().toString())
                        .setEntry(RetentionCalls.entry(done.recorded()))
                        .build();
            case Forgotten.NoSuchActor _ ->
                throw RefusedException.notFound(ErrorReason.ACTOR_NOT_FOUND, "actor", actor.toString());
            case Forgotten.Held held ->
                throw RefusedException.precondition(
                        ErrorReason.LEGAL_HOLD,
                        held.pseudonym().toString(),
                        "an entry of " + held.pseudonym() + " is under legal hold " + String.join(", ", held.holds())
                                + "; nothing was erased");
        };
    }

    private static void requireEveryEnvironment() {
        if (!CallContext.current().caller().envs().isEmpty()) {
            throw RefusedException.of(
                    ErrorReason.ENVIRONMENT_NOT_ALLOWED,
                    "this key sees some environments only, and a pseudonym stands for its subject in all of them",
                    Map.of());
        }
    }
}
