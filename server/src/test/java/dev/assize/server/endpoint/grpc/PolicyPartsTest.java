package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.server.decision.PolicyRecords;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PolicyPartsTest {

    private static final PolicyScope ACME = PolicyScope.of(new TenantId("acme"));

    private final FakeRecords records = new FakeRecords();
    private final AtomicLong nanos = new AtomicLong();
    private final PolicyParts parts = new PolicyParts(records, nanos::get);

    @Test
    void makesAllDocumentsOnceForAllThatBegin() {
        PolicySnapshot policy = new PolicySnapshot(groups(3, 10), platform(0));
        List<WatchPolicyResponse> one = told(parts.whole(policy));
        List<WatchPolicyResponse> other = told(parts.whole(policy));

        assertThat(documents(one)).isEqualTo(3);
        assertThat(one.getFirst().getDocuments().getPlatform()).isTrue();
        assertThat(one).allMatch(part -> part.getDocuments().getWhole());
        assertThat(other).hasSameSizeAs(one);
        for (int i = 0; i < one.size(); i++) {
            assertThat(other.get(i)).isSameAs(one.get(i));
        }
    }

    @Test
    void makesThemAnewForAnotherRevision() {
        var _ = told(parts.whole(new PolicySnapshot(groups(3, 10), platform(0))));
        PolicySet next =
                PolicySet.of(ACME, new Revision(8), List.copyOf(groups(4, 10).documents()));
        assertThat(documents(told(parts.whole(new PolicySnapshot(next, platform(0))))))
                .isEqualTo(4);
    }

    /** After a restore another history may come to a revision whose documents somebody asks for all the time. */
    @Test
    void makesThemAnewAfterAWhileHoweverOftenTheyAreAskedFor() {
        var _ = told(parts.whole(new PolicySnapshot(groups(3, 10), platform(0))));
        PolicySnapshot restored = new PolicySnapshot(groups(4, 10), platform(0));
        for (int i = 0; i < 3; i++) {
            assertThat(documents(told(parts.whole(restored)))).isEqualTo(3);
            nanos.addAndGet(PolicyParts.KEPT_FOR.toNanos() * 2 / 5);
        }
        assertThat(documents(told(parts.whole(restored)))).isEqualTo(4);
    }

    /** Such a policy is told as well, at the cost of making it for each. */
    @Test
    void keepsNoneOfAScopeThatIsTooLarge() {
        int members = 1_000;
        PolicySnapshot policy =
                new PolicySnapshot(groups(PolicyParts.LARGEST_WHOLE_BYTES / 200_000, members), platform(0));
        List<WatchPolicyResponse> one = told(parts.whole(policy));
        List<WatchPolicyResponse> other = told(parts.whole(policy));
        assertThat(one.stream()
                        .mapToLong(WatchPolicyResponse::getSerializedSize)
                        .sum())
                .isGreaterThan(PolicyParts.LARGEST_WHOLE_BYTES);
        assertThat(other).isEqualTo(one);
        assertThat(other.getLast()).isNotSameAs(one.getLast());
    }

    @Test
    void looksADigestUpOnceForAllThatNameIt() {
        assertThat(parts.digest(ACME, new Revision(7))).isPresent();
        assertThat(parts.digest(ACME, new Revision(7))).isPresent();
        assertThat(records.digests).isEqualTo(1);
        assertThat(parts.digest(ACME, new Revision(9))).isEmpty();
        records.committed = 9;
        assertThat(parts.digest(ACME, new Revision(9))).as("once it is there").isPresent();
    }

    private static long documents(List<WatchPolicyResponse> parts) {
        return parts.stream()
                .mapToInt(part -> part.getDocuments().getPutsCount())
                .sum();
    }

    private static List<WatchPolicyResponse> told(Iterator<WatchPolicyResponse> parts) {
        List<WatchPolicyResponse> told = new ArrayList<>();
        parts.forEachRemaining(told::add);
        return told;
    }

    private static PolicySet platform(int groups) {
        return PolicySet.of(PolicyScope.PLATFORM, new Revision(groups), List.of());
    }

    private static PolicySet groups(int count, int members) {
        List<Document> groups = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            List<Subject> in = new ArrayList<>();
            for (int member = 0; member < members; member++) {
                in.add(new Subject("user", "u".repeat(200) + member));
            }
            groups.add(new GroupDocument(
                    new Metadata(ACME, "group-" + i, new TreeMap<>(), null), SourcePlace.UNKNOWN, in));
        }
        return PolicySet.of(ACME, new Revision(7), groups);
    }

    private static final class FakeRecords implements PolicyRecords {

        private int digests;
        private long committed = 7;

        @Override
        public Revision present(PolicyScope scope) {
            return new Revision(committed);
        }

        @Override
        public Optional<Digest> digest(PolicyScope scope, Revision revision) {
            digests++;
            return revision.value() > committed ? Optional.empty() : Optional.of(Digest.sha256(new byte[1]));
        }

        @Override
        public int incarnation(PolicyScope scope) {
            return 0;
        }

        @Override
        public Set<DocumentKey> changed(PolicyScope scope, Revision from, Revision to) {
            return Set.of();
        }
    }
}
