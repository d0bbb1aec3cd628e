package dev.assize.benchmarks.load;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.assize.benchmarks.load.BareServer.Answers;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamResponse;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A {@link BareServer} in a process of its own. */
final class BareProcess implements ServerUnderTest {

    /** As Assize's launcher has it for a server: a part of its transport, and not of stock grpc-java. */
    static final String FEW_BUFFERS_FOLLOWED = "-Dio.grpc.netty.shaded.io.netty.leakDetection.samplingInterval=8192";

    private final String style;
    private final JavaProcess process;
    private final SocketAddress address;
    private final Answers answers;

    private BareProcess(String style, JavaProcess process, SocketAddress address, Answers answers) {
        this.style = style;
        this.process = process;
        this.address = address;
        this.answers = answers;
    }

    /** @param directory where it finds its answers */
    static BareProcess start(String style, Cores cores, List<String> options, Path directory) throws IOException {
        JavaProcess process = launch(style, cores, options, directory, List.of());
        return new BareProcess(
                style,
                process,
                new InetSocketAddress(
                        InetAddress.getLoopbackAddress(), Integer.parseInt(process.said(BareServer.PORT))),
                Answers.read(directory));
    }

    static BareProcess startOnUnixSocket(String style, Cores cores, List<String> options, Path directory, Path socket)
            throws IOException {
        JavaProcess process = launch(style, cores, options, directory, List.of(socket.toString()));
        return new BareProcess(style, process, new DomainSocketAddress(socket.toString()), Answers.read(directory));
    }

    @Override
    public String name() {
        return style;
    }

    @Override
    public Endpoint endpoint() {
        return new Endpoint(address, null, process.said(BareServer.KEY));
    }

    @Override
    public long pid() {
        return process.pid();
    }

    @Override
    public double databaseSeconds(ProcessorTime processors) {
        return 0;
    }

    /** The same answer every time; of a batch, as many results as were asked for. */
    @Override
    public Workload workload(Workload asked) {
        return asked.answeredBy(
                switch (asked.kind()) {
                    case CHECK ->
                        (request, message) -> CheckResponse.parseFrom(message).equals(check());
                    case BATCH ->
                        (request, message) ->
                                CheckBatchResponse.parseFrom(message).getResultsCount() == asked.decisions();
                    case STREAM ->
                        (request, message) -> CheckStreamResponse.parseFrom(message)
                                .getResponse()
                                .equals(streamed());
                });
    }

    @Override
    public void close() {
        process.close();
    }

    private CheckResponse check() throws InvalidProtocolBufferException {
        return CheckResponse.parseFrom(answers.check());
    }

    private CheckResponse streamed() throws InvalidProtocolBufferException {
        return CheckStreamResponse.parseFrom(answers.streamed()).getResponse();
    }

    private static JavaProcess launch(
            String style, Cores cores, List<String> options, Path directory, List<String> more) throws IOException {
        List<String> all = new ArrayList<>(options);
        if (!style.equals(BareServer.STOCK)) {
            all.addFirst(FEW_BUFFERS_FOLLOWED);
        }
        List<String> command = JavaProcess.command(cores, all, BareServer.class.getName());
        command.addAll(List.of(style, directory.toString()));
        command.addAll(more);
        return JavaProcess.start(command, Map.of(), directory.resolve("server.log"), BareServer.READY::equals);
    }
}
