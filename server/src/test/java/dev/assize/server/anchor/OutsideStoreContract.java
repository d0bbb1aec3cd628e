package dev.assize.server.anchor;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.anchor.OutsideStore.Versioned;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What every place outside must do. */
public abstract class OutsideStoreContract {

    /** A store, and another one for the same place. */
    protected abstract OutsideStore open();

    @Test
    void hasNothingAtFirst() {
        assertThat(open().read("anchor")).isEmpty();
    }

    @Test
    void givesBackWhatWasPut() {
        OutsideStore store = open();
        byte[] content = new byte[100_000];
        content[5] = -1;
        store.put("all/7-7-abc", content);
        store.put("all/7-7-abc", content);
        assertThat(open().read("all/7-7-abc").map(Versioned::content))
                .hasValueSatisfying(it -> assertThat(it).isEqualTo(content));
        store.remove("all/7-7-abc");
        store.remove("all/7-7-abc");
        assertThat(store.read("all/7-7-abc")).isEmpty();
    }

    @Test
    void replacesWhatNobodyElseHasReplaced() {
        OutsideStore one = open();
        OutsideStore other = open();
        String first = one.replace("anchor", null, bytes("1")).orElseThrow();
        assertThat(other.replace("anchor", null, bytes("x"))).isEmpty();
        assertThat(read(other)).isEqualTo(new Versioned(first, bytes("1")).version() + " 1");
        String second = other.replace("anchor", first, bytes("2")).orElseThrow();
        assertThat(one.replace("anchor", first, bytes("x"))).isEmpty();
        assertThat(one.replace("anchor", second, bytes("3"))).isPresent();
        assertThat(read(one)).endsWith(" 3");
    }

    @Test
    void hasOneWinnerOfMany() throws Exception {
        open().replace("anchor", null, bytes("0"));
        int threads = 4;
        int rounds = 50;
        CountDownLatch start = new CountDownLatch(1);
        List<Future<Integer>> wins = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            for (int t = 0; t < threads; t++) {
                wins.add(executor.submit(() -> {
                    OutsideStore store = open();
                    start.await();
                    int won = 0;
                    while (won < rounds) {
                        Versioned present = store.read("anchor").orElseThrow();
                        int count = Integer.parseInt(new String(present.content(), UTF_8));
                        Optional<String> replaced =
                                store.replace("anchor", present.version(), bytes(Integer.toString(count + 1)));
                        won += replaced.isPresent() ? 1 : 0;
                    }
                    return won;
                }));
            }
            start.countDown();
            for (Future<Integer> future : wins) {
                assertThat(future.get()).isEqualTo(rounds);
            }
        }
        assertThat(read(open())).endsWith(" " + threads * rounds);
    }

    private static String read(OutsideStore store) {
        Versioned present = store.read("anchor").orElseThrow();
        return present.version() + " " + new String(present.content(), UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
