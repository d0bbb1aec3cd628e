package io.grpc.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.endpoint.grpc.GrpcServer;
import io.grpc.InternalChannelz.ServerStats;
import org.junit.jupiter.api.Test;

class LongCounterFactoryTest {

    @Test
    void isTheOneThatGrpcFinds() {
        assertThat(LongCounterFactory.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation())
                .isEqualTo(
                        GrpcServer.class.getProtectionDomain().getCodeSource().getLocation());
        assertThat(LongCounterFactory.create()).isNotInstanceOf(ReflectionLongAdderCounter.class);
    }

    @Test
    void makesCountersThatCount() {
        LongCounter counter = LongCounterFactory.create();
        assertThat(counter.value()).isZero();
        counter.add(2);
        counter.add(-1);
        assertThat(counter.value()).isOne();
        assertThat(LongCounterFactory.create().value()).isZero();
    }

    @Test
    void makesThoseOfGrpcsOwnStatistics() {
        CallTracer calls = CallTracer.getDefaultFactory().create();
        calls.reportCallStarted();
        calls.reportCallStarted();
        calls.reportCallEnded(true);
        calls.reportCallEnded(false);
        ServerStats.Builder stats = new ServerStats.Builder();
        calls.updateBuilder(stats);
        assertThat(stats.build().callsStarted).isEqualTo(2);
        assertThat(stats.build().callsSucceeded).isOne();
        assertThat(stats.build().callsFailed).isOne();
    }
}
