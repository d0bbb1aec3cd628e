package dev.assize.server.cli;

import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.LedgerHead;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportAuditResponse;
import dev.assize.proto.v1.ExportFormat;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Iterator;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Writes entries to a file. */
@Command(
        name = "export",
        description = {
            "Writes entries of --tenant to a file, oldest first. All conditions given must hold.",
            "A bundle is a tar file that `assize audit verify FILE` verifies without a server. It holds the whole"
                    + " ledger from its first entry up to its latest checkpoint, so it takes no conditions."
        })
public final class AuditExportCommand extends ProofCommand {

    @Option(
            names = "--format",
            required = true,
            paramLabel = "csv|jsonl|bundle",
            converter = FormatConverter.class,
            description = "csv: RFC 4180; jsonl: a JSON object a line, with the frame; bundle: everything, provable.")
    private Format format = Format.CSV;

    @Mixin
    private AuditConditions conditions = new AuditConditions();

    @Option(names = "--from-seq", paramLabel = "SEQ", description = "First position; default: 0.")
    private @Nullable Long fromSeq;

    @Option(names = "--to-seq", paramLabel = "SEQ", description = "Last position, included; default: the head.")
    private @Nullable Long toSeq;

    /** What the file is. */
    enum Format {
        CSV,
        JSONL,
        BUNDLE
    }

    /** As people write it, without a word about Java. */
    static final class FormatConverter implements ITypeConverter<Format> {
        @Override
        public Format convert(String text) {
            try {
                return Format.valueOf(text.toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException none) {
                throw new TypeConversionException("`" + text + "`: expected csv, jsonl or bundle");
            }
        }
    }

    AuditExportCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) throws Exception {
        requireOutput();
        return switch (format) {
            case BUNDLE -> bundle();
            case CSV -> text(connection, ExportFormat.EXPORT_FORMAT_CSV);
            case JSONL -> text(connection, ExportFormat.EXPORT_FORMAT_JSON_LINES);
        };
    }

    private int bundle() throws Exception {
        if (!conditions.isEmpty() || fromSeq != null || toSeq != null) {
            throw usage("a bundle holds the whole ledger: leave out the conditions, or choose another --format");
        }
        return proving(proofs -> {
            try (ProgressBar bar = new ProgressBar(err(), surroundings().terminal())) {
                LedgerHead head = output().write(to -> proofs.writeBundle(to, bar::update));
                Checkpoint checkpoint = Checkpoint.parse(head.checkpoint().text());
                done(checkpoint.size(), " of " + checkpoint.origin());
            }
        });
    }

    private int text(Connection connection, ExportFormat wanted) throws Exception {
        ExportAuditRequest.Builder request = conditions.export(tenant()).setFormat(wanted);
        if (fromSeq != null) {
            request.setFromSeq(fromSeq);
        }
        if (toSeq != null) {
            request.setToSeq(toSeq);
        }
        done(output().write(to -> copy(connection.ledgerWithoutDeadline().exportAudit(request.build()), to)), "");
        return ExitCodes.DONE;
    }

    private long copy(Iterator<ExportAuditResponse> parts, OutputStream to) throws IOException {
        try (ProgressBar bar = new ProgressBar(err(), surroundings().terminal())) {
            while (parts.hasNext()) {
                ExportAuditResponse part = parts.next();
                switch (part.getUpdateCase()) {
                    case TEXT -> part.getText().writeTo(to);
                    case PROGRESS ->
                        bar.update(
                                part.getProgress().getPosition(),
                                part.getProgress().getEnd());
                    case RESULT -> {
                        return part.getResult().getExported();
                    }
                    case FRAMES, DECISIONS, BASE, UPDATE_NOT_SET ->
                        throw new CommandException("the server sends what was not asked for");
                }
            }
        }
        throw new CommandException("the server ended the export without a result");
    }

    private void done(long entries, String what) {
        out().println("EXPORTED  " + entries + (entries == 1 ? " entry" : " entries") + Printable.text(what) + " to "
                + output());
    }
}
