package dev.assize.server.administration.review;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.assize.server.administration.review.GrantRecords.Held;
import dev.assize.server.administration.review.GrantRecords.Use;
import dev.assize.server.administration.review.GrantRecords.Written;
import dev.assize.server.administration.review.GrantRow.Position;
import dev.assize.server.administration.review.ReviewedGrant.Change;
import dev.assize.server.administration.review.ReviewedGrant.LastUse;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A tenant's access under review: rows of one state of policy, each with what was written down about it. */
public final class AccessReview {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final PolicySet tenant;
    private final PolicySet platform;
    private final Instant now;
    private final GrantRows rows;
    private final GrantRecords records;
    private final Set<Environment> envs;
    private final boolean recordsAllows;

    /**
     * A review.
     *
     * @param after behind which row to begin; null for the first
     * @param envs whose uses are shown; empty for all
     */
    public AccessReview(
            PolicySet tenant,
            PolicySet platform,
            Instant now,
            GrantFilter filter,
            @Nullable Position after,
            GrantRecords records,
            Set<Environment> envs) {
        this.tenant = tenant;
        this.platform = platform;
        this.now = now;
        this.rows = new GrantRows(tenant, platform, now, filter, after);
        this.records = records;
        this.envs = Set.copyOf(envs);
        this.recordsAllows = tenant.ofKind(TenantDocument.class).stream()
                .anyMatch(document -> document.audit().decisionLog().covers(true));
    }

    /** The next rows, at most so many; fewer where {@code goOn} says no, or where there are no more. */
    public List<ReviewedGrant> next(int max, BooleanSupplier goOn) {
        List<GrantRow> next = rows.next(max, goOn);
        return next.isEmpty() ? List.of() : described(next);
    }

    /** Whether there may be more. */
    public boolean hasNext() {
        return rows.hasNext();
    }

    /** Behind what was looked at so far; null before the beginning. */
    public @Nullable Position position() {
        return rows.position();
    }

    public PolicySet tenant() {
        return tenant;
    }

    public PolicySet platform() {
        return platform;
    }

    /** The moment it is about. */
    public Instant now() {
        return now;
    }

    private List<ReviewedGrant> described(List<GrantRow> found) {
        PolicyScope scope = tenant.scope();
        Set<DocumentKey> documents = new LinkedHashSet<>();
        Set<Held> held = new LinkedHashSet<>();
        for (GrantRow row : found) {
            documents.add(row.binding().key());
            if (!row.groups().isEmpty()) {
                documents.add(group(scope, row));
            }
            Subject subject = row.named();
            if (subject != null) {
                held.add(held(row, subject));
            }
        }
        Map<DocumentKey, Written> written = records.written(scope, documents);
        Map<Held, Use> uses = records.lastUses(scope.ledgerTenant(), held, envs);
        List<ReviewedGrant> described = new ArrayList<>();
        for (GrantRow row : found) {
            described.add(new ReviewedGrant(
                    row,
                    change(written.get(row.binding().key())),
                    row.groups().isEmpty() ? null : change(written.get(group(scope, row))),
                    lastUse(row, uses)));
        }
        return described;
    }

    private static DocumentKey group(PolicyScope scope, GrantRow row) {
        return new DocumentKey(scope, Kind.GROUP, row.groups().getLast());
    }

    private static Held held(GrantRow row, Subject subject) {
        return new Held(subject, row.home(), row.binding().name(), row.role());
    }

    private LastUse lastUse(GrantRow row, Map<Held, Use> uses) {
        Subject subject = row.named();
        Use use = subject == null ? null : uses.get(held(row, subject));
        if (use != null) {
            return new LastUse.OnRecord(use);
        }
        return subject != null && recordsAllows ? new LastUse.NoneFound() : new LastUse.NotRecorded();
    }

    /** A change with what its manifest says. */
    public static @Nullable Change change(@Nullable Written written) {
        if (written == null) {
            return null;
        }
        JsonNode manifest = read(written.manifest());
        List<String> approvers = new ArrayList<>();
        manifest.path("approvers").forEach(approver -> approvers.add(approver.asText()));
        return new Change(
                written,
                manifest.path("origin").asText(""),
                manifest.path("proposal").asText(""),
                approvers);
    }

    /** What is no JSON says nothing: to find it is for whoever verifies the ledger. */
    private static JsonNode read(@Nullable String manifest) {
        try {
            return manifest == null ? MissingNode.getInstance() : JSON.readTree(manifest);
        } catch (JsonProcessingException altered) {
            return MissingNode.getInstance();
        }
    }
}
