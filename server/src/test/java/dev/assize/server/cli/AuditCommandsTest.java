package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.ChainFault;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.VerifyProgress;
import dev.assize.proto.v1.VerifyResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands on the ledger against a server that gives prepared answers. */
class AuditCommandsTest extends CommandsFixture {

    @Test
    void appendSendsTheEventOfTheOptions() throws IOException {
        assertThat(run(
                        "audit",
                        "append",
                        "--type",
                        "replay.executed",
                        "--action",
                        "execute",
                        "--resource",
                        "replay:1",
                        "--outcome",
                        "partial",
                        "--payload",
                        "{\"n\":1}",
                        "--actor",
                        "agent:feed",
                        "--actor-tenant",
                        "partner",
                        "--on-behalf-of",
                        "user:bob",
                        "--idempotency-key",
                        "once",
                        "--output",
                        "json"))
                .isZero();

        AppendAuditRequest sent = server.request(AppendAuditRequest.class);
        assertThat(sent.getTenant()).isEqualTo("acme");
        assertThat(sent.getIdempotencyKey()).isEqualTo("once");
        assertThat(sent.getEvents(0).getType()).isEqualTo("replay.executed");
        assertThat(sent.getEvents(0).getPayload()).isEqualTo("{\"n\":1}");
        assertThat(sent.getEvents(0).getActorTenant()).isEqualTo("partner");
        assertThat(sent.getEvents(0).getOnBehalfOf()).isEqualTo("user:bob");
        assertThat(json().get("entries").get(0).get("entryHash").asText()).isEqualTo("ab");
    }

    @Test
    void appendIsContentWithTheDiskOfASidecarWhereItIsTold() throws IOException {
        assertThat(run("audit", "append", "--type", "a", "--acknowledgement", "spooled"))
                .isZero();
        assertThat(server.request(AppendAuditRequest.class).getAcknowledgement())
                .isEqualTo(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
        assertThat(out.toString()).contains("spooled as record 7 of spool s1").doesNotContain("ENTRY HASH");

        assertThat(run("audit", "append", "--type", "a", "--acknowledgement", "spooled", "--output", "json"))
                .isZero();
        assertThat(json().get("spooled").get("number").asLong()).isEqualTo(7);
        assertThat(json().get("acknowledgement").asText()).isEqualTo("SPOOLED");

        assertThat(run("audit", "append", "--type", "a", "--output", "json")).isZero();
        assertThat(server.request(AppendAuditRequest.class).getAcknowledgement())
                .isNotEqualTo(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
        assertThat(json().get("acknowledgement").asText()).isEqualTo("IN_LEDGER");
        assertThat(json().has("spooled")).isFalse();

        assertThat(run("audit", "append", "--type", "a", "--acknowledgement", "soon"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("`soon`: expected in-ledger or spooled");
    }

    @Test
    void appendReadsEventsFromAFile() throws IOException {
        Path file = Files.writeString(home.resolve("events.jsonl"), """
            {"type":"a","action":"x","resource":"r:1","outcome":"denied"}

            {"type":"b","action":"y","resource":"r:2","payload":{"k":[1]},"onBehalfOf":"user:bob","actorTenant":"partner"}
            """);

        assertThat(run("audit", "append", "--file", file.toString())).isZero();
        assertThat(server.request(AppendAuditRequest.class).getEventsList())
                .extracting(AuditEvent::getType, AuditEvent::getPayload)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("a", ""),
                        org.assertj.core.groups.Tuple.tuple("b", "{\"k\":[1]}"));
        AuditEvent second = server.request(AppendAuditRequest.class).getEvents(1);
        assertThat(second.getOnBehalfOf()).isEqualTo("user:bob");
        assertThat(second.getActorTenant()).isEqualTo("partner");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "{'type':'a','occurredAt':'noon'} | occurredAt `noon`: expected a time",
                "{'type':'a','actr':'user:x'}     | unknown name `actr`",
                "{'type':'a','outcome':'maybe'}   | outcome `maybe`: expected success, failure, denied or partial",
                "{'type':7}                       | type `7`: expected a string",
                "{'override':'yes'}               | override `'yes'`: expected true or false",
                "{'reads':'dna:1'}                | reads `'dna:1'`: expected an array of strings",
                "{'writes':[1]}                   | writes `[1]`: expected an array of strings",
                "['a']                            | expected a JSON object",
                "{'type':                         | expected a JSON object",
                "{'type':'a'} {'type':'b'}        | expected a JSON object",
                "{'type':'a','type':'b'}          | expected a JSON object"
            })
    void appendNamesTheLineOfWhatIsMalformedAndEndsWithTwo(String line, String expected) throws IOException {
        Path file = Files.writeString(home.resolve("events.jsonl"), "\n" + line.replace('\'', '"') + "\n");

        assertThat(run("audit", "append", "--file", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("events.jsonl:2: " + expected.replace('\'', '"'));
    }

    @Test
    void appendReadsNothingButUtf8() throws IOException {
        Path file = Files.write(home.resolve("events.jsonl"), new byte[] {'{', (byte) 0xff, '}'});

        assertThat(run("audit", "append", "--file", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("events.jsonl: expected UTF-8");
    }

    @Test
    void appendFailsWhereThereIsNoFile() {
        assertThat(run("audit", "append", "--file", home.resolve("missing").toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("cannot read");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "many", "2147483648"})
    void aNumberOfWhatIsWantedIsOneAtLeast(String number) {
        for (List<String> command : List.of(
                List.of("audit", "list", "--limit"),
                List.of("approval", "list", "--limit"),
                List.of("policy", "history", "--limit"),
                List.of("audit", "list", "--timeout"))) {
            assertThat(run(Stream.concat(command.stream(), Stream.of(number)).toArray(String[]::new)))
                    .as("%s", command)
                    .isEqualTo(2);
            assertThat(err.toString()).contains("`" + number + "`: expected a number from 1 to 2147483647");
        }
    }

    @Test
    void oneIsEnough() {
        server.query = QueryAuditResponse.newBuilder()
                .addEntries(AuditEntry.newBuilder().setSeq(5))
                .setNextPageToken("more")
                .build();

        assertThat(run("audit", "list", "--limit", "1", "--timeout", "1")).isZero();
        assertThat(server.request(QueryAuditRequest.class).getPageSize()).isEqualTo(1);
    }

    @Test
    void listShowsNoControlCharacters() {
        server.query = QueryAuditResponse.newBuilder()
                .addEntries(AuditEntry.newBuilder()
                        .setSeq(5)
                        .setEvent(AuditEvent.newBuilder().setReason("\u001b[2Jgone")))
                .build();

        assertThat(run("audit", "list")).isZero();
        assertThat(out.toString()).contains("\\u001b[2Jgone").doesNotContain("\u001b");
    }

    @Test
    void aBrokenChainExitsWithThree() {
        server.verification = List.of(
                VerifyChainResponse.newBuilder()
                        .setProgress(VerifyProgress.newBuilder().setVerified(1).setTotal(2))
                        .build(),
                result(VerifyResult.newBuilder()
                        .setFirstBadSeq(4)
                        .setFault(ChainFault.CHAIN_FAULT_ENTRY_HASH)
                        .setMessage("the stored hash is not the frame's")));

        assertThat(run("audit", "verify")).isEqualTo(3);
        assertThat(out.toString()).contains("first bad entry 4: ENTRY_HASH", "the stored hash is not the frame's");
    }

    @Test
    void aWholeChainExitsWithZero() throws IOException {
        server.verification = List.of(
                result(VerifyResult.newBuilder().setValid(true).setVerified(5).setToSeq(4)));

        assertThat(run("audit", "verify", "--output", "json")).isZero();
        assertThat(json().get("valid").asBoolean()).isTrue();
        assertThat(json().get("verified").asLong()).isEqualTo(5);
    }

    @Test
    void aVerificationWithoutResultIsAnError() {
        assertThat(run("audit", "verify")).isEqualTo(1);
    }

    private static VerifyChainResponse result(VerifyResult.Builder result) {
        return VerifyChainResponse.newBuilder().setResult(result).build();
    }
}
