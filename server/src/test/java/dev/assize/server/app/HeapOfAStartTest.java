package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeapOfAStartTest {

    private static final int PIECE_BYTES = 1 << 16;
    private static final long GARBAGE_BYTES = 1L << 27;

    private final HotSpotDiagnosticMXBean jvm = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);

    @Test
    void leavesTheCollectorAsItWas() {
        String least = jvm.getVMOption(HeapOfAStart.LEAST_FREE_PERCENT).getValue();
        String most = jvm.getVMOption(HeapOfAStart.MOST_FREE_PERCENT).getValue();
        HeapOfAStart.giveBack();
        assertThat(jvm.getVMOption(HeapOfAStart.LEAST_FREE_PERCENT).getValue()).isEqualTo(least);
        assertThat(jvm.getVMOption(HeapOfAStart.MOST_FREE_PERCENT).getValue()).isEqualTo(most);
    }

    /** In a JVM with a server's collector, where nothing else runs. */
    @Test
    void givesBackTheRoomThatGarbageTook() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseG1GC",
                        "-Xms32m",
                        "-Xmx1g",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Garbage.class.getName())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said.strip()).isEqualTo("given back");
    }

    /** Fills the heap, lets go of it, and has the room given back. */
    static final class Garbage {

        private Garbage() {}

        public static void main(String[] args) {
            HeapOfAStart.giveBack();
            Runtime heap = Runtime.getRuntime();
            long before = heap.totalMemory();
            // What is free already takes some of it.
            long bytes = GARBAGE_BYTES + heap.freeMemory();
            List<byte[]> left = new ArrayList<>();
            for (long taken = 0; taken < bytes; taken += PIECE_BYTES) {
                left.add(new byte[PIECE_BYTES]);
            }
            assertThat(heap.totalMemory()).isGreaterThan(before + GARBAGE_BYTES / 2);
            assertThat(left).isNotEmpty();
            left.clear();
            HeapOfAStart.giveBack();
            // Regions are given back whole.
            assertThat(heap.totalMemory()).isLessThan(before + GARBAGE_BYTES / 2);
            System.out.println("given back");
        }
    }
}
