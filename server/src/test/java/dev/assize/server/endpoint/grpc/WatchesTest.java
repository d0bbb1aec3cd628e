package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.grpc.Watches.Open;
import dev.assize.server.endpoint.grpc.Watches.Purpose;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WatchesTest {

    private static final Recorder SIDECAR = caller("sidecar");

    private final Watches watches = new Watches(new SimpleMeterRegistry());
    private final List<Open> ended = new ArrayList<>();

    @ParameterizedTest
    @EnumSource
    void takesSoManyOfACallerAndNoMore(Purpose purpose) {
        List<Open> open = open(SIDECAR, purpose, purpose.ofCaller);
        assertBusy(SIDECAR, purpose, "`service:sidecar` has " + purpose.ofCaller);
        watches.add(caller("another"), purpose, stream());
        watches.remove(open.getFirst());
        watches.remove(open.getFirst());
        watches.add(SIDECAR, purpose, stream());
        assertBusy(SIDECAR, purpose, "`service:sidecar`");
    }

    @ParameterizedTest
    @EnumSource
    void takesSoManyInAllAndNoMore(Purpose purpose) {
        int callers = purpose.inAll / purpose.ofCaller;
        for (int i = 0; i < callers; i++) {
            open(caller("sidecar-" + i), purpose, purpose.ofCaller);
        }
        assertBusy(SIDECAR, purpose, "this node has 5000");
    }

    @Test
    void whoeverListensTakesNoPlaceOfThoseThatDecide() {
        open(SIDECAR, Purpose.LISTENING, Purpose.LISTENING.ofCaller);
        open(SIDECAR, Purpose.DECIDING, Purpose.DECIDING.ofCaller);
        assertThat(watches.size()).isEqualTo(Purpose.LISTENING.ofCaller + Purpose.DECIDING.ofCaller);
    }

    @Test
    void endsThemAllAndTakesNoneInAnyMore() {
        List<Open> open = open(SIDECAR, Purpose.DECIDING, 2);
        watches.close();
        assertThat(ended).containsExactlyInAnyOrderElementsOf(open);
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> watches.add(SIDECAR, Purpose.DECIDING, stream()))
                .satisfies(refused -> assertThat(refused.reason()).isEqualTo(ErrorReason.WATCH_ENDED));
    }

    private List<Open> open(Recorder caller, Purpose purpose, int count) {
        List<Open> open = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            open.add(stream());
            watches.add(caller, purpose, open.getLast());
        }
        return open;
    }

    private Open stream() {
        return new Open() {
            @Override
            public void end() {
                ended.add(this);
            }
        };
    }

    private void assertBusy(Recorder caller, Purpose purpose, String why) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> watches.add(caller, purpose, stream()))
                .withMessageContaining(why)
                .satisfies(refused -> assertThat(refused.reason()).isEqualTo(ErrorReason.WATCH_BUSY));
    }

    private static Recorder caller(String name) {
        return new Recorder(Subject.parse("service:" + name), new TenantId("acme"));
    }
}
