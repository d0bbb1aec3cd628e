package dev.assize.server.endpoint.grpc;

import dev.assize.server.decision.Desk;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.Obligation;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A desk that asks the fake engine; open for nobody unless the engine says so. */
final class FakeDesk implements Desk {

    private final FakeDecisions engine;
    private @Nullable Answer last;
    private TenantId tenant = TenantId.ASSIZE;
    private DecisionLog log = DecisionLog.NONE;

    FakeDesk(FakeDecisions engine) {
        this.engine = engine;
    }

    @Override
    public boolean open(CheckBytes names) {
        tenant = new TenantId(
                new String(names.bytes(), names.tenantOffset(), names.tenantLength(), StandardCharsets.UTF_8));
        log = engine.decisionLog(tenant);
        return engine.isOpenFor(tenant);
    }

    @Override
    public boolean decide(CheckBytes names) {
        names.locate();
        if (!names.hasPlainPath()
                || names.namesGroup()
                || !names.hasPlainEnvironmentAndAction()
                || !names.hasPlainSubject()) {
            return false;
        }
        CheckQuery query = names.query(tenant);
        if (!engine.decidesAtOnce(query)) {
            return false;
        }
        last = engine.evaluate(query);
        return true;
    }

    @Override
    public Reason reason() {
        return answer().reason();
    }

    @Override
    public @Nullable String binding() {
        return answer().decidedBy() instanceof Answer.DecidedBy.Grant(String binding, var _, var _) ? binding : null;
    }

    @Override
    public @Nullable String role() {
        return answer().decidedBy() instanceof Answer.DecidedBy.Grant(var _, String role, var _) ? role : null;
    }

    @Override
    public int position() {
        return answer().decidedBy() instanceof Answer.DecidedBy.Grant(var _, var _, int position) ? position : -1;
    }

    @Override
    public Revision revision() {
        return answer().revision();
    }

    @Override
    public Revision platformRevision() {
        return answer().platformRevision();
    }

    @Override
    public Instant validUntil() {
        return Objects.requireNonNull(answer().validUntil());
    }

    @Override
    public List<Obligation> obligations() {
        return answer().obligations();
    }

    @Override
    public DecisionLog decisionLog() {
        return log;
    }

    @Override
    public Answer answer() {
        return Objects.requireNonNull(last);
    }

    @Override
    public void abandon() {}

    @Override
    public void close() {
        last = null;
    }
}
