package dev.assize.server.app;

import com.google.inject.Inject;
import dev.assize.client.ledger.BundleWriter;
import dev.assize.client.ledger.KeptValue;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.LedgerHead;
import dev.assize.client.ledger.LedgerPart;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TlogProof;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.anchor.Checkpoints.Checkpoint;
import dev.assize.server.anchor.Checkpoints.Place;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.retention.ArchiveBundles;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Archived bundles by the client's verifier, which shares no code with the server's ledger: what is about to be deleted is
 * proven by what will have to prove it.
 */
public final class ClientBundles implements ArchiveBundles {

    @Inject
    public ClientBundles() {}

    @Override
    public void write(Path file, Part part, Entries entries) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            LedgerHead head = head(part.checkpoint());
            BundleWriter bundle = BundleWriter.ofPart(head, ledgerPart(part), part.edges(), trusted(head), out);
            entries.read((seq, frame, beside, decisions) -> {
                try {
                    bundle.add(frame, values(seq, beside));
                    if (!decisions.isEmpty()) {
                        bundle.addDecisions(seq, decisions);
                    }
                } catch (NotProvenException e) {
                    throw unproven(e);
                }
            });
            bundle.finish();
        } catch (NotProvenException e) {
            throw unproven(e);
        }
    }

    @Override
    public void verify(Path file, Part part) throws IOException {
        try (LedgerBundle bundle = LedgerBundle.open(file)) {
            LedgerHead head = head(part.checkpoint());
            LedgerBundle.Contents contents = bundle.verify(trusted(head), null, (_, _) -> {});
            if (!bundle.head().checkpoint().toString().equals(head.checkpoint().toString())
                    || contents.from() != part.fromSeq()
                    || contents.to() != part.toSeq()) {
                throw new NotProvenException("it is of another part of the ledger");
            }
        } catch (NotProvenException e) {
            throw unproven(e);
        }
    }

    private static UnprovenException unproven(NotProvenException e) {
        return new UnprovenException(e.seq().orElse(-1), String.valueOf(e.getMessage()), e);
    }

    private static LedgerHead head(Checkpoint checkpoint) throws NotProvenException {
        Place place = Objects.requireNonNull(checkpoint.place());
        List<VerifierKey> keys = new ArrayList<>();
        for (String key : checkpoint.verifierKeys()) {
            keys.add(VerifierKey.parse(key));
        }
        TlogProof proof = TlogProof.of(
                place.leaf().index(), place.proof(), note(place.meta().note()));
        return new LedgerHead(note(checkpoint.signed().note()), proof, keys);
    }

    private static SignedNote note(String note) throws NotProvenException {
        return SignedNote.parse(note.getBytes(StandardCharsets.UTF_8));
    }

    private static LedgerPart ledgerPart(Part part) {
        return new LedgerPart(part.fromSeq(), part.toSeq(), part.prevHash().bytes(), part.proof());
    }

    private static Set<VerifierKey> trusted(LedgerHead head) {
        return new HashSet<>(head.keys());
    }

    private static List<KeptValue> values(long seq, List<ErasableValue> beside) {
        return beside.stream()
                .map(value -> new KeptValue(seq, value.field(), value.salt(), value.value()))
                .toList();
    }
}
