package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.Detail;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.MalformedItemsException;
import dev.assize.server.decision.RevisionNeverCommittedException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.endpoint.call.AnswersOnRecord;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.DecisionIds;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Refusals;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.grpc.Checks.Asked;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One CheckBatch under way. Items about the present are decided against one revision; each item about the past is
 * decided at its own moment. An item that cannot be asked fails alone; broken surroundings fail the batch.
 */
final class BatchCheck {

    /** How often a batch is decided anew because policy changed between its answers and their traces. */
    private static final int ATTEMPTS = 3;

    /** Items of a batch that is decided while other calls of its connection wait. */
    static final int PROMPT_ITEMS = 200;

    private final Checks checks;
    private final DecisionService decisions;
    private final AnswersOnRecord onRecord;
    private final DecisionIds ids;
    private final ErrorMapper errors;

    BatchCheck(
            Checks checks, DecisionService decisions, AnswersOnRecord onRecord, DecisionIds ids, ErrorMapper errors) {
        this.checks = checks;
        this.decisions = decisions;
        this.onRecord = onRecord;
        this.ids = ids;
        this.errors = errors;
    }

    MessageBytes answer(CheckBatchRequest request, TenantId tenant) {
        int count = request.getItemsCount();
        if (count == 0 || count > Limits.BATCH_ITEMS) {
            throw RefusedException.invalid("items", Integer.toString(count), "1 to " + Limits.BATCH_ITEMS + " items");
        }
        if (count > PROMPT_ITEMS) {
            Prompt.requireTime();
        }
        Fields.requireKnown("request", request);
        Environment env = Fields.read("env", request.getEnv(), Environment::ofRequest);
        Detail detail = CheckTranslator.detail("detail", request.getDetailValue());
        List<Item> items = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            items.add(item("items[" + i + "].", request.getItems(i), tenant, env, detail));
        }
        onRecord.requireTimeToWait(tenant);
        items.forEach(this::decidePast);
        decidePresent(tenant, items);
        items.stream()
                .filter(item -> item.isAbout(true))
                .forEach(item -> checks.requireRecordedHere(tenant, item.given()));
        items.forEach(item -> item.id = ids.next());
        onRecord.put(
                tenant,
                items.stream()
                        .filter(item -> item.isAbout(true))
                        .map(item -> onRecord.given(item.id, item.askedOrThrow().query(), item.given()))
                        .toList());
        BatchWriter response = new BatchWriter(items.size());
        items.forEach(item -> write(response, item));
        return response.bytes();
    }

    private Item item(
            String prefix, CheckRequest request, TenantId tenant, Environment defaultEnv, Detail defaultDetail) {
        try {
            if (!request.getTenant().isEmpty() && !request.getTenant().equals(tenant.value())) {
                throw RefusedException.invalid(
                        prefix + "tenant", request.getTenant(), "the batch's tenant `" + tenant + "`, or none");
            }
            Asked asked = checks.read(prefix, request, tenant, defaultEnv);
            Detail detail = asked.detail() == Detail.DETAIL_UNSPECIFIED ? defaultDetail : asked.detail();
            return new Item(prefix, asked, detail, null);
        } catch (RefusedException refused) {
            if (refused.reason() == ErrorReason.REVISION_NOT_REACHED) {
                throw refused;
            }
            return new Item(prefix, null, defaultDetail, refused);
        }
    }

    private void decidePast(Item item) {
        if (!item.isAbout(false)) {
            return;
        }
        Deadlines.requireListener();
        try {
            Asked asked = item.askedOrThrow();
            if (asked.explain()) {
                item.explanation = decisions.explain(asked.query(), asked.at());
            } else {
                item.answer = decisions.evaluate(asked.query(), asked.at());
            }
        } catch (RevisionNeverCommittedException never) {
            item.refused = Refusals.neverCommitted(item.prefix, never);
        } catch (MalformedException malformed) {
            item.refused = Refusals.malformed(item.prefix, malformed);
        }
    }

    /** Answers all from one revision; a trace taken later that rests on another makes it begin again. */
    private void decidePresent(TenantId tenant, List<Item> items) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            List<Item> asked = items.stream().filter(item -> item.isAbout(true)).toList();
            if (asked.isEmpty() || decideOnce(tenant, asked)) {
                return;
            }
        }
        throw RefusedException.retry(
                ErrorReason.REVISION_NOT_REACHED,
                "policy changed while the batch was decided; ask again",
                Duration.ofSeconds(1));
    }

    private boolean decideOnce(TenantId tenant, List<Item> asked) {
        List<Answer> answers;
        try {
            answers = decisions.evaluateAll(
                    tenant,
                    asked.stream().map(item -> item.askedOrThrow().query()).toList());
        } catch (MalformedItemsException malformed) {
            malformed.items().forEach((i, item) -> {
                Item refused = asked.get(i);
                refused.refused = Refusals.malformed(refused.prefix, item);
            });
            return false;
        }
        boolean agreed = true;
        for (int i = 0; i < asked.size(); i++) {
            agreed &= asked.get(i).answer(answers.get(i), decisions);
        }
        return agreed;
    }

    private void write(BatchWriter response, Item item) {
        if (item.refused != null) {
            response.message(CheckBatchResult.newBuilder()
                    .setError(errors.toStatus(item.refused))
                    .build());
        } else if (item.explanation != null) {
            Checks.Reply reply = new Checks.Reply.Own(item.given(), item.explanation, item.id, item.detail);
            response.message(
                    CheckBatchResult.newBuilder().setResponse(reply.message()).build());
        } else {
            response.answer(item.answerOrThrow(), item.id, item.detail);
        }
    }

    /** An item on its way from question to answer. */
    private static final class Item {

        private final String prefix;
        private final @Nullable Asked asked;
        private final Detail detail;
        private String id = "";
        private @Nullable RefusedException refused;
        private @Nullable Answer answer;
        private @Nullable Explanation explanation;

        Item(String prefix, @Nullable Asked asked, Detail detail, @Nullable RefusedException refused) {
            this.prefix = prefix;
            this.asked = asked;
            this.detail = detail;
            this.refused = refused;
        }

        boolean isAbout(boolean present) {
            return asked != null && refused == null && asked.at() instanceof PointInTime.Now == present;
        }

        /** Whether the trace, where one is wanted, rests on the same revisions as the answer. */
        boolean answer(Answer given, DecisionService decisions) {
            answer = given;
            if (!askedOrThrow().explain()) {
                return true;
            }
            Explanation traced = decisions.explain(askedOrThrow().query(), PointInTime.NOW);
            explanation = traced;
            return traced.answer().revision().equals(given.revision())
                    && traced.answer().platformRevision().equals(given.platformRevision());
        }

        Asked askedOrThrow() {
            if (asked == null) {
                throw new IllegalStateException("Refused items are not asked");
            }
            return asked;
        }

        /** The answer as it is given. */
        Answer given() {
            return explanation == null ? answerOrThrow() : explanation.answer();
        }

        Answer answerOrThrow() {
            if (answer == null) {
                throw new IllegalStateException("Every item asked is answered");
            }
            return answer;
        }
    }
}
