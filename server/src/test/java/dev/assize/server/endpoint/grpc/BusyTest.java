package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import com.google.rpc.RetryInfo;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.server.decision.PastBusyException;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.SearchSlots;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a caller hears from a node that has as much to do as it takes on: come back, and when. */
class BusyTest {

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void saysWhenToAskAboutThePastAgain() {
        door.decisions.finish(answer -> {
            throw new PastBusyException(16);
        });
        Refusal check = Refusal.of(() -> door.decisions(door.admin).check(aboutThePast()))
                .is(ErrorReason.PAST_BUSY);
        assertThat(check.detail(RetryInfo.class)).isPresent();
        Refusal.of(() -> door.decisions(door.admin)
                        .checkBatch(CheckBatchRequest.newBuilder()
                                .setTenant("acme")
                                .addItems(aboutThePast())
                                .build()))
                .is(ErrorReason.PAST_BUSY);
    }

    @Test
    void saysWhenToSearchAgain() throws InterruptedException {
        SearchSlots slots = door.injector.getInstance(SearchSlots.class);
        int all = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
        CountDownLatch taken = new CountDownLatch(all);
        CountDownLatch over = new CountDownLatch(1);
        for (int i = 0; i < all; i++) {
            Thread.ofVirtual()
                    .start(() -> slots.run(Duration.ofSeconds(20), () -> {
                        taken.countDown();
                        return await(over);
                    }));
        }
        assertThat(taken.await(20, TimeUnit.SECONDS)).isTrue();
        try {
            Refusal refusal = Refusal.inTime(() -> door.decisions(door.admin)
                            .withDeadlineAfter(1, TimeUnit.SECONDS)
                            .searchSubjects(SearchSubjectsRequest.newBuilder()
                                    .setCheck(CheckRequest.newBuilder()
                                            .setTenant("acme")
                                            .setResource("replay:1")
                                            .setAction("execute"))
                                    .build())
                            .hasNext())
                    .is(ErrorReason.SEARCH_BUSY);
            assertThat(refusal.detail(RetryInfo.class)).isPresent();
        } finally {
            over.countDown();
        }
    }

    private static boolean await(CountDownLatch latch) {
        try {
            return latch.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static CheckRequest aboutThePast() {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:alice")
                .setResource("replay:1")
                .setAction("execute")
                .setAsOf(Timestamp.newBuilder().setSeconds(1_700_000_000))
                .build();
    }
}
