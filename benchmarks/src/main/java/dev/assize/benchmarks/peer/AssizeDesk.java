package dev.assize.benchmarks.peer;

import dev.assize.benchmarks.RequestMessage;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.Desk;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Asks the service in process as the server does: by the bytes of the request's message, and where those do not do, by the
 * names as objects.
 */
public final class AssizeDesk implements IntPredicate {

    private final DecisionService service;
    private final Desk desk;
    private final CheckBytes names = new CheckBytes();
    private final CheckQuery[] queries;
    private final byte[][] messages;

    private AssizeDesk(DecisionService service, List<CheckQuery> queries) {
        this.service = service;
        this.desk = service.desk();
        this.queries = queries.toArray(CheckQuery[]::new);
        this.messages = queries.stream().map(RequestMessage::of).toArray(byte[][]::new);
    }

    /** Of a tenant whose policy the service holds by now. */
    public static AssizeDesk of(DecisionService service, List<CheckQuery> queries) {
        service.evaluate(queries.getFirst());
        return new AssizeDesk(service, queries);
    }

    /** Whether the question of an index is allowed. */
    @Override
    public boolean test(int index) {
        RequestMessage.read(messages[index], names);
        if (!desk.open(names)) {
            return byObjects(index);
        }
        boolean decided = desk.decide(names);
        boolean allowed = decided && desk.reason() == Reason.ALLOWED;
        desk.close();
        return decided ? allowed : byObjects(index);
    }

    private boolean byObjects(int index) {
        return service.evaluate(queries[index]).reason() == Reason.ALLOWED;
    }
}
