package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Reason;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Commands against a server that gives prepared answers. */
abstract class CommandsFixture {

    @CommandLine.Command(
            name = "assize",
            subcommands = {
                CheckCommand.class,
                ExplainCommand.class,
                SearchCommand.class,
                PolicyCommand.class,
                ApprovalCommand.class,
                AuditCommand.class,
                KeyCommand.class
            })
    static final class Root {
        @CommandLine.Mixin(name = ConnectionOptions.MIXIN)
        ConnectionOptions connection = new ConnectionOptions();
    }

    static final String GROUP = """
            kind: Group
            apiVersion: assize.dev/v1
            metadata: {name: noc, tenant: acme}
            spec: {members: [
              user:alice]} # on call
            """;

    @TempDir
    Path home = Path.of(".");

    final FakeServer server = new FakeServer();
    final Map<String, String> environment = new HashMap<>();
    final StringWriter out = new StringWriter();
    final StringWriter err = new StringWriter();

    @BeforeEach
    void knowTheServer() {
        environment.put("ASSIZE_HOME", home.toString());
        environment.put("ASSIZE_SERVER", server.address());
        environment.put("ASSIZE_KEY", "asz_test_key");
        environment.put("ASSIZE_TENANT", "acme");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    void misused(String message, String... command) {
        assertThat(run(command)).as(err.toString()).isEqualTo(2);
        assertThat(err.toString()).contains(message);
    }

    int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        Surroundings surroundings = new Surroundings(environment, false, InstantSource.system());
        CommandLine commandLine = new CommandLine(new Root(), new CommandFactory(surroundings));
        CommandErrors.install(commandLine);
        return commandLine
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    JsonNode json() throws IOException {
        return new ObjectMapper().readTree(out.toString());
    }

    static CheckResponse deny(Reason reason) {
        return CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_DENY)
                .setReason(reason)
                .build();
    }

    static StatusRuntimeException refusal(int code, String reason, String message) {
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(code)
                .setMessage(message)
                .addDetails(Any.pack(ErrorInfo.newBuilder().setReason(reason).build()))
                .build());
    }
}
