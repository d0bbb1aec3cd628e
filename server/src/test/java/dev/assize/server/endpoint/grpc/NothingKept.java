package dev.assize.server.endpoint.grpc;

import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Erasure;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.Hold.Act;
import dev.assize.server.retention.Hold.Page;
import dev.assize.server.retention.Hold.Placing;
import dev.assize.server.retention.Hold.Release;
import dev.assize.server.retention.Hold.ReleaseResult;
import dev.assize.server.retention.PseudonymRepository;
import dev.assize.server.retention.RetentionRepository;
import java.time.Instant;
import java.util.List;

/** A database without entries, in which holds are placed and forgotten. */
final class NothingKept implements RetentionRepository, PseudonymRepository {

    @Override
    public Identified identify(TenantId tenant, Recorder by, List<Subject> actors, String reason) {
        return new Identified(List.of(), null);
    }

    @Override
    public Forgotten forget(TenantId tenant, Recorder by, Subject actor, String basis) {
        return new Forgotten.NoSuchActor();
    }

    @Override
    public Erasure.Result erase(Erasure erasure) {
        return new Erasure.Result.NoSuchEntry(erasure.seqs().getFirst());
    }

    @Override
    public Hold place(Placing placing) {
        return new Hold("h0", placing.scope(), placing.reason(), new Act(placing.by(), Instant.EPOCH, 0), null);
    }

    @Override
    public ReleaseResult release(Release release) {
        return new ReleaseResult.NoSuchHold();
    }

    @Override
    public List<Hold> list(TenantId tenant, Page page) {
        return List.of();
    }
}
