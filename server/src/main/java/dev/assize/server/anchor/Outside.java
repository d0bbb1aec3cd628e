package dev.assize.server.anchor;

import dev.assize.server.anchor.OutsideCopy.ObjectName;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pcollections.HashTreePMap;
import org.pcollections.PMap;

/**
 * Reads and advances the outside copy. What it reads it holds to its signature, to its hashes, and to what was read
 * before: a copy that has become shorter is no copy of ours.
 */
final class Outside {

    /** Objects of leaves before they are put together into one with all heads. */
    private static final int MOST_LEAF_OBJECTS = 64;

    private final OutsideStore store;
    private final CheckpointSigner signer;
    private final SecureRandom random = new SecureRandom();

    Outside(OutsideStore store, CheckpointSigner signer) {
        this.store = store;
        this.signer = signer;
    }

    String describe() {
        return store.describe();
    }

    /**
     * The copy as it stands; empty where there is none.
     *
     * @param known what was read or written before, which need not be read again; null where nothing was
     */
    Optional<OutsideCopy> read(String deployment, @Nullable OutsideCopy known) {
        OutsideStore.Versioned object = store.read(OutsideCopy.OBJECT).orElse(null);
        if (object == null) {
            return Optional.empty();
        }
        if (known != null && object.version().equals(known.version())) {
            return Optional.of(known);
        }
        OutsideCopy copy = parse(deployment, object);
        if (known != null) {
            requireContinued(known, copy);
        }
        return Optional.of(withHeads(deployment, copy, known));
    }

    /** Makes the first copy of a database that has none. Empty where somebody else was faster. */
    Optional<OutsideCopy> create(String deployment) {
        OutsideCopy first =
                new OutsideCopy("", newId(), 1, Frontier.empty(), "", List.of(), List.of(), HashTreePMap.empty());
        return replace(deployment, first, null);
    }

    /**
     * Makes a copy with these heads for a database whose copy is lost: an incarnation of the log of heads that begins with
     * them. Empty where somebody else was faster.
     */
    Optional<OutsideCopy> createWith(String deployment, int incarnation, List<SignedHead> heads) {
        OutsideCopy empty = new OutsideCopy(
                "", newId(), incarnation, Frontier.empty(), "", List.of(), List.of(), HashTreePMap.empty());
        return heads.isEmpty() ? replace(deployment, empty, null) : advance(deployment, empty, heads);
    }

    /**
     * Adds heads, in their order, as leaves of the log of heads. Empty where somebody else has changed the copy since it
     * was read, and nothing is changed.
     */
    Optional<OutsideCopy> advance(String deployment, OutsideCopy from, List<SignedHead> heads) {
        PMap<TenantId, SignedHead> present = from.heads();
        List<String> leaves = new ArrayList<>();
        for (SignedHead head : heads) {
            present = present.plus(head.tenant(), head);
            leaves.add(head.text(deployment));
        }
        byte[] content = OutsideCopy.join(leaves);
        ObjectName added = ObjectName.leaves(from.size(), from.size() + leaves.size(), content);
        store.put(added.toString(), content);
        List<ObjectName> objects = new ArrayList<>(from.objects());
        objects.add(added);
        boolean full = objects.size() > MOST_LEAF_OBJECTS;
        OutsideCopy next = new OutsideCopy(
                "",
                from.anchorId(),
                from.incarnation(),
                from.grown(leaves),
                "",
                full ? objects : from.past(),
                full ? List.of(together(deployment, from.size() + leaves.size(), present)) : objects,
                present);
        Optional<OutsideCopy> replaced =
                replace(deployment, next, from.version().isEmpty() ? null : from.version());
        if (full && replaced.isPresent()) {
            from.past().forEach(name -> store.remove(name.toString()));
        }
        return replaced;
    }

    /**
     * Begins the log of heads anew, with every head there is as its first leaves: for a database that has lost leaves
     * which nobody has any more.
     */
    Optional<OutsideCopy> beginAnew(String deployment, OutsideCopy from) {
        OutsideCopy empty = new OutsideCopy(
                from.version(),
                from.anchorId(),
                from.incarnation() + 1,
                Frontier.empty(),
                "",
                List.of(),
                List.of(),
                from.heads());
        return advance(deployment, empty, List.copyOf(from.heads().values()));
    }

    /**
     * The leaves of the log of heads from an index on, as far as they can still be read.
     *
     * @return empty where those from that index on are gone
     */
    Optional<List<String>> leaves(OutsideCopy copy, long from) {
        List<String> leaves = new ArrayList<>();
        long next = from;
        List<ObjectName> names = new ArrayList<>(copy.past());
        names.addAll(copy.objects());
        for (ObjectName name : names) {
            if (name.isLeaves() && name.from() <= next && next < name.to()) {
                List<String> all = OutsideCopy.split(content(name));
                leaves.addAll(all.subList((int) (next - name.from()), all.size()));
                next = name.to();
            }
        }
        return next == copy.size() ? Optional.of(leaves) : Optional.empty();
    }

    private String newId() {
        byte[] id = new byte[16];
        random.nextBytes(id);
        return HexFormat.of().formatHex(id);
    }

    private ObjectName together(String deployment, long size, PMap<TenantId, SignedHead> heads) {
        byte[] content = OutsideCopy.join(heads.values().stream()
                .map(head -> head.text(deployment))
                .sorted()
                .toList());
        ObjectName name = ObjectName.all(size, content);
        store.put(name.toString(), content);
        return name;
    }

    private Optional<OutsideCopy> replace(String deployment, OutsideCopy next, @Nullable String version) {
        String note = signer.sign(deployment, next.metaText(deployment));
        OutsideCopy signed = new OutsideCopy(
                "", next.anchorId(), next.incarnation(), next.meta(), note, next.past(), next.objects(), next.heads());
        byte[] content = signer.sign(deployment, signed.body()).getBytes(StandardCharsets.UTF_8);
        return store.replace(OutsideCopy.OBJECT, version, content).map(signed::withVersion);
    }

    private OutsideCopy parse(String deployment, OutsideStore.Versioned object) {
        String body = signer.open(deployment, new String(object.content(), StandardCharsets.UTF_8))
                .orElseThrow(() -> OutsideCopy.corrupt("is not signed by a key of this deployment: it is another"
                        + " deployment's, or the signing keys are not the ones it was signed with"));
        OutsideCopy copy = OutsideCopy.parse(object.version(), body);
        requireSound(deployment, copy);
        return copy;
    }

    private void requireSound(String deployment, OutsideCopy copy) {
        if (!signer.isOurs(deployment, copy.note(), copy.metaText(deployment))) {
            throw OutsideCopy.corrupt("holds another checkpoint than that of its tree of " + copy.size() + " leaves");
        }
    }

    private static void requireContinued(OutsideCopy known, OutsideCopy copy) {
        if (!copy.anchorId().equals(known.anchorId())) {
            throw OutsideCopy.corrupt("has become another copy, " + copy.anchorId() + ": it was " + known.anchorId());
        }
        boolean behind = copy.incarnation() < known.incarnation()
                || (copy.incarnation() == known.incarnation() && copy.size() < known.size());
        if (behind) {
            throw OutsideCopy.corrupt(
                    "has " + copy.size() + " leaves and had " + known.size() + ": somebody has put an older one there");
        }
    }

    /** Reads what the known copy does not have; everything where it is no beginning of this one. */
    private OutsideCopy withHeads(String deployment, OutsideCopy copy, @Nullable OutsideCopy known) {
        int shared = known == null ? 0 : known.objects().size();
        boolean continued = known != null
                && copy.objects().size() >= shared
                && copy.objects().subList(0, shared).equals(known.objects());
        PMap<TenantId, SignedHead> heads =
                continued && known != null ? known.heads() : HashTreePMap.<TenantId, SignedHead>empty();
        List<String> added = new ArrayList<>();
        for (ObjectName name :
                continued ? copy.objects().subList(shared, copy.objects().size()) : copy.objects()) {
            for (String text : OutsideCopy.split(content(name))) {
                SignedHead head = SignedHead.parse(deployment, text);
                heads = heads.plus(head.tenant(), head);
                added.add(text);
            }
        }
        OutsideCopy whole = copy.withHeads(heads);
        if (known != null) {
            requireHeadsKept(known, whole);
        }
        if (continued && known != null) {
            requireSameTree(known, whole, added);
        }
        return whole;
    }

    private static void requireHeadsKept(OutsideCopy known, OutsideCopy copy) {
        known.heads().forEach((tenant, head) -> {
            SignedHead present = copy.heads().get(tenant);
            boolean changed = present != null
                    && present.incarnation() == head.incarnation()
                    && present.size() == head.size()
                    && !present.root().equals(head.root());
            if (present == null || present.isBehind(head) || changed) {
                throw OutsideCopy.corrupt("does not have the head of tenant `" + tenant
                        + "` that stood there before, of " + head.size() + " entries");
            }
        });
    }

    /** Another node has added these leaves: its tree must be ours with them behind it. */
    private static void requireSameTree(OutsideCopy known, OutsideCopy copy, List<String> added) {
        if (known.incarnation() == copy.incarnation()
                && !Digest.of(known.grown(added).root()).equals(copy.root())) {
            throw OutsideCopy.corrupt("does not continue the log of heads that stood there before");
        }
    }

    private byte[] content(ObjectName name) {
        return OutsideCopy.verified(name, store.read(name.toString()).orElse(null))
                .orElseThrow(() -> new OutsideCorruptException("the object `" + name + "` outside is gone"));
    }
}
