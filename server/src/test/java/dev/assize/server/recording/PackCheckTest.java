package dev.assize.server.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.BesideCheck.Stretch;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.TenantId;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** How far a verification comes with so much work, held to adding it up entry by entry. */
class PackCheckTest {

    private static final int PAGE_WORK = 8;
    private static final int MOST_PAGES = 32;
    private static final int WORLDS = 2_000;

    private final Random random = new Random(7);

    @Test
    void aStretchIsAsManyEntriesAsTheirWorkAllows() {
        int limited = 0;
        int single = 0;
        for (int world = 0; world < WORLDS; world++) {
            List<Integer> pages = pages();
            int from = random.nextInt(pages.size());
            int to = from + random.nextInt(pages.size() - from);
            int work = 1 + random.nextInt(random.nextBoolean() ? 40 : 2_000);
            Stretch stretch = stretch(pages, from, to, work);
            assertThat(stretch)
                    .as("%s from %d to %d by %d", pages, from, to, work)
                    .isEqualTo(added(pages, from, to, work));
            limited += stretch.toSeq() < to ? 1 : 0;
            single += stretch.work() > work ? 1 : 0;
        }
        assertThat(limited).isBetween(WORLDS / 10, WORLDS - WORLDS / 10);
        assertThat(single).as("an entry that is more than all of it").isGreaterThan(WORLDS / 100);
    }

    /** How many stand beside each entry. */
    private List<Integer> pages() {
        int entries = 1 + random.nextInt(60);
        boolean areFew = random.nextBoolean();
        List<Integer> pages = new ArrayList<>();
        for (int i = 0; i < entries; i++) {
            pages.add(random.nextInt(areFew ? 8 : 2) > 0 ? 0 : 1 + random.nextInt(MOST_PAGES));
        }
        return pages;
    }

    private static Stretch added(List<Integer> pages, int from, int to, int work) {
        long sum = 1 + (long) PAGE_WORK * pages.get(from);
        int last = from;
        while (last < to && sum + 1 + (long) PAGE_WORK * pages.get(last + 1) <= work) {
            last++;
            sum += 1 + (long) PAGE_WORK * pages.get(last);
        }
        return new Stretch(last, sum);
    }

    private static Stretch stretch(List<Integer> pages, int from, int to, int work) {
        DecisionStore none =
                new InMemoryDecisionStore(new InMemoryLedgerStore(InstantSource.system(), new AuditCodec()));
        DecisionStore store = new ForwardingDecisionStore(none) {
            @Override
            public List<Long> pagePlaces(TenantId tenant, long fromSeq, long toSeq, int most) {
                List<Long> places = new ArrayList<>();
                for (int seq = (int) fromSeq; seq <= toSeq; seq++) {
                    places.addAll(Collections.nCopies(pages.get(seq), (long) seq));
                }
                return places.subList(0, Math.min(most, places.size()));
            }
        };
        return new PackCheck(store, new AuditCodec()).stretch(new TenantId("acme"), from, to, work);
    }
}
