package dev.assize.server.endpoint.grpc;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportAuditResponse;
import dev.assize.proto.v1.ExportProgress;
import dev.assize.proto.v1.ExportedDecisions;
import dev.assize.proto.v1.ExportedFrames;
import dev.assize.proto.v1.KeptValue;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.model.Digest;
import dev.assize.server.recording.DecisionPack;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;

/** Gathers entries into messages, with progress between them. Not for two threads. */
final class ExportStream implements AuditExport.Reader {

    /** A message is sent when it has so many bytes; one entry makes it larger by 200 KiB at most. */
    static final int MESSAGE_BYTES = 256 * 1_024;

    private static final long PROGRESS_NANOS = Duration.ofMillis(200).toNanos();

    private final ExportForm format;
    private final AuditCodec codec;
    private final long from;
    private final long to;
    private final boolean whole;
    private final LongFunction<List<byte[]>> decisions;
    private final Consumer<ExportAuditResponse> out;
    private final LongSupplier nanos;

    private ExportedFrames.Builder frames = ExportedFrames.newBuilder();
    private final ByteString.Output text = ByteString.newOutput();
    private int bytes;
    private long ledgerSize;
    private long exported;
    private long position;
    private long lastProgress;

    /**
     * A stream.
     *
     * @param decisions those on record with the entry of a position, as its reader may see them
     */
    ExportStream(
            ExportForm format,
            AuditCodec codec,
            ExportAuditRequest request,
            LongFunction<List<byte[]>> decisions,
            Consumer<ExportAuditResponse> out) {
        this(format, codec, request, decisions, out, System::nanoTime);
    }

    /** The same by a clock of somebody's, in nanoseconds. */
    ExportStream(
            ExportForm format,
            AuditCodec codec,
            ExportAuditRequest request,
            LongFunction<List<byte[]>> decisions,
            Consumer<ExportAuditResponse> out,
            LongSupplier nanos) {
        this.decisions = decisions;
        this.format = format;
        this.codec = codec;
        this.from = request.getFromSeq();
        this.to = request.hasToSeq() ? request.getToSeq() : Long.MAX_VALUE;
        this.whole = !isFiltered(request);
        this.out = out;
        this.nanos = nanos;
        this.lastProgress = nanos.getAsLong();
    }

    private static boolean isFiltered(ExportAuditRequest request) {
        return !request.toBuilder()
                        .clearTenant()
                        .clearFormat()
                        .clearFromSeq()
                        .clearToSeq()
                        .build()
                        .equals(ExportAuditRequest.getDefaultInstance())
                || !CallContext.current().caller().envs().isEmpty();
    }

    @Override
    public void begin(long size) {
        ledgerSize = size;
        position = Math.min(from, size);
        add(format.header());
        progress();
    }

    @Override
    public void accept(long seq, byte[] frame, Digest entryHash, List<ErasableValue> beside) {
        if (format == ExportForm.FRAMES) {
            frames.addFrames(ByteString.copyFrom(frame));
            bytes += frame.length;
            for (ErasableValue value : beside) {
                frames.addValues(KeptValue.newBuilder()
                        .setSeq(seq)
                        .setField(value.field())
                        .setSalt(ByteString.copyFrom(value.salt()))
                        .setValue(ByteString.copyFrom(value.value())));
                bytes += value.value().length;
            }
        } else {
            add(format.line(codec.decode(frame, entryHash, beside)));
        }
        exported++;
        position = seq + 1;
        if (bytes >= MESSAGE_BYTES) {
            send();
        }
        if (format == ExportForm.FRAMES && vouchesForDecisions(frame)) {
            sendDecisions(seq);
        }
    }

    /** Where little is found it is told how far it came, too, and whoever does not listen any more is found out by that. */
    @Override
    public void passed(long seq) {
        position = Math.max(position, seq + 1);
        if (nanos.getAsLong() - lastProgress > PROGRESS_NANOS) {
            if (bytes > 0) {
                send();
            } else {
                progress();
            }
        }
    }

    /** What is no frame any more is handed out as the evidence it is. */
    private static boolean vouchesForDecisions(byte[] frame) {
        try {
            return DecisionPack.ENTRY_TYPE.equals(FrameFields.read(frame).text(FrameFields.TYPE));
        } catch (MalformedFrameException altered) {
            return false;
        }
    }

    private void sendDecisions(long seq) {
        send();
        ExportedDecisions.Builder part = ExportedDecisions.newBuilder().setSeq(seq);
        int partBytes = 0;
        for (byte[] record : decisions.apply(seq)) {
            if (partBytes > MESSAGE_BYTES) {
                out.accept(ExportAuditResponse.newBuilder().setDecisions(part).build());
                part = ExportedDecisions.newBuilder().setSeq(seq);
                partBytes = 0;
            }
            part.addRecords(ByteString.copyFrom(record));
            partBytes += record.length;
        }
        if (part.getRecordsCount() > 0) {
            out.accept(ExportAuditResponse.newBuilder().setDecisions(part).build());
        }
    }

    private void add(String line) {
        byte[] utf8 = line.getBytes(StandardCharsets.UTF_8);
        text.write(utf8, 0, utf8.length);
        bytes += utf8.length;
    }

    private void send() {
        if (bytes > 0) {
            ExportAuditResponse.Builder message = ExportAuditResponse.newBuilder();
            out.accept(
                    format == ExportForm.FRAMES
                            ? message.setFrames(frames).build()
                            : message.setText(text.toByteString()).build());
            frames = ExportedFrames.newBuilder();
            text.reset();
            bytes = 0;
        }
        if (nanos.getAsLong() - lastProgress > PROGRESS_NANOS) {
            progress();
        }
    }

    private void progress() {
        lastProgress = nanos.getAsLong();
        long end = Math.max(position, to < ledgerSize ? to + 1 : ledgerSize);
        ExportProgress.Builder progress = ExportProgress.newBuilder()
                .setExported(exported)
                .setPosition(position)
                .setEnd(end);
        if (whole) {
            progress.setTotal(end - Math.min(from, ledgerSize));
        }
        out.accept(ExportAuditResponse.newBuilder().setProgress(progress).build());
    }

    /** Sends what is left. */
    void end() {
        send();
    }

    long exported() {
        return exported;
    }

    long ledgerSize() {
        return ledgerSize;
    }
}
