package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.client.ledger.AppendHistory.Operation;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.FrameBody;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Appends of operations: each has a key that names who sent it and which of his it is, in its frame too, so that it is known
 * again wherever it is found.
 */
final class OperationAppends {

    static final TenantId TENANT = new TenantId("acme");

    private OperationAppends() {}

    static AppendCommand command(int client, int number) {
        String key = new Operation(client, number).toString();
        byte[] body = new FrameBody()
                .text(17, "user:alice")
                .text(21, "append")
                .text(22, "ledger")
                .text(23, "default")
                .u8(24, 1)
                .text(28, key)
                .toBytes();
        return new AppendCommand(
                Recorder.ASSIZE,
                List.of(new EntryDraft(Recorder.ASSIZE, "test.crash", body)),
                new Idempotency(key, Digest.sha256(key.getBytes(UTF_8))));
    }

    static List<AppendResult> untilAcknowledged(LedgerStore store, List<AppendCommand> commands) {
        return untilServed(() -> store.append(TENANT, commands));
    }

    static <T> T untilServed(Supplier<T> work) {
        long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (true) {
            try {
                return work.get();
            } catch (StoreUnavailableException e) {
                assertThat(System.nanoTime()).as(e.getMessage()).isLessThan(deadline);
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
            }
        }
    }

    static Receipt receipt(AppendResult result) {
        return switch (result) {
            case AppendResult.Appended(List<Receipt> receipts) -> receipts.getFirst();
            case AppendResult.Replayed(List<Receipt> receipts) -> receipts.getFirst();
            case AppendResult.KeyReused(String reused) -> throw new AssertionError("reused " + reused);
            case AppendResult.Refused() -> throw new AssertionError("refused");
        };
    }

    static LedgerStore store(Database database) {
        InstantSource clock = InstantSource.system();
        return new PostgresLedgerStore(database, new LedgerWriter(database, new AuditCodec(), (_, _) -> {}, clock));
    }
}
