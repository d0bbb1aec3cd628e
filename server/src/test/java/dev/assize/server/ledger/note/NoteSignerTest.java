package dev.assize.server.ledger.note;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class NoteSignerTest {

    /** The example of the specification. */
    private static final String EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    private static final String EXAMPLE = """
            This is an example message.

            — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
            """;

    /** From the tests of Go's note package. */
    private static final String GO_SECRET =
            "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

    private static final String GO_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    private static final String GO_TEXT = """
            If you think cryptography is the answer to your problem,
            then you don't know what your problem is.
            """;

    private static final String GO_SIGNATURE =
            "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    private final SigningKey key = SigningKey.generate("log.example/7", SignatureType.NOTE);

    @Test
    void opensTheExampleOfTheSpecification() {
        NoteVerifier verifier = new NoteVerifier(List.of(VerifierKey.parse(EXAMPLE_KEY)));

        assertThat(verifier.open(EXAMPLE)).contains("This is an example message.\n");
        assertThat(verifier.open(EXAMPLE.replace("example message", "exemplary message")))
                .isEmpty();
    }

    @Test
    void signsAsTheOthersDo() {
        SigningKey peter = SigningKey.parse(GO_SECRET);

        assertThat(peter.verifierKey()).hasToString(GO_PUBLIC);
        assertThat(peter.secret()).isEqualTo(GO_SECRET);
        assertThat(new NoteSigner(peter).sign(GO_TEXT)).isEqualTo(GO_TEXT + "\n" + GO_SIGNATURE);
    }

    @Test
    void refusesTextsThatAreNoNote() {
        NoteSigner signer = new NoteSigner(key);
        for (String text : List.of("", "no end", "tab\t\n", "return\r\n", "half a pair \ud800\n")) {
            assertThatThrownBy(() -> signer.sign(text)).isInstanceOf(MalformedNoteException.class);
        }
    }

    @Test
    void opensNothingThatWasChanged() {
        String note = new NoteSigner(key).sign("log.example/7\n7\nroot\n");
        NoteVerifier verifier = new NoteVerifier(List.of(key.verifierKey()));

        assertThat(verifier.open(note)).isPresent();
        for (int i = 0; i < note.length(); i++) {
            char other = note.charAt(i) == 'A' ? 'B' : 'A';
            assertThat(verifier.open(note.substring(0, i) + other + note.substring(i + 1)))
                    .isEmpty();
            assertThat(verifier.open(note.substring(0, i))).isEmpty();
        }
    }

    @Test
    void opensWhatStrangersSignedToo() {
        SigningKey stranger = SigningKey.generate("stranger.example", SignatureType.NOTE);
        String note = new NoteSigner(key).sign("text\n");
        String both = note + new NoteSigner(stranger).sign("text\n").substring("text\n\n".length());

        assertThat(new NoteVerifier(List.of(key.verifierKey())).open(both)).contains("text\n");
        assertThat(new NoteVerifier(List.of()).open(both)).isEmpty();
        String falseToo = note + new NoteSigner(stranger).sign("other\n").substring("other\n\n".length());
        assertThat(new NoteVerifier(List.of(key.verifierKey(), stranger.verifierKey())).open(falseToo))
                .isEmpty();
    }

    @Test
    void cosignsWithTheTime() {
        SigningKey witness = SigningKey.generate("witness.example", SignatureType.COSIGNATURE);
        CheckpointText checkpoint = new CheckpointText("log.example/7", 7, new byte[32]);
        String note =
                new NoteSigner(key).sign(checkpoint.text()) + new NoteSigner(witness).cosign(checkpoint, 1_772_366_400);

        assertThat(new NoteVerifier(List.of(witness.verifierKey())).open(note)).contains(checkpoint.text());
        assertThat(new NoteVerifier(List.of(witness.verifierKey())).open(note.replace("\n7\n", "\n8\n")))
                .isEmpty();
        assertThatThrownBy(() -> new NoteSigner(witness).sign("text\n")).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> new NoteSigner(key).cosign(checkpoint, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void writesCheckpointsAndReadsThemBack() {
        byte[] root = HexFormat.of().parseHex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62");
        CheckpointText checkpoint = new CheckpointText("example.com/behind-the-sofa", 20_852_163, root);

        assertThat(CheckpointText.parse(checkpoint.text())).isEqualTo(checkpoint);
        assertThat(checkpoint.text())
                .isEqualTo("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
        for (String text :
                List.of("a\n01\nx\n", "a\n-1\nx\n", "a\n9999999999999999999\nx\n", "a\n1\nAAAA\n", "a\n1\n")) {
            assertThatThrownBy(() -> CheckpointText.parse(text)).isInstanceOf(MalformedNoteException.class);
        }
        assertThatThrownBy(() -> new CheckpointText("a\nb", 0, new byte[32]))
                .isInstanceOf(MalformedNoteException.class);
    }
}
