package dev.assize.server.ledger.note;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.secret.OwnedFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SigningKeysTest {

    private static final String NAME = "assize.local/00112233445566778899aabbccddeeff";

    @TempDir
    private Path home;

    @Test
    void refusesAPrivateKeyThatOthersMayRead() throws IOException {
        SigningKeys.open(directory(), NAME);
        Path signer = directory().resolve("signer");
        Files.setPosixFilePermissions(signer, PosixFilePermissions.fromString("rw-r-----"));

        assertThatThrownBy(() -> SigningKeys.open(directory(), NAME))
                .isInstanceOf(OwnedFileException.class)
                .hasMessage("`" + signer + "` has mode rw-r-----: expected rw------- (0600), readable by its owner"
                        + " only; run `chmod 600 " + signer + "`");
    }

    @Test
    void refusesPublicKeysThatOthersMayWrite() throws IOException {
        SigningKeys.open(directory(), NAME);
        Files.setPosixFilePermissions(directory().resolve("verifiers"), PosixFilePermissions.fromString("rw-rw-r--"));

        assertThatThrownBy(() -> SigningKeys.open(directory(), NAME)).hasMessageContaining("chmod 644");
    }

    @Test
    void refusesToInventAKeyWhereOneIsLost() throws IOException {
        SigningKeys.open(directory(), NAME);
        Files.delete(directory().resolve("signer"));

        assertThatThrownBy(() -> SigningKeys.open(directory(), NAME))
                .isInstanceOf(OwnedFileException.class)
                .hasMessageContaining("signer` is missing");
        assertThat(SigningKeys.rotate(directory(), NAME).verifierKeys()).hasSize(2);
    }

    @Test
    void refusesTheKeyOfAnotherDeployment() {
        SigningKeys.open(directory(), "assize.local/other");

        assertThatThrownBy(() -> SigningKeys.open(directory(), NAME))
                .isInstanceOf(OwnedFileException.class)
                .hasMessageContaining("`" + NAME + "`");
    }

    @Test
    void refusesWhatIsNoKeyWithoutRepeatingIt() throws IOException {
        SigningKeys.open(directory(), NAME);
        Path signer = directory().resolve("signer");
        String secret = Files.readString(signer).strip();
        Files.writeString(signer, secret.substring(0, secret.length() - 4));

        assertThatThrownBy(() -> SigningKeys.open(directory(), NAME))
                .isInstanceOf(OwnedFileException.class)
                .hasMessageContaining("PRIVATE+KEY+<name>+<id>+<key>")
                .message()
                .doesNotContain(secret.substring(secret.length() - 30, secret.length() - 8));
    }

    @Test
    void refusesAKeyWithAnotherId() throws IOException {
        SigningKey key = SigningKey.generate(NAME, SignatureType.NOTE);
        String changed =
                key.secret().replace("+" + VerifierKey.hex(key.verifierKey().id()) + "+", "+00000000+");

        assertThatThrownBy(() -> SigningKey.parse(changed)).isInstanceOf(MalformedNoteException.class);
        assertThatThrownBy(() -> VerifierKey.parse(key.toString().replaceFirst("\\+[0-9a-f]{8}\\+", "+00000000+")))
                .isInstanceOf(MalformedNoteException.class);
    }

    @Test
    void refusesNamesThatBreakTheLine() {
        for (String name : new String[] {"", "a b", "a+b", "a\u2003b", "a\nb", "a\u0085b", "a\tb"}) {
            assertThatThrownBy(() -> SigningKey.generate(name, SignatureType.NOTE))
                    .isInstanceOf(MalformedNoteException.class);
        }
    }

    @Test
    void makesTheFirstKeyForItsOwnerOnlyAndReadsItBack() throws IOException {
        SigningKeys made = SigningKeys.open(directory(), NAME);

        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(directory().resolve("signer"))))
                .isEqualTo("rw-------");
        assertThat(Files.readString(directory().resolve("verifiers")))
                .isEqualTo(made.signer().verifierKey() + "\n");
        assertThat(SigningKeys.open(directory(), NAME).verifierKeys())
                .containsExactly(made.signer().verifierKey());
    }

    @Test
    void keepsVerifyingWhatOlderKeysSigned() {
        String note = SigningKeys.open(directory(), NAME).signer().sign("before\n");
        SigningKeys rotated = SigningKeys.rotate(directory(), NAME);
        String later = rotated.signer().sign("after\n");

        SigningKeys read = SigningKeys.open(directory(), NAME);
        assertThat(read.verifierKeys()).hasSize(2).startsWith(rotated.signer().verifierKey());
        assertThat(read.verifier().open(note)).contains("before\n");
        assertThat(read.verifier().open(later)).contains("after\n");
        assertThat(new NoteVerifier(read.verifierKeys().subList(0, 1)).open(note))
                .isEmpty();
    }

    @Test
    void refusesToActivateWhatWasNotPrepared() {
        SigningKeys.open(directory(), NAME);

        assertThatThrownBy(() -> SigningKeys.activate(directory(), NAME))
                .isInstanceOf(OwnedFileException.class)
                .hasMessageContaining("next` is missing");
    }

    @Test
    void makesNoKeyWhereTheDirectoryHasGone() {
        assertThatThrownBy(() -> SigningKeys.reopen(directory(), NAME)).isInstanceOf(OwnedFileException.class);
        assertThat(directory()).doesNotExist();
    }

    @Test
    void publishesTheNextKeyBeforeItSigns() throws IOException {
        SigningKeys before = SigningKeys.open(directory(), NAME);
        VerifierKey next = SigningKeys.prepare(directory(), NAME);

        assertThat(SigningKeys.prepare(directory(), NAME)).as("again").isEqualTo(next);
        SigningKeys prepared = SigningKeys.open(directory(), NAME);
        assertThat(prepared.signer().verifierKey()).isEqualTo(before.signer().verifierKey());
        assertThat(prepared.verifierKeys()).containsExactly(before.signer().verifierKey(), next);
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(directory().resolve("next"))))
                .isEqualTo("rw-------");

        SigningKeys activated = SigningKeys.activate(directory(), NAME);
        assertThat(activated.signer().verifierKey()).isEqualTo(next);
        assertThat(activated.verifierKeys())
                .containsExactly(next, before.signer().verifierKey());
        assertThat(prepared.verifier().open(activated.signer().sign("after\n")))
                .as("a node that knows the prepared key only")
                .contains("after\n");
        assertThat(directory().resolve("next")).doesNotExist();
    }

    @Test
    void startsThatRaceHaveOneKey() throws Exception {
        int nodes = 8;
        for (int round = 0; round < 10; round++) {
            Path shared = home.resolve("race-" + round);
            CountDownLatch start = new CountDownLatch(1);
            List<Future<SigningKeys>> opened = new ArrayList<>();
            try (ExecutorService threads = Executors.newFixedThreadPool(nodes)) {
                for (int i = 0; i < nodes; i++) {
                    opened.add(threads.submit(() -> {
                        start.await();
                        return SigningKeys.open(shared, NAME);
                    }));
                }
                start.countDown();
                Set<List<VerifierKey>> keys = new HashSet<>();
                for (Future<SigningKeys> one : opened) {
                    keys.add(one.get().verifierKeys());
                }
                assertThat(keys).containsExactly(SigningKeys.open(shared, NAME).verifierKeys());
                assertThat(keys)
                        .singleElement()
                        .satisfies(only -> assertThat(only).hasSize(1));
            }
            try (Stream<Path> files = Files.list(shared)) {
                assertThat(files.map(file -> file.getFileName().toString()))
                        .containsExactlyInAnyOrder("signer", "verifiers");
            }
        }
    }

    @Test
    void publishesAKeyThatWasPutInPlaceByHand() throws IOException {
        SigningKeys made = SigningKeys.open(directory(), NAME);
        Files.delete(directory().resolve("verifiers"));

        assertThat(SigningKeys.open(directory(), NAME).verifierKeys())
                .containsExactly(made.signer().verifierKey());
        assertThat(directory().resolve("verifiers")).exists();
    }

    private Path directory() {
        return home.resolve("ledger-keys");
    }
}
