package dev.assize.client.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Who counts as a signer of a ledger's head, where witnesses are known as well. */
class LedgerHeadTest {

    private static final String DEPLOYMENT = "assize.example.com/00112233445566778899aabbccddeeff";
    private static final String EMPTY = base64(Sha256.of());
    private static final String TEXT = DEPLOYMENT + "/acme/1\n0\n" + EMPTY + "\n";
    private static final String HEADS =
            DEPLOYMENT + "/~meta/1\n1\n" + base64(ChainVerifier.entryHash(bytes(TEXT))) + "\n";

    private final TestSigner log;
    private final TestSigner witness;
    private final TestSigner namesake;

    LedgerHeadTest() throws Exception {
        log = TestSigner.log(DEPLOYMENT);
        witness = TestSigner.witness("witness.example.com");
        namesake = TestSigner.witness(DEPLOYMENT);
    }

    @Test
    void aWitnessMayBeAmongTheTrusted() throws Exception {
        LedgerHead head = head(log.note(TEXT) + witness.line(TEXT, 5), log.note(HEADS) + witness.line(HEADS, 5));
        assertThat(head.verify(Set.of(log.key(), witness.key())).size()).isZero();
        assertThat(head.verify(Set.of(log.key())).size()).isZero();
    }

    @Test
    void aWitnessIsNoSignerOfALedgerWhateverItsName() throws Exception {
        for (TestSigner only : List.of(witness, namesake)) {
            SignedNote note = SignedNote.parse(bytes(TEXT + "\n" + only.line(TEXT, 5)));
            assertThatThrownBy(() -> LedgerHead.verify(note, Set.of(log.key(), only.key())))
                    .isInstanceOf(NotProvenException.class)
                    .hasMessageContaining("is signed by witnesses only");
        }
    }

    @Test
    void aWitnessIsNoSignerOfTheLogOfHeads() throws Exception {
        LedgerHead head = head(log.note(TEXT), HEADS + "\n" + namesake.line(HEADS, 5));
        assertThatThrownBy(() -> head.verify(Set.of(log.key(), namesake.key())))
                .isInstanceOf(NotProvenException.class)
                .hasMessage("no signature of a known key");
    }

    @Test
    void whatAKnownWitnessHasNotSignedIsRefused() throws Exception {
        Set<VerifierKey> both = Set.of(log.key(), witness.key());
        LedgerHead checkpoint = head(log.note(TEXT) + witness.line(HEADS, 5), log.note(HEADS));
        LedgerHead place = head(log.note(TEXT), log.note(HEADS) + witness.line(TEXT, 5));
        for (LedgerHead head : List.of(checkpoint, place)) {
            assertThatThrownBy(() -> head.verify(both))
                    .isInstanceOf(NotProvenException.class)
                    .hasMessage("the signature of `witness.example.com` is false");
        }
    }

    private static LedgerHead head(String checkpoint, String heads) throws NotProvenException {
        TlogProof place = TlogProof.of(0, List.of(), SignedNote.parse(bytes(heads)));
        return new LedgerHead(SignedNote.parse(bytes(checkpoint)), place, List.of());
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
