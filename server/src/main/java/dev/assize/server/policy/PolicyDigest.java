package dev.assize.server.policy;

import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * Names a policy, and a change of it, by what it says.
 *
 * <p>Anyone with an export can compute both; docs/policy-reference.md says how. With {@code str(s)} for the length
 * of {@code s} in UTF-8 bytes as u32 followed by those bytes, all integers big-endian, SHA-256 runs over
 *
 * <pre>
 * policy: "assize/v2/policy"        0x00 str(scope) u64 count  lanes
 * change: "assize/v1/policy-change" 0x00 str(scope) u64 count
 *         { 0x01 str(kind) str(name) str(yaml) | 0x02 str(kind) str(name) }*
 * </pre>
 *
 * where scope is the tenant's name, or `~platform`; lanes are those of the {@link PolicySum} of all documents; yaml is
 * the document in its canonical layout, as exported; and the parts of a change stand in the order of kind, then name,
 * both as bytes. Every part carries its length and its count, so no two different changes run the same bytes through
 * the hash, and a policy never the bytes of a change.
 */
public final class PolicyDigest {

    private static final String POLICY = "assize/v2/policy\0";
    private static final String CHANGE = "assize/v1/policy-change\0";
    private static final byte PUT = 1;
    private static final byte DELETE = 2;

    /** Kinds and names are ASCII, so that the order of their characters is that of their bytes. */
    private static final Comparator<DocumentKey> ORDER =
            Comparator.comparing((DocumentKey key) -> key.kind().text()).thenComparing(DocumentKey::name);

    private final MessageDigest sha256 = Digest.newSha256();

    private PolicyDigest() {}

    /** The digest of all documents of a scope, from nothing but them. */
    public static Digest ofPolicy(PolicySet policy) {
        return ofPolicy(policy.scope(), policy.size(), PolicySum.of(policy.documents()));
    }

    /** The digest of a scope's documents, of which there are {@code count}, from what they add up to. */
    public static Digest ofPolicy(PolicyScope scope, long count, PolicySum sum) {
        PolicyDigest digest = new PolicyDigest();
        digest.begin(POLICY, scope, count);
        digest.sha256.update(sum.bytes());
        return Digest.of(digest.sha256.digest());
    }

    /** The digest of a change of a scope; no name may be both put and deleted. */
    public static Digest ofChange(
            PolicyScope scope, Collection<? extends Document> puts, Collection<DocumentKey> deletes) {
        List<Part> parts = new ArrayList<>();
        puts.forEach(document -> parts.add(new Part.Put(document)));
        deletes.forEach(key -> parts.add(new Part.Delete(key)));
        parts.sort(Comparator.comparing(Part::key, ORDER));
        PolicyDigest digest = new PolicyDigest();
        digest.begin(CHANGE, scope, parts.size());
        parts.forEach(digest::addPart);
        return Digest.of(digest.sha256.digest());
    }

    private void begin(String what, PolicyScope scope, long count) {
        sha256.update(what.getBytes(StandardCharsets.US_ASCII));
        addString(scope.key());
        sha256.update(ByteBuffer.allocate(Long.BYTES).putLong(count).flip());
    }

    private void addPart(Part part) {
        switch (part) {
            case Part.Put put -> {
                sha256.update(PUT);
                addDocument(put.document);
            }
            case Part.Delete delete -> {
                sha256.update(DELETE);
                addKey(delete.key);
            }
        }
    }

    private void addDocument(Document document) {
        addKey(document.key());
        addString(DocumentText.write(document));
    }

    private void addKey(DocumentKey key) {
        addString(key.kind().text());
        addString(key.name());
    }

    private void addString(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        sha256.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
        sha256.update(bytes);
    }

    /** What a change does to one document. */
    private sealed interface Part {

        DocumentKey key();

        record Put(Document document) implements Part {
            @Override
            public DocumentKey key() {
                return document.key();
            }
        }

        record Delete(DocumentKey key) implements Part {}
    }
}
