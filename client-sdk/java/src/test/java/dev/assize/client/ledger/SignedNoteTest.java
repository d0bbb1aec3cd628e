package dev.assize.client.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SignedNoteTest {

    /** The example of the specification. */
    private static final String EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    private static final String EXAMPLE_LINE =
            "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    private static final String EXAMPLE_TEXT = "This is an example message.\n";
    private static final String EXAMPLE = EXAMPLE_TEXT + "\n" + EXAMPLE_LINE;

    /** The same line with bits in its base64 that say nothing. */
    private static final String LOOSE_BASE64 = EXAMPLE.replace("yaQM=", "yaQN=");

    private static final String TEXT = "log.example\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

    private final TestSigner log;
    private final TestSigner stranger;
    private final TestSigner witness;
    private final TestSigner second;

    SignedNoteTest() throws Exception {
        log = TestSigner.log("log.example");
        stranger = TestSigner.log("stranger.example");
        witness = TestSigner.witness("witness.example/1");
        second = TestSigner.witness("witness.example/2");
    }

    @Test
    void refusesNotesThatAreMalformed() {
        for (String note : List.of(
                "",
                "\n",
                EXAMPLE_TEXT,
                EXAMPLE_TEXT + "\n",
                EXAMPLE_TEXT + EXAMPLE_LINE,
                "\n" + EXAMPLE_LINE,
                EXAMPLE.substring(0, EXAMPLE.length() - 1),
                EXAMPLE + "\n",
                EXAMPLE + "one more line\n",
                EXAMPLE.replace("—", "-"),
                EXAMPLE.replace("— ", "—"),
                EXAMPLE.replace("foo ", "foo"),
                EXAMPLE.replace("foo ", "foo  "),
                EXAMPLE.replace("example.com/foo ", " "),
                EXAMPLE.replace("com/foo ", "com+foo "),
                EXAMPLE.replace("com/foo ", "com\u00a0foo "),
                EXAMPLE.replace("com/foo ", "com\u0085foo "),
                EXAMPLE.replace("aQM=\n", "aQM= \n"),
                EXAMPLE.replace("aQM=", "aQM"),
                EXAMPLE.replace("Uw2QOkn8", "Uw2QOk_8"),
                LOOSE_BASE64,
                EXAMPLE_TEXT + "\n— example.com/foo Uw2QOg==\n",
                EXAMPLE.replace("message", "mes\tsage"),
                EXAMPLE.replace("message.\n", "message.\r\n"),
                EXAMPLE.replace("message", "mes\0sage"))) {
            assertThatThrownBy(() -> SignedNote.parse(bytes(note))).as(note).isInstanceOf(NotProvenException.class);
        }
    }

    @Test
    void refusesWhatIsNotUtf8() {
        byte[] bytes = bytes(EXAMPLE);
        for (int other : new int[] {0xFF, 0xC0, 0x80, 0xED}) {
            byte[] changed = bytes.clone();
            changed[3] = (byte) other;
            assertThatThrownBy(() -> SignedNote.parse(changed)).hasMessage("not UTF-8");
        }
    }

    @Test
    void bindsTheSizeOfWhatItReads() throws Exception {
        String line = stranger.line(TEXT);
        assertThat(SignedNote.parse(bytes(TEXT + "\n" + line.repeat(16))).signers())
                .hasSize(16);
        assertThat(SignedNote.parse(bytes(TEXT + "\n" + line.repeat(SignedNote.MAX_SIGNATURES)))
                        .signers())
                .hasSize(SignedNote.MAX_SIGNATURES);
        assertThatThrownBy(() -> SignedNote.parse(bytes(TEXT + "\n" + line.repeat(SignedNote.MAX_SIGNATURES + 1))))
                .isInstanceOf(NotProvenException.class);
        byte[] long_ = new byte[SignedNote.MAX_BYTES + 1];
        Arrays.fill(long_, (byte) 'a');
        assertThatThrownBy(() -> SignedNote.parse(long_)).hasMessage("a note has at most 1000000 bytes");
    }

    @Test
    void opensTheExampleOfTheSpecification() throws Exception {
        VerifierKey key = VerifierKey.parse(EXAMPLE_KEY);
        SignedNote note = SignedNote.parse(bytes(EXAMPLE));

        assertThat(note.verify(Set.of(key))).containsExactly(new SignedNote.VerifiedSignature(key, Optional.empty()));
        assertThat(note.text()).isEqualTo(EXAMPLE_TEXT);
        assertThat(note).hasToString(EXAMPLE);
    }

    @Test
    void takesTheLastEmptyLineForTheEndOfTheText() throws Exception {
        String text = "one\n\n\u2014 not a signature\n\ntwo\n";
        SignedNote note = SignedNote.parse(bytes(log.note(text)));

        assertThat(note.text()).isEqualTo(text);
        assertThat(note.verify(Set.of(log.key()))).hasSize(1);
    }

    @Test
    void passesOverStrangersAndRefusesAFalseSignatureOfAKnownKey() throws Exception {
        SignedNote both = SignedNote.parse(bytes(log.note(TEXT) + stranger.line("something else\n")));

        assertThat(both.verify(Set.of(log.key()))).hasSize(1);
        assertThatThrownBy(() -> both.verify(Set.of(log.key(), stranger.key())))
                .hasMessage("the signature of `stranger.example` is false");
        assertThatThrownBy(() -> both.verify(Set.of())).hasMessage("no signature of a known key");
        assertThatThrownBy(() -> both.verify(Set.of(witness.key()))).hasMessage("no signature of a known key");
    }

    @Test
    void passesOverAnotherKeyOfTheSameName() throws Exception {
        TestSigner successor = TestSigner.log("log.example");
        SignedNote note = SignedNote.parse(bytes(log.note(TEXT) + successor.line("something else\n")));

        assertThat(note.verify(Set.of(log.key()))).hasSize(1);
    }

    @Test
    void refusesANoteOfWhichAnyCharacterWasChanged() throws Exception {
        String note = log.note(TEXT);
        Set<VerifierKey> keys = Set.of(log.key());
        SignedNote.parse(bytes(note)).verify(keys);
        for (int i = 0; i < note.length(); i++) {
            for (char other : new char[] {'A', 'B', '\n', ' '}) {
                String changed = note.substring(0, i) + other + note.substring(i + 1);
                if (other != note.charAt(i)) {
                    assertThatThrownBy(() -> SignedNote.parse(bytes(changed)).verify(keys))
                            .isInstanceOf(NotProvenException.class);
                }
            }
        }
    }

    @Test
    void readsTheTimeThatAWitnessSigned() throws Exception {
        SignedNote note = SignedNote.parse(bytes(log.note(TEXT) + witness.line(TEXT, 1_679_315_147)));

        assertThat(note.verify(Set.of(witness.key())).getFirst().time()).contains(Instant.ofEpochSecond(1_679_315_147));
        SignedNote plain = SignedNote.parse(bytes(log.note(TEXT) + witness.line(TEXT)));
        assertThatThrownBy(() -> plain.verify(Set.of(witness.key())))
                .hasMessage("the signature of `witness.example/1` is false");
    }

    @Test
    void refusesKeysThatAreMalformed() {
        for (int from = 0; from < EXAMPLE_KEY.length(); from++) {
            for (int to = from + 1; to <= EXAMPLE_KEY.length(); to++) {
                String part = EXAMPLE_KEY.substring(from, to);
                if (part.length() < EXAMPLE_KEY.length()) {
                    assertThatThrownBy(() -> VerifierKey.parse(part)).isInstanceOf(NotProvenException.class);
                }
            }
        }
        for (int i = 0; i < EXAMPLE_KEY.length(); i++) {
            String changed =
                    EXAMPLE_KEY.substring(0, i) + (char) (EXAMPLE_KEY.charAt(i) + 1) + EXAMPLE_KEY.substring(i + 1);
            assertThatThrownBy(() -> VerifierKey.parse(changed)).isInstanceOf(NotProvenException.class);
        }
        assertThatThrownBy(() -> VerifierKey.parse(EXAMPLE_KEY.replace("530d903a", "530D903A")))
                .isInstanceOf(NotProvenException.class);
    }

    @Test
    void refusesCheckpointsThatAreMalformed() {
        String root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        for (String text : List.of(
                "",
                "a\n",
                "a\n1\n",
                "a\n1\n" + root,
                "\n1\n" + root + "\n",
                "a\n\n" + root + "\n",
                "a\n01\n" + root + "\n",
                "a\n+1\n" + root + "\n",
                "a\n-1\n" + root + "\n",
                "a\n1 \n" + root + "\n",
                "a\n\u0661\n" + root + "\n",
                "a\n9223372036854775808\n" + root + "\n",
                "a\n1\nAAAA\n",
                "a\n1\n" + root.replace("AAA=", "AAB=") + "\n",
                "a\n1\n" + root + "\n\n",
                "a\n1\n" + root + "\n\nextension\n")) {
            assertThatThrownBy(() -> Checkpoint.parse(text)).as(text).isInstanceOf(NotProvenException.class);
        }
    }

    @Test
    void readsCheckpointsAndWritesThemAsTheyWere() throws Exception {
        String text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        Checkpoint checkpoint = Checkpoint.parse(text);

        assertThat(checkpoint.origin()).isEqualTo("example.com/behind-the-sofa");
        assertThat(checkpoint.size()).isEqualTo(20_852_163);
        assertThat(checkpoint.text()).isEqualTo(text);
        assertThat(Checkpoint.parse(text + "one\ntwo\n").extensions()).containsExactly("one", "two");
        assertThat(Checkpoint.parse("a\n9223372036854775807\n" + text.substring(text.lastIndexOf('\n', 60) + 1))
                        .size())
                .isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void acceptsTheWordOfTheLogAndOfAsManyWitnessesAsAsked() throws Exception {
        SignedNote note = SignedNote.parse(bytes(log.note(TEXT) + witness.line(TEXT, 5) + witness.line(TEXT, 6)));
        Set<VerifierKey> witnesses = Set.of(witness.key(), second.key());

        assertThat(TrustPolicy.of("log.example", log.key()).accept(note).size()).isEqualTo(7);
        assertThatCode(() -> new TrustPolicy("log.example", Set.of(log.key()), witnesses, 1).accept(note))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> new TrustPolicy("log.example", Set.of(log.key()), witnesses, 2).accept(note))
                .hasMessage("1 known witnesses, not 2");
        assertThatThrownBy(() -> TrustPolicy.of("log.example/2", log.key()).accept(note))
                .hasMessage("the log is `log.example`, not `log.example/2`");
        assertThatThrownBy(() -> TrustPolicy.of("log.example", stranger.key()).accept(note))
                .isInstanceOf(NotProvenException.class);
        assertThatThrownBy(() -> TrustPolicy.of("log.example", witness.key()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
