package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import dev.assize.server.authentication.Pepper;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;

/**
 * Binds a request for access to the denial that it is made of, and keeps nothing for it: a token holds the evaluation's id
 * and until when it may be asked, and vouches for them, the caller, the tenant and the question, with the server's secret.
 *
 * <p>Bound are subject, action and resource as they were sent, and of the context what says the environment and whose
 * subject it is. The rest of the context decides nothing about an approval.
 */
final class Denials {

    /** How long a denial may be asked to be lifted. */
    static final Duration FRESH = Duration.ofMinutes(10);

    private static final String PURPOSE = "assize/authzen-denial";
    private static final int MAC_BYTES = 32;
    private static final int TOKEN_LENGTH = 256;

    private final Pepper pepper;
    private final InstantSource clock;

    @Inject
    Denials(Pepper pepper, InstantSource clock) {
        this.pepper = pepper;
        this.clock = clock;
    }

    /** Until when a denial of that moment may be asked to be lifted. */
    static Instant expiresAt(Instant decidedAt) {
        return decidedAt.plus(FRESH).truncatedTo(ChronoUnit.SECONDS);
    }

    /** The token of a denial of the current call. */
    String token(ObjectNode question, TenantId tenant, String evaluationId, Instant expiresAt) {
        byte[] content = content(evaluationId, expiresAt);
        byte[] mac = mac(content, question, tenant);
        byte[] token = Arrays.copyOf(mac, mac.length + content.length);
        System.arraycopy(content, 0, token, mac.length, content.length);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
    }

    /**
     * The id of the evaluation that denied what is asked for now.
     *
     * @throws ProblemException where the denial is of another question, of another caller, or too old
     */
    String verified(ObjectNode request, TenantId tenant) {
        ObjectNode denial = Members.present(request, "denial")
                .filter(ObjectNode.class::isInstance)
                .map(ObjectNode.class::cast)
                .orElseThrow(() -> Problem.INVALID_DENIAL_BINDING.because("denial: expected an object"));
        String token = text(denial, "binding_token")
                .orElseThrow(() -> Problem.INVALID_DENIAL_BINDING.because(
                        "denial.binding_token: expected the one of the denied decision"));
        byte[] bytes = decoded(token);
        byte[] content = Arrays.copyOfRange(bytes, MAC_BYTES, bytes.length);
        byte[] mac = Arrays.copyOf(bytes, MAC_BYTES);
        if (!MessageDigest.isEqual(mac, mac(content, request, tenant))) {
            throw Problem.INVALID_DENIAL_BINDING.because(
                    "the token is not of a denial of this subject, action, resource,"
                            + " environment and tenant to this caller");
        }
        String[] parts = new String(content, StandardCharsets.UTF_8).split(" ", -1);
        requireEchoed(denial, parts[0], Instant.parse(parts[1]));
        return parts[0];
    }

    private void requireEchoed(ObjectNode denial, String evaluationId, Instant expiresAt) {
        if (text(denial, "evaluation_id").filter(id -> !id.equals(evaluationId)).isPresent()) {
            throw Problem.INVALID_DENIAL_BINDING.because("denial.evaluation_id is not of the token's evaluation");
        }
        if (!text(denial, "expires_at").flatMap(Denials::instant).equals(Optional.of(expiresAt))) {
            throw Problem.INVALID_DENIAL_BINDING.because(
                    "denial.expires_at: expected context.access_request.expires_at of the denied decision");
        }
        if (!clock.instant().isBefore(expiresAt)) {
            throw Problem.EXPIRED_DENIAL.because(
                    "the denial could be asked to be lifted until " + expiresAt + ": ask for a decision again");
        }
    }

    private byte[] mac(byte[] content, ObjectNode question, TenantId tenant) {
        CallContext call = CallContext.current();
        ObjectNode bound = JsonNodeFactory.instance.objectNode();
        bound.put("content", new String(content, StandardCharsets.UTF_8));
        bound.put("tenant", tenant.value());
        bound.put("caller", call.caller().subject().toString());
        bound.put("home", call.caller().home().value());
        bound.set("subject", present(subject(question)));
        bound.set("action", present(question.path("action")));
        bound.set("resource", present(question.path("resource")));
        bound.set("environment", present(question.path("context").path(Question.ENVIRONMENT)));
        bound.set("extension", present(question.path("context").path(Question.EXTENSION)));
        byte[] text = InternetJson.ordered(bound).toString().getBytes(StandardCharsets.UTF_8);
        return pepper.mac(PURPOSE, text).bytes();
    }

    /** Without an actor, which may stand elsewhere in the request. */
    private static JsonNode subject(ObjectNode question) {
        JsonNode subject = question.path("subject").deepCopy();
        if (subject.path("properties") instanceof ObjectNode properties) {
            properties.remove("act");
        }
        return subject;
    }

    /** What is absent says here what null says. */
    private static JsonNode present(JsonNode value) {
        return value.isMissingNode() ? JsonNodeFactory.instance.nullNode() : value;
    }

    private static byte[] content(String evaluationId, Instant expiresAt) {
        return (evaluationId + " " + expiresAt).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] decoded(String token) {
        try {
            byte[] bytes = token.length() > TOKEN_LENGTH
                    ? new byte[0]
                    : Base64.getUrlDecoder().decode(token);
            if (bytes.length > MAC_BYTES) {
                return bytes;
            }
        } catch (IllegalArgumentException e) {
            // Refused as what is too short.
        }
        throw Problem.INVALID_DENIAL_BINDING.because("denial.binding_token is none of ours");
    }

    private static Optional<Instant> instant(String text) {
        try {
            return Optional.of(Instant.parse(text));
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> text(ObjectNode denial, String name) {
        return Members.present(denial, name).filter(JsonNode::isTextual).map(JsonNode::textValue);
    }
}
