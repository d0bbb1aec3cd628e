package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.assize.server.administration.PolicyBusyException;
import dev.assize.server.decision.PolicyUnavailableException;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.RefusedException.Violation;
import dev.assize.server.ledger.LedgerBusyException;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ReplicaUnavailableException;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

class ErrorMapperTest {

    private final ErrorMapper mapper = new ErrorMapper(new GrpcMetrics(new SimpleMeterRegistry()));

    @Test
    void keepsTrailersUnder8KiBAndCountsWhatIsLeftOut() {
        for (String character : List.of("x", "%", "ü", "漢", "😀", "\n")) {
            List<Violation> violations = new ArrayList<>();
            for (int i = 0; i < 5_000; i++) {
                violations.add(new Violation(character.repeat(700), character.repeat(900)));
            }
            RefusedException refused =
                    RefusedException.violated(ErrorReason.POLICY_INVALID, character.repeat(10_000), violations);
            StatusRuntimeException thrown = mapper.toException(refused);

            byte[] details = thrown.getTrailers() == null
                    ? new byte[0]
                    : thrown.getTrailers()
                            .get(Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER));
            String message = String.valueOf(thrown.getStatus().getDescription());
            int onTheWire = (details == null ? 0 : details.length) * 4 / 3
                    + URLEncoder.encode(message, StandardCharsets.UTF_8).length();
            assertThat(onTheWire).as(character).isLessThan(8_000);

            Refusal refusal = new Refusal(mapper.toStatus(refused)).is(ErrorReason.POLICY_INVALID);
            int leftOut = refusal.detail(ErrorInfo.class)
                    .map(info -> Integer.parseInt(info.getMetadataOrDefault("violations_left_out", "0")))
                    .orElse(0);
            assertThat(leftOut + refusal.fields().size()).isEqualTo(5_000);
            assertThat(refusal.fields()).isNotEmpty();
        }
    }

    @Test
    void tellsWhenToComeBackToAFullQueue() {
        Refusal refusal = new Refusal(mapper.toStatus(
                        new CompletionException(new LedgerBusyException("full", Duration.ofMillis(250)))))
                .is(ErrorReason.LEDGER_BUSY);
        assertThat(refusal.detail(RetryInfo.class).orElseThrow().getRetryDelay())
                .isEqualTo(com.google.protobuf.Duration.newBuilder()
                        .setNanos(250_000_000)
                        .build());
    }

    @Test
    void tellsWhoWaitedForPolicyWhatForAndWhenToComeBack() {
        Refusal refusal = new Refusal(mapper.toStatus(new PolicyBusyException(
                        PolicyScope.of(new TenantId("acme")), new IllegalStateException("57014"))))
                .is(ErrorReason.POLICY_BUSY);
        assertThat(refusal.status().getMessage()).contains("tenant `acme`").contains("nothing was changed");
        assertThat(refusal.detail(RetryInfo.class)).isPresent();
    }

    @Test
    void tellsBrokenSurroundingsFromBugs() {
        RuntimeException cause = new IllegalStateException("connection to 10.0.0.1 refused");
        new Refusal(mapper.toStatus(new StoreUnavailableException("down", cause))).is(ErrorReason.STORE_UNAVAILABLE);
        Refusal behind = new Refusal(mapper.toStatus(new ReplicaUnavailableException("the replica has 1 of 2", cause)))
                .is(ErrorReason.REPLICA_UNAVAILABLE);
        assertThat(behind.status().getMessage()).contains("1 of 2");
        assertThat(behind.detail(RetryInfo.class)).isPresent();
        new Refusal(mapper.toStatus(new PolicyUnavailableException(new TenantId("acme"), cause)))
                .is(ErrorReason.STORE_UNAVAILABLE);
        Refusal loading = new Refusal(
                        mapper.toStatus(new PolicyUnavailableException(new TenantId("acme"), new TimeoutException())))
                .is(ErrorReason.POLICY_LOADING);
        assertThat(loading.detail(RetryInfo.class)).isPresent();
        new Refusal(mapper.toStatus(new LedgerUnavailableException("lost", cause))).is(ErrorReason.LEDGER_UNAVAILABLE);
        Refusal bug = new Refusal(mapper.toStatus(cause)).is(ErrorReason.INTERNAL_ERROR);
        assertThat(bug.status().toString()).doesNotContain("10.0.0.1");
    }
}
