package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.MentionCheck.Mention;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PostgresMentionsTest {

    /** Who owns the database can append entries of his own making, and must not end the verification by one. */
    @Test
    void tellsOfANameThatNobodyCanHave() {
        TenantId tenant = new TenantId("acme");
        try (TestDatabase database = TestDatabase.migrated();
                Database open = database.open(InstantSource.system())) {
            PostgresMentions mentions = new PostgresMentions(open);
            for (String mentioned : List.of("pseudonym:\0", "spool:\0")) {
                assertThat(mentions.fault(tenant, Map.of(mentioned, new Mention(3, 5))))
                        .isNotNull()
                        .satisfies(fault -> {
                            assertThat(fault.seq()).isEqualTo(3);
                            assertThat(fault.kind()).isEqualTo(Kind.FRAME);
                            assertThat(fault.message()).doesNotContain("\0").contains("stands for nobody");
                        });
            }
        }
    }
}
