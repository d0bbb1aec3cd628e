package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import dev.assize.proto.v1.Approval;
import dev.assize.proto.v1.ApprovalState;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.UseApprovalRequest;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

/** Where commands find the server and how they end, against a server that gives prepared answers. */
class CommandsTest extends CommandsFixture {

    @Test
    void globalOptionsStandBeforeOrAfterTheCommand() throws IOException {
        server.check = deny(Reason.REASON_NO_GRANT);

        run("--tenant", "before", "--output", "json", "check", "user:alice", "incident:1", "read");
        assertThat(server.request(CheckRequest.class).getTenant()).isEqualTo("before");
        assertThat(json().get("reason").asText()).isEqualTo("NO_GRANT");

        run("--tenant", "before", "check", "--tenant", "after", "user:alice", "incident:1", "read");
        assertThat(server.request(CheckRequest.class).getTenant()).isEqualTo("after");
    }

    @Test
    void usageErrorsExitWithTwo() {
        assertThat(run("check", "user:alice")).isEqualTo(2);
        assertThat(run("check", "user:alice", "incident:1", "read", "--nonsense"))
                .isEqualTo(2);
        assertThat(run("nonsense")).isEqualTo(2);
        environment.remove("ASSIZE_TENANT");
        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(2);
        assertThat(err.toString()).contains("--tenant").doesNotContain("\tat ");
    }

    @Test
    void errorsAreOneLineAndOneForEachField() {
        server.failure = StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(3)
                .setMessage("the request is malformed")
                .addDetails(Any.pack(
                        ErrorInfo.newBuilder().setReason("MALFORMED_REQUEST").build()))
                .addDetails(Any.pack(BadRequest.newBuilder()
                        .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                                .setField("subject")
                                .setDescription("`alice`: expected a subject"))
                        .build()))
                .build());

        assertThat(run("check", "alice", "incident:1", "read")).isEqualTo(2);
        assertThat(err.toString().lines())
                .containsExactly(
                        "assize: the request is malformed [MALFORMED_REQUEST]",
                        "  subject: `alice`: expected a subject");
    }

    @Test
    void saysWhenNoServerAnswers() {
        server.close();

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(1);
        assertThat(err.toString()).contains("no server answers at " + server.address());
    }

    @Test
    void readsTheCredentialsFile() throws IOException {
        environment.remove("ASSIZE_SERVER");
        environment.remove("ASSIZE_KEY");
        new Credentials(server.address(), new ServerTrust.PlainText(), "asz_file_key").write(home);
        server.check = deny(Reason.REASON_NO_GRANT);

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(3);

        assertThat(server.credentials).containsExactly("Bearer asz_file_key");
        assertThat(Files.getPosixFilePermissions(Credentials.fileIn(home))).hasSize(2);
    }

    @Test
    void theFilesKeyGoesToTheFilesServerOnly() throws IOException {
        environment.remove("ASSIZE_KEY");
        new Credentials("127.0.0.1:1", new ServerTrust.PlainText(), "asz_file_key").write(home);

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(1);

        assertThat(err.toString()).contains("is for 127.0.0.1:1");
        assertThat(server.credentials).isEmpty();
    }

    @Test
    void withoutAKeyItSaysHowToGiveOne() {
        environment.remove("ASSIZE_KEY");

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(1);
        assertThat(err.toString()).contains("ASSIZE_KEY");
    }

    @Test
    void aValueThatIsNotOfItsFormIsAMistakeInTheUsage() {
        misused("--as-of': `yesterday`: expected a time", "check", "user:a", "i:1", "read", "--as-of", "yesterday");
        misused("--as-of': `soon`: expected a time", "search", "actions", "user:a", "i:1", "--as-of", "soon");
        misused("`noon`: expected a time", "explain", "user:a", "i:1", "read", "--context", "at=@noon");
        misused("--from': `1.1.2026`: expected a time", "audit", "list", "--from", "1.1.2026");
        misused("--occurred-at': `now`: expected a time", "audit", "append", "--type", "t", "--occurred-at", "now");
        misused(
                "--expires-in': `soon`: expected a duration",
                "key",
                "create",
                "--subject",
                "s:x",
                "--expires-in",
                "soon");
        misused("--server `:::`: expected host:port", "--server", ":::", "check", "user:a", "i:1", "read");
        assertThat(server.requests).isEmpty();
    }

    @Test
    void saysOnceWhatIsNotAsItWasThought() {
        server.failure = StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(9)
                .setMessage("no approval rule covers it")
                .addDetails(Any.pack(PreconditionFailure.newBuilder()
                        .addViolations(PreconditionFailure.Violation.newBuilder()
                                .setSubject("approval rules of `acme`")
                                .setDescription("no approval rule covers it"))
                        .build()))
                .build());

        assertThat(run("approval", "approve", "a1")).isEqualTo(1);
        assertThat(err.toString().lines()).containsExactly("assize: no approval rule covers it");
    }

    @Test
    void suggestsOnlyWhatIsClose() {
        assertThat(run("frob")).isEqualTo(2);
        assertThat(err.toString()).contains("frob").doesNotContain("Did you mean");
        assertThat(run("chekc", "user:alice")).isEqualTo(2);
        assertThat(err.toString()).contains("Did you mean check?");
    }

    @Test
    void usesAnApprovalUp() {
        server.approval = Approval.newBuilder()
                .setApprovalId("a1")
                .setState(ApprovalState.APPROVAL_STATE_USED)
                .build();

        assertThat(run("approval", "use", "a1", "--idempotency-key", "k", "--subject", "agent:robot"))
                .isZero();
        assertThat(out.toString()).contains("used");
        assertThat(server.request(UseApprovalRequest.class))
                .isEqualTo(UseApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setApprovalId("a1")
                        .setIdempotencyKey("k")
                        .setSubject("agent:robot")
                        .build());
        assertThat(run("approval", "use", "a1")).isEqualTo(2);
        run("approval", "reject", "a1", "--idempotency-key", "once");
        assertThat(server.request(ResolveApprovalRequest.class).getIdempotencyKey())
                .isEqualTo("once");
    }

    @Test
    void aNewKeyIsAllThatIsPrintedToStdout() {
        assertThat(run(
                        "key",
                        "create",
                        "--subject",
                        "service:replay",
                        "--tenants",
                        "acme,other",
                        "--expires-in",
                        "90d"))
                .isZero();

        assertThat(out.toString().strip()).isEqualTo("asz_k1_secret");
        CreateKeyRequest sent = server.request(CreateKeyRequest.class);
        assertThat(sent.getTenantsList()).containsExactly("acme", "other");
        assertThat(sent.hasExpiresAt()).isTrue();
    }

    @Test
    void keysAreListedAndRevoked() {
        assertThat(run("key", "list")).isZero();
        assertThat(out.toString()).contains("k1", "service:replay");
        assertThat(run("key", "revoke", "k1")).isZero();
        assertThat(out.toString()).contains("revoked k1 of service:replay");
    }

    @Test
    void aRefusalIsOneLine() {
        server.failure = Status.PERMISSION_DENIED
                .withDescription("may not apply policy in tenant `acme`")
                .asRuntimeException();

        assertThat(run("key", "list")).isEqualTo(1);
        assertThat(err.toString().strip()).isEqualTo("assize: not permitted: may not apply policy in tenant `acme`");
    }
}
