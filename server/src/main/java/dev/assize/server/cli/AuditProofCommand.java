package dev.assize.server.cli;

import dev.assize.client.ledger.TlogProof;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Gets the proof of one entry. */
@Command(
        name = "proof",
        description =
                "Writes a file that proves an entry of --tenant to stand in the ledger: the entry, the hashes that"
                        + " lead to a signed checkpoint, and the checkpoint (C2SP tlog-proof). `assize audit verify FILE`"
                        + " verifies it without a server.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:no proof could be had", "2:usage", "3:the ledger is not what was signed"})
public final class AuditProofCommand extends ProofCommand {

    @Parameters(paramLabel = "SEQ", description = "The entry's position.")
    private long seq;

    AuditProofCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) throws Exception {
        requireOutput();
        return proving(proofs -> {
            TlogProof proof = proofs.prove(seq);
            out().println("PROVEN  "
                    + output().write(to -> {
                        to.write(proof.toString().getBytes(StandardCharsets.UTF_8));
                        return "entry " + seq + ", in " + output();
                    }));
        });
    }
}
