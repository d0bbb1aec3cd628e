package dev.assize.server.anchor;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TrustPolicy;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.ledger.note.SigningKeys;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The key that signs changes while nodes run. */
class SigningKeyRotationTest {

    private static final TenantId ACME = new TenantId("acme");

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void make() {
        database = TestDatabase.migrated();
    }

    @AfterEach
    void drop() {
        database.close();
    }

    @Test
    void aNodeThatDoesNotKnowTheKeyRefusesUntilItDoes() throws IOException {
        try (AnchoredNode one = node("one");
                AnchoredNode other = nodeWithCopyOf("one", "other", one)) {
            other.append(ACME, 1);
            assertThat(one.round()).isEmpty();
            SigningKeys.rotate(directory.resolve("one"), one.repository().deployment());
            other.append(ACME, 1);
            assertThat(one.round()).isEmpty();

            assertThat(other.round()).contains("not signed by a key of this deployment");
            assertThatThrownBy(() -> other.append(ACME, 1)).isInstanceOf(LedgerUnanchoredException.class);

            copy("one", "other", "verifiers");
            assertThat(other.round()).isEmpty();
            other.append(ACME, 1);
            assertThat(other.round()).isEmpty();
        }
    }

    @Test
    void nodesTakeTheNextKeyWithoutARestart() throws Exception {
        List<String> notes = new ArrayList<>();
        try (AnchoredNode one = node("one");
                AnchoredNode other = nodeWithCopyOf("one", "other", one)) {
            String deployment = one.repository().deployment();
            notes.add(signed(one, other));

            SigningKeys.prepare(directory.resolve("one"), deployment);
            copy("one", "other", "verifiers");
            notes.add(signed(one, other));
            notes.add(signed(other, one));

            String key = SigningKeys.activate(directory.resolve("one"), deployment)
                    .signer()
                    .verifierKey()
                    .toString();
            notes.add(signed(one, other));
            notes.add(signed(other, one));
            assertThat(one.checkpoints().latest(ACME).orElseThrow().verifierKeys())
                    .startsWith(key)
                    .hasSize(2);

            copy("one", "other", "signer");
            notes.add(signed(other, one));
            List<String> keys =
                    notes.stream().map(SigningKeyRotationTest::keyOf).toList();
            String old = keys.getFirst();
            String fresh = keys.getLast();
            assertThat(keys).containsExactly(old, old, old, fresh, old, fresh);
            assertThat(fresh).isNotEqualTo(old);

            for (String note : notes) {
                assertThat(one.verifySigned(ACME, note)).isInstanceOf(Sound.class);
            }
            verifiesWithBothKeysOnly(deployment, notes);
            assertThat(records()).containsExactly(key);
        }
        try (AnchoredNode again = node("one")) {
            assertThat(again.round()).isEmpty();
            assertThat(records()).hasSize(1);
        }
    }

    /** With code that shares nothing with the server's. */
    private void verifiesWithBothKeysOnly(String deployment, List<String> notes) throws Exception {
        List<String> keys = Files.readAllLines(directory.resolve("other").resolve("verifiers"));
        VerifierKey[] both = {VerifierKey.parse(keys.get(0)), VerifierKey.parse(keys.get(1))};
        String origin = deployment + "/acme/1";
        for (String note : notes) {
            TrustPolicy.of(origin, both).accept(SignedNote.parse(note.getBytes(UTF_8)));
        }
        SignedNote first = SignedNote.parse(notes.getFirst().getBytes(UTF_8));
        assertThatThrownBy(() -> TrustPolicy.of(origin, both[1]).accept(first)).isInstanceOf(NotProvenException.class);
    }

    private static String keyOf(String note) {
        String[] parts = note.strip().split(" ", -1);
        return parts[parts.length - 1].substring(0, 5);
    }

    /** Appends, and has one node sign and the other look. */
    private static String signed(AnchoredNode signer, AnchoredNode looking) {
        signer.append(ACME, 3);
        assertThat(signer.round()).isEmpty();
        assertThat(looking.round()).isEmpty();
        return signer.checkpoints().latest(ACME).orElseThrow().signed().note();
    }

    private AnchoredNode node(String keys) {
        return AnchoredNode.start(database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve(keys));
    }

    /** Each machine has a directory of its own, with the same in it. */
    private AnchoredNode nodeWithCopyOf(String from, String to, AnchoredNode first) throws IOException {
        assertThat(first.round()).isEmpty();
        Files.createDirectory(directory.resolve(to));
        copy(from, to, "signer");
        copy(from, to, "verifiers");
        AnchoredNode node = node(to);
        assertThat(node.round()).isEmpty();
        return node;
    }

    private void copy(String from, String to, String file) throws IOException {
        Files.copy(
                directory.resolve(from).resolve(file),
                directory.resolve(to).resolve(file),
                StandardCopyOption.REPLACE_EXISTING,
                StandardCopyOption.COPY_ATTRIBUTES);
    }

    private List<String> records() throws SQLException {
        List<String> keys = new ArrayList<>();
        try (Connection superuser = DriverManager.getConnection(
                        database.superuser().url(),
                        database.superuser().user(),
                        database.superuser().password());
                Statement statement = superuser.createStatement();
                ResultSet row = statement.executeQuery("SELECT s.vkey FROM assize.ledger_entry e"
                        + " JOIN assize.signing_key s ON position(s.vkey || '\",\"before' IN encode(e.frame, 'escape')) > 0"
                        + " WHERE e.tenant_id = 'assize' AND e.type = 'assize.ledger.signing-key'")) {
            while (row.next()) {
                keys.add(row.getString(1));
            }
        }
        return keys;
    }
}
