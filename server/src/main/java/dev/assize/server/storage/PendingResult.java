package dev.assize.server.storage;

import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.KeptAnswers.Answer;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The result of a command, or where to read it once the writes of its batch are known: a retry has its first answer. */
sealed interface PendingResult {

    AppendResult result(TenantTransaction transaction, TenantId tenant) throws SQLException;

    /** The result of a command that was held against no answer given before. */
    default AppendResult ready() {
        throw new IllegalStateException("It is to be read: " + this);
    }

    record Ready(AppendResult value) implements PendingResult {
        @Override
        public AppendResult result(TenantTransaction transaction, TenantId tenant) {
            return value;
        }

        @Override
        public AppendResult ready() {
            return value;
        }
    }

    /** An answer given before to what has another digest: by then a name in it may have been erased. */
    record Other(Stored stored) implements PendingResult {
        @Override
        public AppendResult result(TenantTransaction transaction, TenantId tenant) throws SQLException {
            return EstrangedRetry.isOf(
                            transaction,
                            tenant,
                            KeptAnswers.frames(transaction, tenant, stored.answer),
                            stored.command.drafts())
                    ? stored.result(transaction, tenant)
                    : new AppendResult.KeyReused(stored.key);
        }
    }

    /** An answer given before, whose entries are there. */
    record Stored(Answer answer, AppendCommand command, String key) implements PendingResult {
        @Override
        public AppendResult result(TenantTransaction transaction, TenantId tenant) throws SQLException {
            return isSame(transaction, tenant)
                    ? new AppendResult.Replayed(KeptAnswers.receipts(transaction, tenant, answer))
                    : new AppendResult.KeyReused(key);
        }

        private boolean isSame(TenantTransaction transaction, TenantId tenant) throws SQLException {
            Map<Long, List<ErasableValue>> sent = new HashMap<>();
            for (int i = 0; i < command.drafts().size(); i++) {
                List<ErasableValue> beside = command.drafts().get(i).beside();
                if (!beside.isEmpty()) {
                    sent.put(answer.firstSeq() + i, beside);
                }
            }
            Map<Long, List<ErasableValue>> kept = ErasableRows.find(transaction, tenant, sent.keySet());
            return sent.entrySet().stream()
                    .allMatch(it -> areSame(it.getValue(), kept.getOrDefault(it.getKey(), List.of())));
        }
    }

    /** Whether what stands beside the frames is the same; that is in no digest, for it could be guessed from one. */
    static boolean isSame(List<EntryDraft> drafts, List<EntryDraft> first) {
        for (int i = 0; i < drafts.size(); i++) {
            if (!areSame(drafts.get(i).beside(), first.get(i).beside())) {
                return false;
            }
        }
        return true;
    }

    /** Whether values that are sent are those that are kept; what is no longer kept is no other. */
    private static boolean areSame(List<ErasableValue> sent, List<ErasableValue> kept) {
        return sent.stream()
                .noneMatch(value -> kept.stream()
                        .anyMatch(it -> it.field() == value.field() && !Arrays.equals(it.value(), value.value())));
    }
}
