package dev.assize.client.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

class TlogProofTest {

    private static final byte[] ENTRY = bytes("entry");
    private static final byte[] SIBLING = ChainVerifier.entryHash(bytes("sibling"));

    private final TestSigner log;
    private final String proof;

    TlogProofTest() throws Exception {
        log = TestSigner.log("log.example");
        byte[] root = MerkleProof.node(SIBLING, ChainVerifier.entryHash(ENTRY));
        SignedNote note = SignedNote.parse(bytes(log.note("log.example\n2\n" + base64(root) + "\n")));
        proof = TlogProof.of(1, List.of(SIBLING), note).toString();
    }

    @Test
    void refusesProofsThatAreMalformed() {
        for (String changed : List.of(
                "",
                proof.replace("@v1", "@v2"),
                proof.replace("index 1\n", ""),
                proof.replace("index 1", "index 01"),
                proof.replace("index 1", "index -1"),
                proof.replace("index 1", "index  1"),
                proof.replace("index 1", "Index 1"),
                proof.replace("index 1", "index 9223372036854775808"),
                proof.replace("index 1", "extra \nindex 1"),
                proof.replace("index 1", "extra =\nindex 1"),
                proof.replace("index 1", "extra AAAA\nextra AAAA\nindex 1"),
                proof.replace("index 1\n", "index 1\nAAAA\n"),
                proof.replace("index 1\n", "index 1\n\n"),
                proof.replace("index 1\n", "index 1\n" + (base64(SIBLING) + "\n").repeat(63)),
                proof.replace("\n\nlog", "\nlog"))) {
            assertThatThrownBy(() -> TlogProof.parse(bytes(changed)).verify(leaf(), policy()))
                    .as(changed)
                    .isInstanceOf(NotProvenException.class);
        }
    }

    @Test
    void refusesAProofOfWhichAnyCharacterWasChanged() throws Exception {
        for (int i = 0; i < proof.length(); i++) {
            for (char other : new char[] {'A', 'B', '0', '\n', ' '}) {
                String changed = proof.substring(0, i) + other + proof.substring(i + 1);
                if (other != proof.charAt(i)) {
                    assertThatThrownBy(() -> TlogProof.parse(bytes(changed)).verify(leaf(), policy()))
                            .as(changed)
                            .isInstanceOf(NotProvenException.class);
                }
            }
        }
    }

    @Test
    void refusesAnotherEntry() throws Exception {
        TlogProof parsed = TlogProof.parse(bytes(proof));
        assertThatThrownBy(() -> parsed.verify(SIBLING, policy())).hasMessage("the path leads to another root");
    }

    @Test
    void provesTheEntryAndWritesItselfAsItWas() throws Exception {
        TlogProof parsed = TlogProof.parse(bytes(proof));

        assertThat(parsed.verify(leaf(), policy()).size()).isEqualTo(2);
        assertThat(parsed.index()).isEqualTo(1);
        assertThat(parsed).hasToString(proof);
        String withExtra = proof.replace("index 1", "extra YWJj\nindex 1");
        assertThat(TlogProof.parse(bytes(withExtra)).extra()).contains(bytes("abc"));
        assertThat(TlogProof.parse(bytes(withExtra))).hasToString(withExtra);
    }

    @Test
    void provesTheOnlyEntryOfALog() throws Exception {
        SignedNote note = SignedNote.parse(bytes(log.note("log.example\n1\n" + base64(leaf()) + "\n")));
        TlogProof single =
                TlogProof.parse(bytes(TlogProof.of(0, List.of(), note).toString()));

        assertThat(single.verify(leaf(), policy()).size()).isEqualTo(1);
        assertThatThrownBy(() -> single.verify(SIBLING, policy())).isInstanceOf(NotProvenException.class);
    }

    private TrustPolicy policy() throws NotProvenException {
        return TrustPolicy.of("log.example", log.key());
    }

    private static byte[] leaf() {
        return ChainVerifier.entryHash(ENTRY);
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
