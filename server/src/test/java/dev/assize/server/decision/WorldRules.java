package dev.assize.server.decision;

import dev.assize.server.decision.WorldRecords.Entry;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.SourcePlace;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Freezes, separations of duty and approval rules of random worlds, and what was done and approved in them. */
final class WorldRules {

    private static final List<Duration> TTLS = List.of(Duration.ofHours(1), Duration.ofHours(5), Duration.ofHours(30));

    private static final int ENTRIES = 40;
    private static final int REQUESTS = 40;

    private final Dice dice;
    private final World.Pools pools;
    private final List<String> roles;
    private final List<String> groups;

    WorldRules(Dice dice, World.Pools pools, List<String> roles, List<String> groups) {
        this.dice = dice;
        this.pools = pools;
        this.roles = roles;
        this.groups = groups;
    }

    FreezeDocument freeze(String name) {
        Subject subject = dice.maybe(
                30,
                () -> groups.isEmpty() || dice.chance(60)
                        ? pools.subject(dice)
                        : new Subject(Subject.GROUP_TYPE, dice.pick(groups)));
        String role = dice.maybe(50, () -> dice.pick(roles));
        Action action = dice.maybe(25, () -> dice.pick(pools.actions()));
        ResourcePath resource = dice.maybe(25, () -> dice.pick(pools.scoped()));
        String type = dice.maybe(20, () -> dice.pick(pools.types()));
        Environment env = dice.maybe(25, () -> dice.pick(pools.environments()));
        String run = dice.maybe(10, () -> dice.pick(pools.runs()));
        boolean nothing = subject == null
                && role == null
                && action == null
                && resource == null
                && type == null
                && env == null
                && run == null;
        return new FreezeDocument(
                World.metadata(PolicyScope.of(pools.tenant()), name),
                SourcePlace.UNKNOWN,
                new FreezeTarget(subject, role, action, resource, type, env, run, nothing || dice.chance(5)),
                "an incident",
                dice.maybe(45, () -> dice.pick(pools.moments())),
                dice.maybe(nothing ? 100 : 45, () -> dice.pick(pools.moments())));
    }

    SeparationOfDutyDocument duty(PolicyScope scope, String name) {
        Duty duty = switch (roles.size() < 2 ? 4 : dice.below(5)) {
            case 0 -> new Duty.AssignedRoles(roles, 1);
            case 1 -> {
                List<String> apart = roles.subList(dice.below(roles.size() - 1), roles.size());
                yield new Duty.ActiveRoles(apart, 1 + dice.below(Math.min(2, apart.size() - 1)));
            }
            default ->
                new Duty.PerformedActions(
                        dice.chance(50) ? pools.actions() : dice.few(pools.actions(), 4),
                        dice.anyOf(pools.types(), 60));
        };
        return new SeparationOfDutyDocument(World.metadata(scope, name), SourcePlace.UNKNOWN, duty, environments());
    }

    ApprovalRuleDocument approvalRule(String name) {
        return new ApprovalRuleDocument(
                World.metadata(PolicyScope.of(pools.tenant()), name),
                SourcePlace.UNKNOWN,
                dice.anyOf(pools.types(), 65),
                dice.anyOf(pools.actions(), 40),
                environments(),
                dice.chance(65) ? 1 : 2,
                dice.pick(roles),
                approverTypes(),
                dice.pick(TTLS),
                dice.pick(TTLS),
                dice.chance(50));
    }

    private AnyOf<Environment> environments() {
        return dice.chance(60) ? new AnyOf.All<>() : dice.anyOf(pools.environments(), 10);
    }

    private List<String> approverTypes() {
        return dice.chance(70) ? pools.subjectTypes() : dice.few(pools.subjectTypes(), 2);
    }

    WorldRecords records(List<ApprovalRuleDocument> rules, Supplier<World.Aim> aims) {
        List<Instant> moments = new ArrayList<>(pools.moments());
        moments.sort(Comparator.naturalOrder());
        List<Entry> entries = new ArrayList<>();
        for (int seq = 0; seq < ENTRIES; seq++) {
            Instant nth = moments.get(seq * moments.size() / ENTRIES);
            World.Aim aim = aims.get();
            entries.add(new Entry(
                    seq,
                    aim.subject(),
                    dice.pick(pools.actions()),
                    aim.resource(),
                    aim.env(),
                    dice.pick(List.of("SUCCESS", "SUCCESS", "PARTIAL", "PARTIAL", "FAILURE", "DENIED")),
                    nth.plusNanos(1_000L * seq)));
        }
        return new WorldRecords(
                entries,
                rules.isEmpty()
                        ? List.of()
                        : IntStream.range(0, REQUESTS)
                                .mapToObj(i -> "approval-" + (char) ('a' + i % 26) + i / 26)
                                .map(id -> dice.chance(40)
                                        ? approved(id, rules, covered(rules, aims))
                                        : request(id, rules, aims.get()))
                                .toList());
    }

    private ApprovalRequest request(String id, List<ApprovalRuleDocument> rules, World.Aim aim) {
        Instant requestedAt = dice.pick(pools.moments());
        List<PinnedRule> pinned =
                rules.stream().filter(rule -> dice.chance(90)).map(this::pinned).toList();
        ApprovalRuleDocument rule = dice.pick(rules);
        return new ApprovalRequest(
                id,
                pools.tenant(),
                pools.subject(dice),
                pools.tenant(),
                aim.subject(),
                aim.home(),
                dice.chance(15) && rule.actions() instanceof AnyOf.Listed<Action>(List<Action> listed)
                        ? dice.pick(listed)
                        : aim.action(),
                aim.resource(),
                aim.env(),
                pinned,
                IntStream.range(0, dice.between(0, 5))
                        .mapToObj(i -> vote(requestedAt, pinned))
                        .sorted(Comparator.comparing(Vote::at))
                        .toList(),
                requestedAt,
                dice.maybe(5, () -> soonAfter(requestedAt)),
                dice.maybe(5, () -> soonAfter(requestedAt)));
    }

    /** One of a few that a rule covers, if there is any. */
    private static World.Aim covered(List<ApprovalRuleDocument> rules, Supplier<World.Aim> aims) {
        World.Aim aim = aims.get();
        for (int i = 0; i < 10 && !isCovered(aim, rules); i++) {
            aim = aims.get();
        }
        return aim;
    }

    private static boolean isCovered(World.Aim aim, List<ApprovalRuleDocument> rules) {
        return rules.stream()
                .anyMatch(rule -> rule.resources().contains(aim.resource().type())
                        && rule.actions().contains(aim.action())
                        && rule.environments().contains(aim.env()));
    }

    /** Soon approved by as many as any rule wants, and neither used up nor taken back. */
    private ApprovalRequest approved(String id, List<ApprovalRuleDocument> rules, World.Aim aim) {
        Instant requestedAt = dice.pick(pools.moments());
        List<String> names = rules.stream().map(ApprovalRuleDocument::name).toList();
        List<Vote> votes = rules.stream()
                .flatMap(rule -> IntStream.range(0, 2 * rule.approvals())
                        .mapToObj(_ -> new Subject(
                                dice.pick(rule.approverTypes()),
                                pools.subject(dice).id())))
                .map(approver -> new Vote(
                        approver,
                        pools.tenant(),
                        true,
                        names,
                        null,
                        requestedAt.plus(Duration.ofMinutes(dice.between(0, 59)))))
                .sorted(Comparator.comparing(Vote::at))
                .toList();
        return new ApprovalRequest(
                id,
                pools.tenant(),
                pools.subject(dice),
                pools.tenant(),
                aim.subject(),
                aim.home(),
                aim.action(),
                aim.resource(),
                aim.env(),
                rules.stream().map(WorldRules::asItIs).toList(),
                votes,
                requestedAt,
                null,
                null);
    }

    private static PinnedRule asItIs(ApprovalRuleDocument rule) {
        return new PinnedRule(
                rule.name(),
                rule.approvals(),
                rule.approverRole(),
                rule.approverTypes(),
                rule.pendingTtl(),
                rule.ttl(),
                rule.singleUse());
    }

    /** Mostly the rule as it is, else as it may have been once. */
    private PinnedRule pinned(ApprovalRuleDocument rule) {
        return new PinnedRule(
                rule.name(),
                dice.chance(88) ? rule.approvals() : dice.between(1, 3),
                dice.chance(95) ? rule.approverRole() : dice.pick(roles),
                dice.chance(88) ? rule.approverTypes() : approverTypes(),
                dice.chance(88) ? rule.pendingTtl() : dice.pick(TTLS),
                dice.chance(88) ? rule.ttl() : dice.pick(TTLS),
                dice.chance(88) ? rule.singleUse() : dice.chance(50));
    }

    private Vote vote(Instant requestedAt, List<PinnedRule> rules) {
        return new Vote(
                pools.subject(dice),
                dice.chance(90) ? pools.tenant() : dice.pick(pools.homes()),
                dice.chance(98),
                rules.stream()
                        .map(PinnedRule::name)
                        .filter(rule -> dice.chance(90))
                        .toList(),
                null,
                soonAfter(requestedAt));
    }

    private Instant soonAfter(Instant moment) {
        return dice.chance(75)
                ? moment.plus(Duration.ofMinutes(dice.between(0, 59)))
                : moment.plus(dice.pick(TTLS)).plusNanos(dice.between(-1, 1));
    }

    /** The moments at which an approval begins or ends to count. */
    static List<Instant> edges(ApprovalRequest request) {
        List<Instant> edges = new ArrayList<>();
        edges.add(request.requestedAt());
        request.votes().forEach(vote -> {
            edges.add(vote.at());
            edges.add(vote.at().plusSeconds(60));
            request.rules().forEach(rule -> edges.add(vote.at().plus(rule.ttl())));
        });
        edges.add(request.cancelledAt());
        edges.add(request.usedAt());
        return edges.stream().filter(Objects::nonNull).toList();
    }
}
