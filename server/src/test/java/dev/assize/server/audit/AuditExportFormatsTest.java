package dev.assize.server.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AuditExportFormatsTest {

    private static final byte[] FRAME = {1, 2, 3};
    private static final List<String> TITLES = List.of(AuditCsv.header().strip().split(",", -1));
    private static final int REASON = TITLES.indexOf("reason");

    @Test
    void namesColumnsAsTheFrameNamesItsFields() {
        assertThat(AuditCsv.header())
                .isEqualTo("seq,entry_hash,recorded_at,recorded_by,recorded_by_tenant,type,category,actor,actor_tenant,"
                        + "on_behalf_of,role,action,resource,env,outcome,occurred_at,run_id,decision_id,reason,override,"
                        + "payload,reads,writes,masked,erased,trace_context\r\n");
    }

    @Test
    void quotesWhatNeedsIt() {
        List<String> cells = cells(AuditCsv.line(entry("said \"no\", then\nleft", "{\"a\":1,\"b\":\"x\"}")));
        assertThat(cells).hasSameSizeAs(TITLES);
        assertThat(cells.get(REASON)).isEqualTo("said \"no\", then\nleft");
        assertThat(cells.get(TITLES.indexOf("payload"))).isEqualTo("{\"a\":1,\"b\":\"x\"}");
        assertThat(cells.get(TITLES.indexOf("reads"))).isEqualTo("s3://a\ns3://b,c");
    }

    @ParameterizedTest
    @ValueSource(strings = {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"})
    void whatASpreadsheetWouldRunIsText(String formula) {
        assertThat(cells(AuditCsv.line(entry(formula, null))).get(REASON)).isEqualTo("'" + formula);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1+1", "a=b", "'=1", " =1", "ü"})
    void everythingElseIsAsItWasSaid(String text) {
        assertThat(cells(AuditCsv.line(entry(text, null))).get(REASON)).isEqualTo(text);
    }

    @Test
    void aLineOfJsonSaysWhatTheEntrySaysAndNoMore() throws Exception {
        String line = AuditJsonLines.line(entry("line\nbreak \u2028", null));
        assertThat(line).endsWith("}\n").doesNotContain("\n\n");
        assertThat(line.lines().count()).isLessThanOrEqualTo(2);
        JsonNode json = new ObjectMapper().readTree(line);
        assertThat(json.get("seq").isIntegralNumber()).isTrue();
        assertThat(json.get("reason").asText()).isEqualTo("line\nbreak \u2028");
        assertThat(json.get("recorded_at").asText()).isEqualTo("2026-03-01T12:00:00.000001Z");
        assertThat(json.get("frame").binaryValue()).isEqualTo(FRAME);
        assertThat(json.get("reads")).hasSize(2);
        assertThat(json.has("writes")).isFalse();
        assertThat(json.has("override")).isFalse();
        assertThat(json.has("payload")).isFalse();
    }

    private static RecordedEvent entry(@Nullable String reason, @Nullable String payload) {
        return new RecordedEvent(
                7,
                Digest.sha256(FRAME),
                Instant.parse("2026-03-01T12:00:00.000001Z"),
                Recorder.ASSIZE,
                new AuditEvent(
                        "replay.executed",
                        null,
                        new Subject("user", "alice"),
                        null,
                        new Action("replay"),
                        ResourcePath.parse("vault:company"),
                        new Environment("production"),
                        Outcome.SUCCESS,
                        null,
                        null,
                        null,
                        reason,
                        false,
                        payload,
                        List.of("s3://a", "s3://b,c"),
                        List.of(),
                        null,
                        new TenantId("partner")),
                FRAME);
    }

    /** One record as RFC 4180 reads it. */
    private static List<String> cells(String line) {
        List<String> cells = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (quoted && c == '"' && line.charAt(i + 1) == '"') {
                cell.append(line.charAt(++i));
            } else if (c == '"') {
                quoted = !quoted;
            } else if (!quoted && (c == ',' || line.startsWith("\r\n", i))) {
                cells.add(cell.toString());
                cell.setLength(0);
                i += c == ',' ? 0 : 1;
            } else {
                cell.append(c);
            }
        }
        return cells;
    }
}
