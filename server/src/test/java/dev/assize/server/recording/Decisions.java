package dev.assize.server.recording;

import dev.assize.server.decision.DecisionMade;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.Obligation;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Random decisions. */
final class Decisions {

    static final TenantId ACME = new TenantId("acme");

    private static final List<Reason> DENIES =
            Stream.of(Reason.values()).filter(reason -> !reason.isAllow()).toList();

    private Decisions() {}

    static DecisionMade random(RandomGenerator dice, String id) {
        Reason reason = dice.nextInt(3) > 0 ? Reason.ALLOWED : DENIES.get(dice.nextInt(DENIES.size()));
        CheckQuery query = new CheckQuery(
                new Subject("user", "u" + dice.nextInt(5) + "@fünd.com"),
                ResourcePath.parse("vault:v" + dice.nextInt(3) + (dice.nextBoolean() ? "/agent:a" : "")),
                new Action(dice.nextBoolean() ? "read" : "write"),
                ACME,
                new Environment(dice.nextBoolean() ? "production" : "default"),
                dice.nextBoolean() ? ACME : new TenantId("partner"),
                dice.nextBoolean() ? Map.of() : Map.of("clearance", new AttributeValue.Whole(dice.nextInt())),
                Map.of(),
                dice.nextBoolean() ? Map.of() : Map.of("ip", new AttributeValue.Text("10.0.0." + dice.nextInt(255))),
                texts(dice, "role"),
                dice.nextInt(4) > 0 ? null : new Delegator(new Subject("user", "boss"), ACME),
                dice.nextBoolean() ? null : "run-" + dice.nextInt(3));
        Answer answer = new Answer(
                reason,
                decidedBy(dice),
                new Revision(1 + dice.nextInt(100)),
                new Revision(dice.nextInt(100)),
                Instant.EPOCH,
                texts(dice, "duty").stream()
                        .map(name -> new Obligation(name, "log", new TreeMap<>()))
                        .toList(),
                reason == Reason.DELEGATOR_DENIED ? Reason.NO_GRANT : null,
                dice.nextBoolean() ? null : "approval-" + dice.nextInt(9));
        return new DecisionMade(
                id,
                Instant.parse("2026-03-01T12:00:00Z").plusNanos(1_000L * dice.nextInt(1_000_000)),
                new Recorder(new Subject("service", "replay"), ACME),
                query,
                answer,
                dice.nextBoolean() ? null : "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    }

    static DecisionMade made(String id, Reason reason) {
        return new DecisionMade(
                id,
                Instant.parse("2026-03-01T12:00:00Z"),
                Recorder.ASSIZE,
                new CheckQuery(
                        new Subject("user", "alice"),
                        ResourcePath.parse("vault:v"),
                        new Action("read"),
                        ACME,
                        Environment.DEFAULT,
                        ACME),
                new Answer(reason, null, new Revision(1), Revision.NONE, Instant.EPOCH, List.of()),
                null);
    }

    private static @Nullable DecidedBy decidedBy(RandomGenerator dice) {
        return switch (dice.nextInt(5)) {
            case 0 -> null;
            case 1 -> new DecidedBy.Freeze("stop");
            case 2 -> new DecidedBy.Duty("four-eyes");
            case 3 -> new DecidedBy.Approval("release");
            default -> new DecidedBy.Grant("b" + dice.nextInt(3), "operator", dice.nextInt(9));
        };
    }

    private static List<String> texts(RandomGenerator dice, String name) {
        return IntStream.range(0, dice.nextInt(3)).mapToObj(i -> name + i).toList();
    }
}
