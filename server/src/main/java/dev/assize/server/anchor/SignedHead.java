package dev.assize.server.anchor;

import dev.assize.server.ledger.note.CheckpointText;
import dev.assize.server.ledger.note.MalformedNoteException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;

/**
 * The end of a ledger as it is signed.
 *
 * @param incarnation of the ledger; each has a tree of its own
 * @param size entries in the tree
 * @param root of the tree (RFC 6962)
 */
public record SignedHead(TenantId tenant, int incarnation, long size, Digest root) {

    /**
     * The text of the checkpoint (C2SP tlog-checkpoint): origin, size, root. Signed it is the checkpoint; as it stands it
     * is a leaf of the log of heads.
     *
     * @param deployment what the origin of every ledger here begins with
     */
    public String text(String deployment) {
        return new CheckpointText(origin(deployment, tenant.value(), incarnation), size, root.bytes()).text();
    }

    static String origin(String deployment, String log, int incarnation) {
        return deployment + "/" + log + "/" + incarnation;
    }

    /** The head that a text names. Refuses what is no such text of this deployment. */
    static SignedHead parse(String deployment, String text) {
        try {
            CheckpointText checkpoint = CheckpointText.parse(text);
            String[] log =
                    checkpoint.origin().substring(deployment.length() + 1).split("/", -1);
            SignedHead head = new SignedHead(
                    new TenantId(log[0]), Integer.parseInt(log[1]), checkpoint.size(), Digest.of(checkpoint.root()));
            if (head.text(deployment).equals(text)) {
                return head;
            }
        } catch (MalformedNoteException | MalformedException | NumberFormatException | IndexOutOfBoundsException e) {
            throw new OutsideCorruptException("a head outside is `" + text.strip() + "`: " + e.getMessage());
        }
        throw new OutsideCorruptException("a head outside is `" + text.strip() + "`: expected one of " + deployment);
    }

    /** Whether this one takes the place of the other: a longer tree, or a later incarnation. */
    boolean isBehind(SignedHead other) {
        return incarnation < other.incarnation || (incarnation == other.incarnation && size < other.size);
    }
}
