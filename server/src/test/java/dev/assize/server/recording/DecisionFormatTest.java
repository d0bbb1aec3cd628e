package dev.assize.server.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.client.ledger.DecisionField;
import dev.assize.client.ledger.NotProvenException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The example on the format's page is what the code makes, and both readers read it. */
class DecisionFormatTest {

    private static final long NOON = 1_772_366_400_000_000L;

    @Test
    void thePageShowsWhatTheCodeMakes() throws IOException, NotProvenException {
        byte[] allow = record(0, "user:alice@fund.com", NOON)
                .u8(RecordField.DECISION, 1)
                .text(RecordField.REASON, "ALLOWED")
                .text(RecordField.BINDING, "clerks")
                .text(RecordField.ROLE, "clerk")
                .u32(RecordField.RULE, 0)
                .i64(RecordField.REVISION, 7)
                .i64(RecordField.PLATFORM_REVISION, 0)
                .toBytes();
        byte[] deny = record(16, "user:bob@fund.com", NOON + 1)
                .u8(RecordField.DECISION, 2)
                .text(RecordField.REASON, "NO_GRANT")
                .i64(RecordField.REVISION, 7)
                .i64(RecordField.PLATFORM_REVISION, 0)
                .toBytes();
        DecisionPack pack = new DecisionPack(List.of(allow, deny));
        String page =
                Files.readString(Path.of("..", "docs", "ledger-format.md")).replace("\n", "");
        assertThat(page)
                .contains(HexFormat.of().formatHex(allow))
                .contains(HexFormat.of().formatHex(deny))
                .contains(pack.payload());
        assertThat(DecisionCodec.decode(allow).subject()).isEqualTo("user:alice@fund.com");
        assertThat(dev.assize.client.ledger.DecisionRecord.read(deny).text(DecisionField.REASON))
                .hasValue("NO_GRANT");
    }

    private static RecordBytes record(int salt, String subject, long decidedAt) {
        byte[] bytes = new byte[16];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (salt + i);
        }
        return new RecordBytes()
                .bytes(RecordField.SALT, bytes)
                .text(RecordField.DECISION_ID, "decision-" + (41 + salt / 16))
                .i64(RecordField.DECIDED_AT, decidedAt)
                .text(RecordField.CALLER, "service:payments")
                .text(RecordField.CALLER_TENANT, "acme")
                .text(RecordField.SUBJECT, subject)
                .text(RecordField.SUBJECT_TENANT, "acme")
                .text(RecordField.ACTION, "pay")
                .text(RecordField.RESOURCE, "order:922")
                .text(RecordField.ENV, "production");
    }
}
