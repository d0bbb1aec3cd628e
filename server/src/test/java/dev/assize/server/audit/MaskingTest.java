package dev.assize.server.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.Masking.Masked;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PiiPattern;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.testing.EventBuilder;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class MaskingTest {

    private static final Masking MASKING =
            new Masking(List.of(new PiiPattern("[a-z]+@[a-z.]+"), new PiiPattern("\\d{16}")));

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"to": "ann@fund.com", "n" :1}          | {"to": "[masked]", "n" :1}            | /to
            { "a":[1,"x","pay 4111111111111111"]}   | { "a":[1,"x","pay [masked]"]}         | /a/2
            "bob@fund.com"                          | "[masked]"                            | payload
            {"ann@fund.com" : "x"}                  | {"[masked]" : "x"}                    | payload
            {"a":{"a@b.c":1,"d\\u0040e.f\\"":2}}    | {"a":{"[masked]":1,"[masked]#2":2}}   | payload
            {"ann@fund.com":"b@c.de"}               | {"[masked]":"[masked]"}               | payload
            {"card": 4111111111111111 ,"n":12}      | {"card": "[masked]" ,"n":12}          | /card
            [-4111111111111111]                     | ["-[masked]"]                         | /0
            4111111111111111                        | "[masked]"                            | payload
            [4111111111111111.50,0.25]              | ["[masked].50",0.25]                  | /0
            {"a/b":{"~":"ann\\u0040fund.com \\""}}  | {"a/b":{"~":"[masked] \\""}}          | /a~1b/~0
            {"a":"ann@fund.com","b":"ann@fund.com"} | {"a":"[masked]","b":"[masked]"}       | /a,/b
            """)
    void masksTextsAndNumbersOfThePayloadAndLeavesTheRestAsItIs(
            String payload, String expected, @Nullable String places) {
        Masked masked = MASKING.apply(event("replay.executed", null, payload));

        assertThat(masked.event().payload()).isEqualTo(expected);
        assertThat(masked.masked()).isEqualTo(places == null ? List.of() : List.of(places.split(",")));
    }

    @Test
    void masksTheReason() {
        Masked masked = MASKING.apply(event("replay.executed", "for ann@fund.com, and more", "{\"a\":\"b@c.de\"}"));

        assertThat(masked.event().reason()).isEqualTo("for [masked], and more");
        assertThat(masked.masked()).containsExactly("reason", "/a");
    }

    @Test
    void neverMasksWhoDidWhatToWhat() {
        AuditEvent event = event("replay.executed", "x", null);

        assertThat(new Masking(List.of(new PiiPattern(".+"))).apply(event).event())
                .isEqualTo(event.withTexts("[masked]", null));
    }

    @Test
    void leavesPolicyInTheServersOwnEntriesAsItIs() {
        String payload = "{\"after\":\"members: [user:ann@fund.com]\",\"reason\":\"ann@fund.com asked\"}";

        assertThat(MASKING.apply(event("assize.policy.manifest", null, payload))
                        .event()
                        .payload())
                .isEqualTo("{\"after\":\"members: [user:ann@fund.com]\",\"reason\":\"[masked] asked\"}");
    }

    @Test
    void namesSixtyFourPlacesAndNotMore() {
        String one = "\"ann@fund.com\"";
        String many = "[" + one + ("," + one).repeat(Masking.MAX_NAMED - 1) + "]";

        assertThat(MASKING.apply(event("replay.executed", null, many)).masked()).hasSize(Masking.MAX_NAMED);
        assertThat(MASKING.apply(event("replay.executed", null, many.replace("]", "," + one + "]")))
                        .masked())
                .containsExactly("payload");
    }

    @Test
    void writesOnlyWhatIsMasked() {
        AuditEvent event = event("replay.executed", "nothing to hide", "{\"a\":\"plain\"}");

        assertThat(MASKING.apply(event)).isEqualTo(new Masked(event, List.of()));
    }

    private static AuditEvent event(String type, @Nullable String reason, @Nullable String payload) {
        return EventBuilder.event(
                        type,
                        Subject.parse("user:ann@fund.com"),
                        new Action("replay"),
                        ResourcePath.parse("vault:ann@fund.com"))
                .env(Environment.DEFAULT)
                .category("x")
                .role("ann@fund.com")
                .runId("ann@fund.com")
                .reason(reason)
                .payload(payload)
                .build();
    }
}
