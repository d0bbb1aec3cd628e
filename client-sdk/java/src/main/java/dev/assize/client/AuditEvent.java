package dev.assize.client;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something that was done, or tried, and is to be remembered.
 *
 * @param type what kind of event, for example {@code replay.executed}
 * @param category a coarser class; may be empty
 * @param actor who did it; empty means the caller
 * @param role in which it was done; may be empty
 * @param action as a check names it
 * @param resource as a check names it
 * @param env empty means the client's default
 * @param outcome how it ended
 * @param occurredAt by the caller's clock; null means when it is recorded
 * @param runId the run it belongs to; may be empty
 * @param decisionId the decision it rests on; may be empty
 * @param reason free text; may be empty
 * @param override whether elevated privileges were used
 * @param payload a JSON value of at most 8 KiB; empty for none
 * @param reads URIs of records read
 * @param writes URIs of records written
 * @param onBehalfOf for whom the actor acted; may be empty
 * @param actorTenant the actor's home tenant, where it is another; empty means the ledger's
 * @param erasable which of {@code payload}, {@code reason} and {@code on_behalf_of} can be erased later
 */
public record AuditEvent(
        String type,
        String category,
        String actor,
        String role,
        String action,
        String resource,
        String env,
        Outcome outcome,
        @Nullable Instant occurredAt,
        String runId,
        String decisionId,
        String reason,
        boolean override,
        String payload,
        List<String> reads,
        List<String> writes,
        String onBehalfOf,
        String actorTenant,
        List<String> erasable) {

    public AuditEvent {
        reads = List.copyOf(reads);
        writes = List.copyOf(writes);
        erasable = List.copyOf(erasable);
    }

    /** Begins an event of a type. */
    public static Builder ofType(String type) {
        return new Builder(type);
    }

    /** How what was done ended. */
    public enum Outcome {
        SUCCESS,
        FAILURE,
        DENIED,
        PARTIAL,
        /** One that this client does not know; read only. */
        UNKNOWN
    }

    /** Gathers an event. What is not said stays empty. */
    public static final class Builder {

        private final String type;
        private String category = "";
        private String actor = "";
        private String role = "";
        private String action = "";
        private String resource = "";
        private String env = "";
        private Outcome outcome = Outcome.SUCCESS;
        private @Nullable Instant occurredAt;
        private String runId = "";
        private String decisionId = "";
        private String reason = "";
        private boolean override;
        private String payload = "";
        private List<String> reads = List.of();
        private List<String> writes = List.of();
        private String onBehalfOf = "";
        private String actorTenant = "";
        private List<String> erasable = List.of();

        private Builder(String type) {
            this.type = type;
        }

        public Builder category(String category) {
            this.category = category;
            return this;
        }

        public Builder actor(String actor) {
            this.actor = actor;
            return this;
        }

        /** The actor's home tenant, where it is another than the ledger's. */
        public Builder actorTenant(String actorTenant) {
            this.actorTenant = actorTenant;
            return this;
        }

        /** For whom the actor acted, as an agent acts for a user. */
        public Builder onBehalfOf(String onBehalfOf) {
            this.onBehalfOf = onBehalfOf;
            return this;
        }

        public Builder role(String role) {
            this.role = role;
            return this;
        }

        public Builder action(String action) {
            this.action = action;
            return this;
        }

        public Builder resource(String resource) {
            this.resource = resource;
            return this;
        }

        public Builder env(String env) {
            this.env = env;
            return this;
        }

        public Builder outcome(Outcome outcome) {
            this.outcome = outcome;
            return this;
        }

        public Builder occurredAt(Instant occurredAt) {
            this.occurredAt = occurredAt;
            return this;
        }

        public Builder runId(String runId) {
            this.runId = runId;
            return this;
        }

        /** The decision this rests on, so that an auditor finds why it was allowed. */
        public Builder decision(CheckResult result) {
            this.decisionId = result.decisionId();
            return this;
        }

        public Builder decisionId(String decisionId) {
            this.decisionId = decisionId;
            return this;
        }

        public Builder reason(String reason) {
            this.reason = reason;
            return this;
        }

        public Builder override(boolean override) {
            this.override = override;
            return this;
        }

        /** A JSON value as text. */
        public Builder payload(String payload) {
            this.payload = payload;
            return this;
        }

        public Builder reads(List<String> reads) {
            this.reads = List.copyOf(reads);
            return this;
        }

        public Builder writes(List<String> writes) {
            this.writes = List.copyOf(writes);
            return this;
        }

        /** Which of {@code payload}, {@code reason} and {@code on_behalf_of} can be erased later. */
        public Builder erasable(String... fields) {
            this.erasable = List.of(fields);
            return this;
        }

        public AuditEvent build() {
            return new AuditEvent(
                    type,
                    category,
                    actor,
                    role,
                    action,
                    resource,
                    env,
                    outcome,
                    occurredAt,
                    runId,
                    decisionId,
                    reason,
                    override,
                    payload,
                    reads,
                    writes,
                    onBehalfOf,
                    actorTenant,
                    erasable);
        }
    }
}
