package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.assize.server.decision.WorldRecords.Entry;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicyValidator;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A published vector as its JSON says it: a world, and cases. */
record DecisionVector(String name, RecordedPolicySource policies, WorldRecords records, List<Case> cases) {

    private static final TenantId TENANT = new TenantId("acme");

    /** One request and what is expected. */
    record Case(String title, JsonNode request, Instant at, PointInTime point, JsonNode expect) {

        /** Throws {@link MalformedException} with the name of the field. */
        CheckQuery query() {
            Subject subject = field("subject", request.path("subject").asText(), Subject::parseOfRequest);
            TenantId tenant = field("tenant", request.path("tenant").asText(), TenantId::new);
            return new CheckQuery(
                    subject,
                    field("resource", request.path("resource").asText(), ResourcePath::parse),
                    field("action", request.path("action").asText(), Action::new),
                    tenant,
                    field("env", request.path("env").asText(), Environment::ofRequest),
                    home("subject_tenant", tenant),
                    attributes("subject_attributes"),
                    attributes("resource_attributes"),
                    attributes("context"),
                    texts(request.path("active_roles")),
                    request.has("on_behalf_of")
                            ? new Delegator(
                                    field(
                                            "on_behalf_of",
                                            request.path("on_behalf_of").asText(),
                                            Subject::parseOfRequest),
                                    home("on_behalf_of_tenant", tenant))
                            : null,
                    request.has("run_id") ? request.path("run_id").asText() : null);
        }

        private TenantId home(String name, TenantId tenant) {
            return request.has(name) ? field(name, request.path(name).asText(), TenantId::new) : tenant;
        }

        private Map<String, AttributeValue> attributes(String name) {
            return fields(request.path(name));
        }

        private static <T> T field(String name, String text, Function<String, T> form) {
            try {
                return form.apply(text);
            } catch (MalformedException e) {
                throw new MalformedException(name, e.value(), e.expected());
            }
        }
    }

    static DecisionVector read(JsonNode vector) {
        JsonNode world = vector.path("world");
        List<Document> platform = new ArrayList<>();
        RecordedPolicySource policies;
        if (world.has("revisions")) {
            policies = new RecordedPolicySource(platform(platform));
            for (JsonNode revision : world.path("revisions")) {
                policies.commit(
                        tenant(
                                revision.path("documents"),
                                revision.path("revision").asLong(),
                                platform),
                        moment(revision, "committed_at"));
            }
        } else {
            PolicySet tenant = tenant(world.path("documents"), 1, platform);
            policies = new RecordedPolicySource(platform(platform)).commit(tenant, Instant.EPOCH);
        }
        assertThat(PolicyValidator.validatePlatform(policies.platform())).isEmpty();
        List<Case> cases = new ArrayList<>();
        vector.path("cases").forEach(node -> cases.add(read(vector.path("name").asText(), node)));
        return new DecisionVector(vector.path("name").asText(), policies, records(world), cases);
    }

    private static Case read(String vector, JsonNode node) {
        Revision revision =
                node.has("at_revision") ? new Revision(node.path("at_revision").asLong()) : null;
        Instant asOf = momentOrNull(node, "as_of");
        return new Case(
                vector + ": " + node.path("description").asText(),
                node.path("request"),
                moment(node, "at"),
                revision == null && asOf == null ? PointInTime.NOW : new PointInTime.Past(revision, asOf),
                node.path("expect"));
    }

    private static PolicySet platform(List<Document> documents) {
        return PolicySet.of(PolicyScope.PLATFORM, new Revision(1), documents);
    }

    private static PolicySet tenant(JsonNode documents, long revision, List<Document> platform) {
        List<Document> ofTenant = new ArrayList<>();
        for (JsonNode node : documents) {
            ReadResult read = DocumentReader.read("vector", 1, node.toString().getBytes(StandardCharsets.UTF_8));
            assertThat(read.problems()).as(node.toString()).isEmpty();
            read.documents().forEach(document -> (document.scope().isPlatform() ? platform : ofTenant).add(document));
        }
        PolicySet tenant = PolicySet.of(PolicyScope.of(TENANT), new Revision(revision), ofTenant);
        assertThat(PolicyValidator.validate(tenant, platform(platform)))
                .as(documents.toString())
                .isEmpty();
        return tenant;
    }

    private static WorldRecords records(JsonNode world) {
        List<Entry> entries = new ArrayList<>();
        world.path("history")
                .forEach(node -> entries.add(new Entry(
                        entries.size(),
                        Subject.parse(node.path("actor").asText()),
                        new Action(node.path("action").asText()),
                        ResourcePath.parse(node.path("resource").asText()),
                        new Environment(node.path("env").asText()),
                        node.path("outcome").asText(),
                        moment(node, "recorded_at"))));
        List<ApprovalRequest> approvals = new ArrayList<>();
        world.path("approvals").forEach(node -> approvals.add(approval(node)));
        return new WorldRecords(entries, approvals);
    }

    private static ApprovalRequest approval(JsonNode node) {
        List<PinnedRule> rules = new ArrayList<>();
        node.path("rules")
                .forEach(rule -> rules.add(new PinnedRule(
                        rule.path("name").asText(),
                        rule.path("approvals").asInt(),
                        rule.path("approver_role").asText(),
                        texts(rule.path("approver_types")),
                        duration(rule.path("pending_ttl").asText()),
                        duration(rule.path("ttl").asText()),
                        rule.path("single_use").asBoolean())));
        List<Vote> votes = new ArrayList<>();
        node.path("votes")
                .forEach(vote -> votes.add(new Vote(
                        Subject.parse(vote.path("approver").asText()),
                        homeOf(vote, "approver_tenant"),
                        vote.path("approve").asBoolean(),
                        texts(vote.path("rules")),
                        null,
                        moment(vote, "at"))));
        return new ApprovalRequest(
                node.path("id").asText(),
                TENANT,
                Subject.parse(node.path("requester").asText()),
                homeOf(node, "requester_tenant"),
                Subject.parse(node.path("subject").asText()),
                homeOf(node, "subject_tenant"),
                new Action(node.path("action").asText()),
                ResourcePath.parse(node.path("resource").asText()),
                new Environment(node.path("env").asText()),
                rules,
                votes,
                moment(node, "requested_at"),
                momentOrNull(node, "cancelled_at"),
                momentOrNull(node, "used_at"));
    }

    private static TenantId homeOf(JsonNode node, String name) {
        return node.has(name) ? new TenantId(node.path(name).asText()) : TENANT;
    }

    private static Duration duration(String text) {
        long number = Long.parseLong(text.substring(0, text.length() - 1));
        return switch (text.charAt(text.length() - 1)) {
            case 'm' -> Duration.ofMinutes(number);
            case 'h' -> Duration.ofHours(number);
            case 'd' -> Duration.ofDays(number);
            default -> throw new IllegalArgumentException(text);
        };
    }

    private static Instant moment(JsonNode node, String name) {
        return Instant.parse(node.path(name).asText());
    }

    private static @Nullable Instant momentOrNull(JsonNode node, String name) {
        return node.has(name) ? moment(node, name) : null;
    }

    static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(text -> texts.add(text.asText()));
        return texts;
    }

    private static TreeMap<String, AttributeValue> fields(JsonNode node) {
        TreeMap<String, AttributeValue> fields = new TreeMap<>();
        node.properties().forEach(field -> fields.put(field.getKey(), attribute(field.getValue())));
        return fields;
    }

    private static AttributeValue attribute(JsonNode node) {
        if (node.isArray()) {
            List<AttributeValue> values = new ArrayList<>();
            node.forEach(value -> values.add(attribute(value)));
            return new AttributeValue.Many(values);
        }
        if (node.isObject()) {
            return node.size() == 1 && node.has("timestamp")
                    ? new AttributeValue.Time(moment(node, "timestamp"))
                    : new AttributeValue.Fields(fields(node));
        }
        if (node.isBoolean()) {
            return new AttributeValue.Truth(node.asBoolean());
        }
        return node.isTextual()
                ? new AttributeValue.Text(node.asText())
                : node.isIntegralNumber()
                        ? new AttributeValue.Whole(node.asLong())
                        : new AttributeValue.Fraction(node.asDouble());
    }
}
