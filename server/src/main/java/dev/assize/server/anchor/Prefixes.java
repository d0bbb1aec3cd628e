package dev.assize.server.anchor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRepository.PrunedRow;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Knows where ledgers begin whose first entries were pruned. What the database says of it counts only if one of our keys
 * has signed it, and an entry of the ledger says so, too.
 */
public final class Prefixes {

    /** The type of the entries that record it. */
    public static final String TYPE = AuditEvent.OWN_TYPES + "ledger.pruned";

    /** Where the signed note stands in their payload. */
    public static final String NOTE = "note";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final AnchorRepository repository;
    private final CheckpointSigner signer;
    private final AuditCodec codec;

    @Inject
    Prefixes(AnchorRepository repository, CheckpointSigner signer, AuditCodec codec) {
        this.repository = repository;
        this.signer = signer;
        this.codec = codec;
    }

    /** The last prefix that was pruned; empty where the ledger begins with entry 0, or what is said of it is not ours. */
    public Optional<PrunedPrefix> of(TenantId tenant) {
        return Optional.ofNullable(find(tenant).prefix);
    }

    /** The first position that the ledger has; 0 where nothing was pruned. */
    public long base(TenantId tenant) {
        return find(tenant).base();
    }

    /** The entry that says where the ledger begins; -1 where it begins with entry 0. */
    public long recordedBy(TenantId tenant) {
        return find(tenant).prunedSeq;
    }

    /** Throws where an entry was pruned. */
    public void requireHere(TenantId tenant, long seq) {
        archived(tenant, seq).ifPresent(object -> {
            throw new PrunedException(tenant, seq, object);
        });
    }

    /** Where an entry is archived that was pruned; empty where it was not. */
    public Optional<String> archived(TenantId tenant, long seq) {
        return repository.pruned(tenant).stream()
                .filter(row -> seq < row.toSeq())
                .findFirst()
                .map(row -> open(signer, repository.deployment(), tenant, row)
                        .map(PrunedPrefix::object)
                        .orElse("an unknown object"));
    }

    /** Where the ledger begins, or what speaks against what the database says of it. */
    Found find(TenantId tenant) {
        List<PrunedRow> rows = repository.pruned(tenant);
        if (rows.isEmpty()) {
            return Found.NOTHING;
        }
        PrunedRow row = rows.getLast();
        PrunedPrefix prefix = open(signer, repository.deployment(), tenant, row).orElse(null);
        if (prefix == null) {
            return new Found(null, row.prunedSeq(), fault(row, "is not signed by a key of this deployment"));
        }
        return isRecorded(row)
                ? new Found(prefix, row.prunedSeq(), null)
                : new Found(null, row.prunedSeq(), fault(row, "is in no entry of the ledger"));
    }

    /** The signed text of what was pruned. */
    public String seal(PrunedPrefix prefix) {
        String deployment = repository.deployment();
        return signer.sign(deployment, prefix.text(deployment));
    }

    static Optional<PrunedPrefix> open(CheckpointSigner signer, String deployment, TenantId tenant, PrunedRow row) {
        return signer.open(deployment, row.note())
                .flatMap(text -> PrunedPrefix.parse(deployment, tenant, text))
                .filter(prefix -> prefix.to() == row.toSeq());
    }

    /**
     * What speaks against any of what was pruned: each must begin where the one before ends, and what its entries show to
     * have been done must be what was written down then.
     */
    @Nullable
    Fault faultOfAll(TenantId tenant) {
        long end = 0;
        for (PrunedRow row : repository.pruned(tenant)) {
            PrunedPrefix prefix =
                    open(signer, repository.deployment(), tenant, row).orElse(null);
            if (prefix == null) {
                return fault(row, "is not signed by a key of this deployment");
            }
            if (prefix.from() != end) {
                return fault(row, "leaves out what was pruned before entry " + prefix.from());
            }
            if (!repository.pastActions(tenant, row.toSeq()).equals(prefix.actions())) {
                return new Fault(
                        prefix.from(),
                        Kind.PROJECTION,
                        "what entries " + prefix.from() + " to " + (prefix.to() - 1)
                                + " show to have been done is not what was kept of it when they were pruned");
            }
            end = prefix.to();
        }
        return null;
    }

    private boolean isRecorded(PrunedRow row) {
        byte[] frame = row.entryFrame();
        if (frame == null) {
            return false;
        }
        try {
            AuditEvent event =
                    codec.decode(frame, Digest.sha256(new byte[] {0}, frame)).event();
            String payload = event.payload();
            return event.type().equals(TYPE)
                    && payload != null
                    && JSON.readTree(payload).path(NOTE).asText().equals(row.note());
        } catch (JsonProcessingException | MalformedFrameException | MalformedException e) {
            return false;
        }
    }

    private static Fault fault(PrunedRow row, String what) {
        return new Fault(
                Math.max(0, row.toSeq() - 1),
                Kind.SEQUENCE,
                "that entries before " + row.toSeq() + " were pruned " + what);
    }

    /** A prefix, what speaks against it, or neither. */
    record Found(
            @Nullable PrunedPrefix prefix,
            long prunedSeq,
            @Nullable Fault fault) {

        static final Found NOTHING = new Found(null, -1, null);

        /** The first position of the ledger. */
        long base() {
            return prefix == null ? 0 : prefix.to();
        }
    }
}
