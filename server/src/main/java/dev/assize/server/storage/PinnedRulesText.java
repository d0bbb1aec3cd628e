package dev.assize.server.storage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The rules a request pinned, as JSON: they are read and written with it, as a whole, and never searched. */
final class PinnedRulesText {

    private static final ObjectMapper JSON = new ObjectMapper();

    private PinnedRulesText() {}

    static String write(List<PinnedRule> rules) {
        ArrayNode array = JSON.createArrayNode();
        for (PinnedRule rule : rules) {
            ObjectNode node = array.addObject()
                    .put("name", rule.name())
                    .put("approvals", rule.approvals())
                    .put("approverRole", rule.approverRole());
            rule.approverTypes().forEach(node.putArray("approverTypes")::add);
            node.put("pendingTtl", rule.pendingTtl().toString())
                    .put("ttl", rule.ttl().toString())
                    .put("singleUse", rule.singleUse());
        }
        try {
            return JSON.writeValueAsString(array);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A tree of texts and numbers is always JSON", e);
        }
    }

    static List<PinnedRule> read(String text) {
        try {
            List<PinnedRule> rules = new ArrayList<>();
            for (JsonNode node : JSON.readTree(text)) {
                List<String> types = new ArrayList<>();
                node.required("approverTypes").forEach(type -> types.add(type.textValue()));
                rules.add(new PinnedRule(
                        node.required("name").textValue(),
                        node.required("approvals").intValue(),
                        node.required("approverRole").textValue(),
                        types,
                        Duration.parse(node.required("pendingTtl").textValue()),
                        Duration.parse(node.required("ttl").textValue()),
                        node.required("singleUse").booleanValue()));
            }
            return rules;
        } catch (JsonProcessingException e) {
            throw new StorageException("a request for approval has rules that cannot be read", e);
        }
    }
}
