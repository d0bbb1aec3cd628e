package dev.assize.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.MalformedException;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameFieldsTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    ''                                       | does not begin with version 1
                    00                                       | does not begin with version 1
                    02                                       | does not begin with version 1
                    01 00                                    | ends inside the field behind field 0
                    01 0010 000000                           | ends inside the field behind field 0
                    01 0010 00000001                         | field 16 ends behind the frame
                    01 0010 00000002 61                      | field 16 ends behind the frame
                    01 0010 ffffffff 61                      | field 16 ends behind the frame
                    01 0000 00000000                         | field 0 stands behind field 0
                    01 0010 00000000 0010 00000000           | field 16 stands behind field 16
                    01 0011 00000000 0010 00000000           | field 16 stands behind field 17
                    01 0009 00000000                         | field 9 is unknown
                    01 000f 00000000                         | field 15 is unknown
                    """)
    void refusesWhatIsNotAFrame(String hex, String message) {
        assertThatThrownBy(() -> FrameFields.read(bytes(hex)))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessageContaining(message);
    }

    @Test
    void refusesFramesOverTheLimit() {
        assertThatThrownBy(() -> FrameFields.read(new byte[65_536]))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessageContaining("65536 bytes");
    }

    @ParameterizedTest
    @CsvSource({"c3", "c0 80", "ed a0 80", "ff", "f4 90 80 80"})
    void refusesTextsThatAreNotUtf8(String hex) {
        byte[] value = bytes(hex);
        FrameFields fields = FrameFields.read(bytes("01 0010 " + HexFormat.of().toHexDigits(value.length) + hex));
        assertThatThrownBy(() -> fields.text(16))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessageContaining("field 16 is not UTF-8");
    }

    @ParameterizedTest
    @CsvSource({"''", "00", "00000001", "00000002 61", "ffffffff", "00000001 61 00", "7fffffff 61"})
    void refusesTornLists(String hex) {
        byte[] value = bytes(hex);
        FrameFields fields = FrameFields.read(bytes("01 001f " + HexFormat.of().toHexDigits(value.length) + hex));
        assertThatThrownBy(() -> fields.texts(31))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessageContaining("field 31 ends inside an element");
    }

    @Test
    void refusesValuesOfAnotherWidth() {
        FrameFields fields = FrameFields.read(bytes("01 0010 00000002 6161"));
        assertThatThrownBy(() -> fields.u8(16)).isInstanceOf(MalformedFrameException.class);
        assertThatThrownBy(() -> fields.i64(16)).isInstanceOf(MalformedFrameException.class);
        assertThatThrownBy(() -> fields.requiredText(17))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessage("field 17 is missing");
    }

    @Test
    void refusesToWriteWhatIsNotText() {
        assertThatThrownBy(() -> new FrameBody().text(16, "a\ud800")).isInstanceOf(MalformedException.class);
        assertThatThrownBy(() -> new FrameBody().texts(16, List.of("\udfff"))).isInstanceOf(MalformedException.class);
    }

    @Test
    void refusesToWriteOutOfOrder() {
        FrameBody body = new FrameBody().text(17, "a");
        assertThatThrownBy(() -> body.text(17, "b")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> body.text(16, "b")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new FrameBody().text(15, "b")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new FrameBody().u8(16, 256)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void readsBackWhatWasWritten() {
        byte[] body = new FrameBody()
                .text(16, "ä\uD83D\uDE00")
                .text(17, "")
                .text(18, null)
                .u8(24, 255)
                .i64(25, Long.MIN_VALUE)
                .i64(26, null)
                .texts(31, List.of("a", "", "b"))
                .texts(32, List.of())
                .text(65_535, "last")
                .toBytes();
        FrameFields fields = FrameFields.read(bytes("01" + HexFormat.of().formatHex(body)));
        assertThat(fields.bodyNumbers()).containsExactly(16, 17, 24, 25, 31, 65_535);
        assertThat(fields.text(16)).isEqualTo("ä\uD83D\uDE00");
        assertThat(fields.text(17)).isEmpty();
        assertThat(fields.text(18)).isNull();
        assertThat(fields.u8(24)).isEqualTo(255);
        assertThat(fields.i64(25)).isEqualTo(Long.MIN_VALUE);
        assertThat(fields.i64(26)).isNull();
        assertThat(fields.texts(31)).containsExactly("a", "", "b");
        assertThat(fields.texts(32)).isEmpty();
        assertThat(fields.bytes(65_535)).asString().isEqualTo("last");
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }
}
