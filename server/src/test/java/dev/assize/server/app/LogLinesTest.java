package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.authentication.Caller;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The log as machines read it. */
class LogLinesTest {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

    private final LoggerContext context = new LoggerContext();
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final Logger log = context.getLogger("dev.assize.server.Shown");

    LogLinesTest() {
        context.setMDCAdapter(new LogbackMDCAdapter());
        OutputStreamAppender<ILoggingEvent> lines = new OutputStreamAppender<>();
        lines.setContext(context);
        LogLines.json(lines, lines, context);
        lines.setOutputStream(written);
        lines.start();
        context.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(lines);
    }

    @AfterEach
    void stop() {
        context.stop();
    }

    @Test
    void eachLineIsOneObjectWhateverIsInIt() throws Exception {
        log.info("one\ntwo \"{}\" \u2028", "three");
        log.error("broken", new IllegalStateException("why", new RuntimeException("because")));

        List<JsonNode> lines = lines();
        assertThat(lines).hasSize(2);
        assertThat(lines.getFirst().get("formattedMessage").asText()).isEqualTo("one\ntwo \"three\" \u2028");
        assertThat(lines.getFirst().get("level").asText()).isEqualTo("INFO");
        assertThat(lines.getFirst().get("loggerName").asText()).isEqualTo("dev.assize.server.Shown");
        assertThat(lines.getFirst().get("timestamp").isIntegralNumber()).isTrue();
        assertThat(lines.getFirst().has("arguments")).isFalse();
        assertThat(lines.getLast().get("throwable").toString()).contains("why", "because");
    }

    @Test
    void nobodyWaitsForLinesThatNobodyReads() throws Exception {
        Stuck stuck = new Stuck();
        LogLines.become(LogFormat.JSON, stuck.context);
        CallContext call = new CallContext(caller(), "DecisionService/Check", null);
        Logger log = stuck.context.getLogger("dev.assize.server.Shown");

        for (int i = 0; i < 2 * LogLines.WAITING_LINES; i++) {
            String line = "line " + i;
            call.attachedTo(Context.current()).run(() -> log.info(line));
        }
        long lost = LogLines.lost(stuck.context);
        stuck.read.countDown();
        stuck.context.stop();

        List<String> got = stuck.written().lines().toList();
        assertThat(got).hasSizeBetween(1, 2 * LogLines.WAITING_LINES - 1);
        assertThat(got.size() + lost).as("each is written or counted").isEqualTo(2 * LogLines.WAITING_LINES);
        assertThat(got.getFirst()).contains("\"line 0\"", call.id());
    }

    @Test
    void losesNoLineThatIsLoggedWhileItEnds() throws Exception {
        Stuck stuck = new Stuck();
        LogLines.become(LogFormat.TEXT, stuck.context);
        Logger log = stuck.context.getLogger("dev.assize.server.Shown");
        log.info("before");
        assertThat(stuck.begun.await(10, TimeUnit.SECONDS)).isTrue();
        Thread end = Thread.ofPlatform().start(() -> LogLines.end(stuck.context));
        assertThat(stuck.interrupted.await(10, TimeUnit.SECONDS))
                .as("nothing is written beside any more")
                .isTrue();
        Thread meanwhile = Thread.ofPlatform().start(() -> log.info("meanwhile"));
        assertThat(meanwhile.join(Duration.ofMillis(100))).isFalse();
        stuck.read.countDown();
        meanwhile.join();
        end.join();
        log.info("after");
        stuck.context.stop();

        assertThat(stuck.written()).contains("before", "meanwhile", "after");
    }

    @Test
    void aLineOfACallHasItsNumberAndItsTraceAndNoOtherHas() throws Exception {
        CallContext call = new CallContext(caller(), "DecisionService/Check", "00-" + TRACE + "-b7ad6b7169203331-01");
        call.attachedTo(Context.current()).run(() -> log.info("within"));
        new CallContext(caller(), "DecisionService/Check", null)
                .attachedTo(Context.current())
                .run(() -> log.info("of no trace"));
        log.info("without");

        List<JsonNode> lines = lines();
        JsonNode marks = lines.getFirst().get("mdc");
        assertThat(marks.get("call_id").asText()).isEqualTo(call.id()).matches("[0-9a-f]{16}");
        assertThat(marks.get("trace_id").asText()).isEqualTo(TRACE);
        assertThat(marks.get("rpc").asText()).isEqualTo("DecisionService/Check");
        assertThat(lines.get(1).get("mdc").has("trace_id")).isFalse();
        assertThat(lines.get(1).get("mdc").get("call_id").asText())
                .isNotEqualTo(marks.get("call_id").asText());
        assertThat(lines.getLast().path("mdc")).isEmpty();
    }

    @Test
    void noLineOfACallHasItsCredential(@TempDir Path directory) {
        Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
        ListAppender<ILoggingEvent> said = new ListAppender<>();
        said.start();
        root.addAppender(said);
        try (GrpcFixture door = new GrpcFixture(directory)) {
            door.decisions.answer(query -> {
                throw new IllegalStateException("shown");
            });
            for (String key : List.of(door.admin, door.admin + "x", "asz_wrong")) {
                assertThatThrownBy(() -> check(door, key)).isInstanceOf(StatusRuntimeException.class);
            }
        } finally {
            root.detachAppender(said);
        }
        assertThat(said.list)
                .isNotEmpty()
                .allSatisfy(line -> assertThat(line.getFormattedMessage()
                                + (line.getThrowableProxy() == null
                                        ? ""
                                        : ThrowableProxyUtil.asString(line.getThrowableProxy())))
                        .doesNotContain("asz_"));
    }

    private static void check(GrpcFixture door, String key) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        var _ = DecisionServiceGrpc.newBlockingStub(door.channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .check(CheckRequest.newBuilder()
                        .setTenant("acme")
                        .setSubject("user:alice")
                        .setResource("doc:1")
                        .setAction("read")
                        .build());
    }

    private static Caller caller() {
        return new Caller(
                "0000000000000000",
                new Subject("user", "alice"),
                new TenantId("acme"),
                false,
                Set.of(),
                Set.of(),
                Set.of());
    }

    private List<JsonNode> lines() throws Exception {
        ObjectMapper json = new ObjectMapper();
        List<JsonNode> lines = new ArrayList<>();
        for (String line : written.toString(StandardCharsets.UTF_8).split("\n", -1)) {
            if (!line.isEmpty()) {
                lines.add(json.readTree(line));
            }
        }
        return lines;
    }

    /** A log whose lines are written when they may be. */
    private static final class Stuck {

        final LoggerContext context = new LoggerContext();

        /** Once it is zero, whoever waits to write does write. */
        final CountDownLatch read = new CountDownLatch(1);

        /** Zero once somebody waits to write. */
        final CountDownLatch begun = new CountDownLatch(1);

        /** Zero once somebody was interrupted who waited to write, and waits on. */
        final CountDownLatch interrupted = new CountDownLatch(1);

        private final ByteArrayOutputStream written = new ByteArrayOutputStream();

        Stuck() {
            context.setMDCAdapter(new LogbackMDCAdapter());
            OutputStreamAppender<ILoggingEvent> lines = new OutputStreamAppender<>();
            lines.setName("lines");
            lines.setContext(context);
            lines.setEncoder(new JsonEncoder());
            lines.setOutputStream(new FilterOutputStream(written) {
                @Override
                public void write(byte[] bytes) throws IOException {
                    awaitReader();
                    out.write(bytes);
                }
            });
            lines.start();
            context.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(lines);
        }

        private void awaitReader() {
            begun.countDown();
            boolean wasInterrupted = false;
            while (read.getCount() > 0) {
                try {
                    read.await();
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                    interrupted.countDown();
                }
            }
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }

        String written() {
            return written.toString(StandardCharsets.UTF_8);
        }
    }
}
