package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.decision.MalformedItemsException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.endpoint.call.AnswersOnRecord;
import dev.assize.server.endpoint.call.AnswersOnRecord.Given;
import dev.assize.server.endpoint.call.CentreQuestions;
import dev.assize.server.endpoint.call.CentreQuestions.Outcome;
import dev.assize.server.endpoint.call.DecisionIds;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.Refusals;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.Obligation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Has questions decided, one or many at a time, and writes the answers. */
final class Evaluations {

    private static final List<String> DEFAULTS = List.of("subject", "action", "resource", "context");

    private final DecisionService decisions;
    private final Gate gate;
    private final DecisionIds ids;
    private final AnswersOnRecord onRecord;
    private final CentreQuestions centre;
    private final Requestable requestable;

    @Inject
    Evaluations(
            DecisionService decisions,
            Gate gate,
            DecisionIds ids,
            AnswersOnRecord onRecord,
            CentreQuestions centre,
            Requestable requestable) {
        this.decisions = decisions;
        this.gate = gate;
        this.ids = ids;
        this.onRecord = onRecord;
        this.centre = centre;
        this.requestable = requestable;
    }

    /** Answers one evaluation. */
    ObjectNode one(ObjectNode request, TenantId tenant) {
        CheckQuery query = read("", request, tenant);
        try {
            Given given = onRecord.given(ids.next(), query, decisions.evaluate(query));
            ObjectNode decision = decision(given, request, tenant);
            onRecord.put(tenant, List.of(given));
            return decision;
        } catch (FactsElsewhereException theirs) {
            return decision(centre.ask(query), request, tenant);
        }
    }

    /** Answers as many as there are; a request without any is one itself. */
    ObjectNode all(ObjectNode request, TenantId tenant) {
        Optional<JsonNode> named = Members.present(request, "evaluations");
        if (named.isEmpty()) {
            return one(request, tenant);
        }
        if (!(named.get() instanceof ArrayNode evaluations)) {
            throw Members.wrong("evaluations", named.get(), "an array of objects");
        }
        if (evaluations.isEmpty()) {
            return one(request, tenant);
        }
        if (evaluations.size() > Limits.BATCH_ITEMS) {
            throw RefusedException.invalid(
                    "evaluations", evaluations.size() + " items", "at most " + Limits.BATCH_ITEMS + " items");
        }
        Semantic semantic = semantic(request);
        List<Item> items = new ArrayList<>(evaluations.size());
        for (int i = 0; i < evaluations.size(); i++) {
            items.add(item("evaluations[" + i + "].", request, evaluations.get(i), tenant));
        }
        return given(tenant, semantic, items);
    }

    private ObjectNode given(TenantId tenant, Semantic semantic, List<Item> items) {
        try {
            decide(tenant, items);
            List<Item> given = upTo(semantic, items);
            ObjectNode response = written(tenant, given);
            onRecord.put(
                    tenant,
                    given.stream()
                            .filter(item -> item.refused == null)
                            .map(Item::givenOrThrow)
                            .toList());
            return response;
        } catch (FactsElsewhereException theirs) {
            ask(tenant, semantic, items);
            return written(tenant, upTo(semantic, items));
        }
    }

    private CheckQuery read(String prefix, ObjectNode request, TenantId tenant) {
        CheckQuery query = new Question(prefix, requestable.question(prefix, request), tenant).query();
        gate.requireEnvironment(query.env());
        return query;
    }

    private Item item(String prefix, ObjectNode request, JsonNode evaluation, TenantId tenant) {
        Item item = new Item(prefix);
        try {
            if (!(evaluation instanceof ObjectNode own)) {
                throw Members.wrong(prefix + "evaluation", evaluation, "an object");
            }
            item.question = merged(request, own);
            item.query = read(prefix, item.question, tenant);
        } catch (RefusedException refused) {
            item.refused = refused;
        }
        return item;
    }

    /** What an evaluation does not say itself it takes whole from the request; nothing within is merged. */
    private static ObjectNode merged(ObjectNode request, ObjectNode own) {
        ObjectNode merged = JsonNodeFactory.instance.objectNode();
        for (String name : DEFAULTS) {
            Members.present(own, name)
                    .or(() -> Members.present(request, name))
                    .ifPresent(value -> merged.set(name, value));
        }
        return merged;
    }

    /** All from one revision. What only the decision finds malformed is left out, and the others are asked again. */
    private void decide(TenantId tenant, List<Item> items) {
        List<Item> asked = items.stream().filter(item -> item.refused == null).toList();
        while (!asked.isEmpty()) {
            try {
                List<Answer> answers = decisions.evaluateAll(
                        tenant, asked.stream().map(Item::queryOrThrow).toList());
                for (int i = 0; i < asked.size(); i++) {
                    Item item = asked.get(i);
                    item.given = onRecord.given(ids.next(), item.queryOrThrow(), answers.get(i));
                }
                return;
            } catch (MalformedItemsException malformed) {
                List<Item> before = asked;
                malformed.items().forEach((i, one) -> before.get(i).refuse(one));
                asked = before.stream().filter(item -> item.refused == null).toList();
            }
        }
    }

    /**
     * Has the centre answer, which puts its answers on record: where the tenant wants that, only those that are given are asked
     * for.
     */
    private void ask(TenantId tenant, Semantic semantic, List<Item> items) {
        List<Item> asked = items.stream()
                .takeWhile(item -> item.refused == null || !semantic.endsWith(false))
                .filter(item -> item.refused == null)
                .toList();
        boolean goOnRecord = decisions.decisionLog(tenant).mode() != DecisionLog.Mode.NONE;
        List<Outcome> outcomes = centre.askAll(
                tenant,
                asked.stream().map(Item::queryOrThrow).toList(),
                goOnRecord && semantic != Semantic.EXECUTE_ALL,
                outcome -> semantic.endsWith(outcome.isAllowed()));
        for (int i = 0; i < outcomes.size(); i++) {
            asked.get(i).given = outcomes.get(i).given();
            asked.get(i).refused = outcomes.get(i).refused();
        }
    }

    /** The items up to the one that decides. */
    private static List<Item> upTo(Semantic semantic, List<Item> items) {
        for (int i = 0; i < items.size(); i++) {
            if (semantic.endsWith(items.get(i).isAllowed())) {
                return items.subList(0, i + 1);
            }
        }
        return items;
    }

    private ObjectNode written(TenantId tenant, List<Item> items) {
        ArrayNode written = JsonNodeFactory.instance.arrayNode();
        for (Item item : items) {
            written.add(
                    item.refused == null ? decision(item.givenOrThrow(), item.question, tenant) : error(item.refused));
        }
        ObjectNode response = JsonNodeFactory.instance.objectNode();
        response.set("evaluations", written);
        return response;
    }

    private static ObjectNode error(RefusedException refused) {
        ObjectNode item = JsonNodeFactory.instance.objectNode().put("decision", false);
        item.putObject("context")
                .putObject("error")
                .put("status", HttpStatus.of(refused.reason()))
                .put("message", refused.getMessage());
        return item;
    }

    private ObjectNode decision(Given given, ObjectNode question, TenantId tenant) {
        Answer answer = given.answer();
        ObjectNode decision = JsonNodeFactory.instance
                .objectNode()
                .put("decision", answer.reason().isAllow());
        ObjectNode context = decision.putObject("context");
        context.put("reason", answer.reason().name());
        if (!answer.obligations().isEmpty()) {
            ArrayNode obligations = context.putArray("obligations");
            answer.obligations().forEach(each -> obligations.add(obligation(each)));
        }
        if (answer.approvalId() != null) {
            context.put("approval_id", answer.approvalId());
        }
        context.put("decision_id", given.decisionId());
        requestable.tell(context, question, tenant, given);
        return decision;
    }

    private static ObjectNode obligation(Obligation obligation) {
        ObjectNode written =
                JsonNodeFactory.instance.objectNode().put("id", obligation.id()).put("type", obligation.type());
        ObjectNode properties = written.putObject("properties");
        obligation.properties().forEach(properties::put);
        return written;
    }

    private static Semantic semantic(ObjectNode request) {
        return Members.optionalObject("", request, "options")
                .flatMap(options -> Members.optionalText("options.", options, "evaluations_semantic"))
                .map(Semantic::of)
                .orElse(Semantic.EXECUTE_ALL);
    }

    /** After which answer nothing more is given. */
    private enum Semantic {
        EXECUTE_ALL("execute_all"),
        DENY_ON_FIRST_DENY("deny_on_first_deny"),
        PERMIT_ON_FIRST_PERMIT("permit_on_first_permit");

        private final String word;

        Semantic(String word) {
            this.word = word;
        }

        static Semantic of(String word) {
            return Arrays.stream(values())
                    .filter(each -> each.word.equals(word))
                    .findAny()
                    .orElseThrow(() -> RefusedException.invalid(
                            "options.evaluations_semantic",
                            word,
                            "execute_all, deny_on_first_deny or permit_on_first_permit"));
        }

        boolean endsWith(boolean allowed) {
            return switch (this) {
                case EXECUTE_ALL -> false;
                case DENY_ON_FIRST_DENY -> !allowed;
                case PERMIT_ON_FIRST_PERMIT -> allowed;
            };
        }
    }

    /** An evaluation on its way from question to answer. */
    private static final class Item {

        private final String prefix;
        private ObjectNode question = JsonNodeFactory.instance.objectNode();
        private @Nullable CheckQuery query;
        private @Nullable RefusedException refused;
        private @Nullable Given given;

        Item(String prefix) {
            this.prefix = prefix;
        }

        void refuse(MalformedException malformed) {
            refused = Refusals.malformed(prefix, malformed);
        }

        /** What could not be read is denied. */
        boolean isAllowed() {
            return refused == null && givenOrThrow().answer().reason().isAllow();
        }

        CheckQuery queryOrThrow() {
            if (query == null) {
                throw new IllegalStateException("Refused evaluations are not asked");
            }
            return query;
        }

        Given givenOrThrow() {
            if (given == null) {
                throw new IllegalStateException("Every evaluation is answered or refused");
            }
            return given;
        }
    }
}
