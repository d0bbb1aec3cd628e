package dev.assize.server.decision;

import static dev.assize.server.decision.ReferencePolicy.BYTES;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.AttributeValue.Fields;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The meaning of a decision, read off the contract sentence by sentence and interpreted from the documents on every
 * request: as plain as can be, as slow as it likes, and written without a look at the engine that it is played against.
 *
 * <p>It answers for one moment only: the `validUntil` of its answers is that moment.
 */
final class ReferenceEvaluator {

    private final ReferencePolicy policy;
    private final ReferenceAttributes attributes;
    private final ReferenceSettlement settlement;

    ReferenceEvaluator(PolicySet tenant, PolicySet platform, WorldRecords records) {
        this.policy = new ReferencePolicy(tenant, platform);
        this.attributes = new ReferenceAttributes(policy);
        this.settlement = new ReferenceSettlement(policy, records);
    }

    /** Whether the request is well-formed: attributes that are declared are of their types. */
    boolean isWellFormed(CheckQuery query) {
        return attributes.malformed(query).isEmpty();
    }

    void requireWellFormed(CheckQuery query) {
        attributes.malformed(query).ifPresent(field -> {
            throw new MalformedException(field, "a value", "one of the declared type");
        });
    }

    /** Whether an approval is needed, where everything else allows. */
    boolean needsApproval(CheckQuery query) {
        return settlement.needsApproval(query);
    }

    /** Whether history or approvals are asked for, where everything else allows. */
    boolean isSettledByRecords(CheckQuery query) {
        return settlement.covers(query);
    }

    /**
     * Whether the answer may be one of its moment only: "when a condition reading `now` or attributes, a history rule or
     * an approval rule is in question", for the subject or for the one on whose behalf it asks.
     */
    boolean mayBeMomentary(CheckQuery query, Instant now) {
        Delegator delegator = query.onBehalfOf();
        return settlement.covers(query)
                || bindings(query).stream().anyMatch(binding -> restsOnTheMoment(binding, query, now))
                || (delegator != null && mayBeMomentary(query.of(delegator), now));
    }

    private boolean restsOnTheMoment(RoleBindingDocument binding, CheckQuery query, Instant now) {
        List<Permission> covering = Stream.of(Effect.values())
                .flatMap(effect -> candidates(binding, effect, Set.of(), query, now).stream())
                .map(Candidate::permission)
                .toList();
        boolean isInQuestion = !covering.isEmpty() || rolesMayExclude(query);
        return ReferencePolicy.isInScope(binding, query)
                && ((isInQuestion && ReferenceCondition.readsTheMoment(binding.when()))
                        || covering.stream()
                                .anyMatch(permission -> ReferenceCondition.readsTheMoment(permission.when())));
    }

    /** Whether it matters which roles a subject has besides those that decide. */
    private boolean rolesMayExclude(CheckQuery query) {
        return query.activeRoles().isEmpty()
                && policy.all(SeparationOfDutyDocument.class).stream()
                        .anyMatch(rule -> rule.duty() instanceof Duty.ActiveRoles
                                && rule.environments().contains(query.env()));
    }

    /** The moments at which anything that names the request begins or ends. */
    Set<Instant> edges(CheckQuery query) {
        Set<Instant> edges = new HashSet<>();
        for (RoleBindingDocument binding : bindings(query)) {
            edges.add(binding.notBefore());
            edges.add(binding.notAfter());
        }
        for (FreezeDocument freeze : policy.all(FreezeDocument.class)) {
            if (policy.matches(freeze.target(), query)) {
                edges.add(freeze.from());
                edges.add(freeze.until());
            }
        }
        Delegator delegator = query.onBehalfOf();
        edges.addAll(delegator == null ? Set.of() : edges(query.of(delegator)));
        edges.remove(null);
        return edges;
    }

    RoleBindingDocument binding(String name) {
        return policy.find(RoleBindingDocument.class, name).orElseThrow();
    }

    RoleDocument role(String name) {
        return policy.find(RoleDocument.class, name).orElseThrow();
    }

    Answer evaluate(CheckQuery query, Instant now) {
        return evaluate(query, now, now);
    }

    /**
     * "An agent acting for a user: both must be allowed."
     *
     * @param now the moment that is judged
     * @param committedBy the moment by which history and approvals were on record
     */
    Answer evaluate(CheckQuery query, Instant now, Instant committedBy) {
        Answer own = decide(query, now, committedBy);
        Delegator delegator = query.onBehalfOf();
        if (!own.reason().isAllow() || delegator == null) {
            return own;
        }
        Answer theirs = decide(query.of(delegator), now, committedBy);
        if (!theirs.reason().isAllow()) {
            return new Answer(
                    Reason.DELEGATOR_DENIED,
                    theirs.decidedBy(),
                    own.revision(),
                    own.platformRevision(),
                    now,
                    theirs.obligations(),
                    theirs.reason(),
                    null);
        }
        return new Answer(
                Reason.ALLOWED,
                own.decidedBy(),
                own.revision(),
                own.platformRevision(),
                now,
                union(Stream.concat(own.obligations().stream(), theirs.obligations().stream())),
                null,
                own.approvalId() == null ? theirs.approvalId() : own.approvalId());
    }

    private Answer decide(CheckQuery query, Instant now, Instant committedBy) {
        return unknown(query)
                .map(reason -> deny(reason, null, List.of(), now))
                .or(() -> frozen(query, now))
                .or(() -> tooManyActive(query, now))
                .or(() -> denied(query, now))
                .orElseGet(() -> granted(query, now, committedBy));
    }

    /** Step 1. */
    private Optional<Reason> unknown(CheckQuery query) {
        if (!policy.tenantDocument().environments().contains(query.env())) {
            return Optional.of(Reason.ENVIRONMENT_UNKNOWN);
        }
        if (policy.all(ResourceTypeDocument.class).isEmpty()) {
            return Optional.empty();
        }
        return policy.find(ResourceTypeDocument.class, query.resource().type())
                .map(type -> type.actions().contains(query.action())
                        ? Optional.<Reason>empty()
                        : Optional.of(Reason.ACTION_UNKNOWN))
                .orElse(Optional.of(Reason.TYPE_UNKNOWN));
    }

    /** Step 2: "an active freeze whose every named field matches". */
    private Optional<Answer> frozen(CheckQuery query, Instant now) {
        return freezes(query, now)
                .filter(freeze -> freeze.target().role() == null)
                .map(freeze -> deny(Reason.FROZEN, new DecidedBy.Freeze(freeze.name()), List.of(), now))
                .findFirst();
    }

    private Stream<FreezeDocument> freezes(CheckQuery query, Instant now) {
        return policy.all(FreezeDocument.class).stream()
                .filter(freeze -> ReferencePolicy.isActive(freeze, now))
                .filter(freeze -> policy.matches(freeze.target(), query));
    }

    /** "A freeze that names a `role` … the role is cut out of the inheritance graph for allows." */
    private List<FreezeDocument> cuts(CheckQuery query, Instant now) {
        return freezes(query, now)
                .filter(freeze -> freeze.target().role() != null)
                .toList();
    }

    /** What becomes of a binding, judged in this order; null where it holds. */
    private @Nullable Reason judge(RoleBindingDocument binding, CheckQuery query, Instant now) {
        if (!ReferencePolicy.isInScope(binding, query)) {
            return Reason.OUT_OF_SCOPE;
        }
        if (binding.notAfter() != null && !now.isBefore(binding.notAfter())) {
            return Reason.GRANT_EXPIRED;
        }
        if (binding.notBefore() != null && now.isBefore(binding.notBefore())) {
            return Reason.GRANT_NOT_YET_VALID;
        }
        return judge(binding.when(), query, now);
    }

    /** What becomes of a condition; null where it is true. */
    private @Nullable Reason judge(@Nullable String when, CheckQuery query, Instant now) {
        if (when == null) {
            return null;
        }
        Fields variables = attributes.variables(query, now);
        Optional<AttributeValue> value = ReferenceCondition.parse(when).value(variables);
        return value.equals(Optional.of(ReferenceCondition.TRUE))
                ? null
                : value.equals(Optional.of(ReferenceCondition.FALSE)) ? Reason.CONDITION_FALSE : Reason.CONDITION_ERROR;
    }

    private List<RoleBindingDocument> bindings(CheckQuery query) {
        return policy.all(RoleBindingDocument.class).stream()
                .filter(binding -> policy.names(binding, query.subject(), query.subjectTenant()))
                .toList();
    }

    /** Step 3: "where an `active-roles` rule covers the env …". */
    private Optional<Answer> tooManyActive(CheckQuery query, Instant now) {
        List<String> acting = query.activeRoles().isEmpty()
                ? bindings(query).stream()
                        .filter(binding -> judge(binding, query, now) == null)
                        .map(RoleBindingDocument::role)
                        .toList()
                : query.activeRoles();
        Set<String> active = acting.stream()
                .flatMap(role -> policy.inherited(role, Set.of()).stream())
                .collect(Collectors.toSet());
        return policy.all(SeparationOfDutyDocument.class).stream()
                .filter(rule -> rule.environments().contains(query.env()))
                .filter(rule -> rule.duty() instanceof Duty.ActiveRoles(List<String> roles, int limit)
                        && roles.stream().distinct().filter(active::contains).count() > limit)
                .map(rule ->
                        deny(Reason.SEPARATION_OF_DUTY, new DecidedBy.Duty(rule.name()), List.<Obligation>of(), now))
                .findFirst();
    }

    /**
     * A permission that covers the request, of a binding that names the subject.
     *
     * @param verdict why it does not hold; null where it does
     */
    private record Candidate(
            RoleBindingDocument binding,
            String role,
            int position,
            Permission permission,
            @Nullable Reason verdict) {

        /** "Of several, the first by binding name, then role name, then position." */
        static final Comparator<Candidate> FIRST = Comparator.comparing(
                        (Candidate candidate) -> candidate.binding().name(), BYTES)
                .thenComparing(Candidate::role, BYTES)
                .thenComparingInt(Candidate::position);

        DecidedBy decidedBy() {
            return new DecidedBy.Grant(binding.name(), role, position);
        }
    }

    /** The permissions that a binding's role has by ways that avoid the roles cut out. */
    private List<Candidate> candidates(
            RoleBindingDocument binding, Effect effect, Set<String> cut, CheckQuery query, Instant now) {
        List<Candidate> candidates = new ArrayList<>();
        for (String role : policy.inherited(binding.role(), cut)) {
            List<Permission> permissions =
                    policy.find(RoleDocument.class, role).orElseThrow().permissions();
            for (int position = 0; position < permissions.size(); position++) {
                Permission permission = permissions.get(position);
                if (permission.effect() == effect && policy.covers(permission, query)) {
                    Reason ofBinding = judge(binding, query, now);
                    Reason verdict = ofBinding == null ? judge(permission.when(), query, now) : ofBinding;
                    candidates.add(new Candidate(binding, role, position, permission, verdict));
                }
            }
        }
        return candidates;
    }

    /** Step 4: "whose `when` is true or fails to evaluate"; "a binding-level `when` that errors keeps its denies". */
    private Optional<Answer> denied(CheckQuery query, Instant now) {
        List<Candidate> denies = new ArrayList<>();
        for (RoleBindingDocument binding : bindings(query)) {
            Reason ofBinding = judge(binding, query, now);
            if (ofBinding == null || ofBinding == Reason.CONDITION_ERROR) {
                candidates(binding, Effect.DENY, Set.of(), query, now).stream()
                        .filter(deny -> judge(deny.permission().when(), query, now) != Reason.CONDITION_FALSE)
                        .forEach(denies::add);
            }
        }
        return denies.stream()
                .min(Candidate.FIRST)
                .map(deny -> deny(
                        Reason.EXPLICIT_DENY, deny.decidedBy(), union(deny.permission().obligations().stream()), now));
    }

    /** Step 5, and what follows where something allows. */
    private Answer granted(CheckQuery query, Instant now, Instant committedBy) {
        List<FreezeDocument> cuts = cuts(query, now);
        Set<String> cut = new HashSet<>();
        cuts.forEach(freeze -> cut.add(freeze.target().role()));
        List<Candidate> uncut = allows(Set.of(), query, now);
        List<Candidate> candidates = allows(cut, query, now);
        List<Candidate> holding =
                candidates.stream().filter(allow -> allow.verdict() == null).toList();
        if (!holding.isEmpty()) {
            return settled(holding, query, now, committedBy);
        }
        if (uncut.stream().anyMatch(allow -> allow.verdict() == null)) {
            return deny(Reason.FROZEN, new DecidedBy.Freeze(cuts.getFirst().name()), List.of(), now);
        }
        for (Reason reason : List.of(
                Reason.CONDITION_ERROR,
                Reason.CONDITION_FALSE,
                Reason.GRANT_EXPIRED,
                Reason.GRANT_NOT_YET_VALID,
                Reason.OUT_OF_SCOPE)) {
            Optional<Candidate> nearest = candidates.stream()
                    .filter(candidate -> candidate.verdict() == reason)
                    .min(Candidate.FIRST);
            if (nearest.isPresent()) {
                return deny(reason, nearest.get().decidedBy(), List.of(), now);
            }
        }
        return deny(Reason.NO_GRANT, null, List.of(), now);
    }

    /** "Named `active_roles` narrow the allows to bindings of those roles." */
    private List<Candidate> allows(Set<String> cut, CheckQuery query, Instant now) {
        return bindings(query).stream()
                .filter(binding ->
                        query.activeRoles().isEmpty() || query.activeRoles().contains(binding.role()))
                .flatMap(binding -> candidates(binding, Effect.ALLOW, cut, query, now).stream())
                .toList();
    }

    /** Steps 6 to 8: "on allow the union over all allow permissions that hold". */
    private Answer settled(List<Candidate> holding, CheckQuery query, Instant now, Instant committedBy) {
        Optional<DecidedBy> duty = settlement.performed(query, now, committedBy);
        if (duty.isPresent()) {
            return deny(Reason.SEPARATION_OF_DUTY, duty.get(), List.of(), now);
        }
        Optional<DecidedBy> missing = settlement.missing(query, now, committedBy);
        if (missing.isPresent()) {
            return deny(Reason.APPROVAL_REQUIRED, missing.get(), List.of(), now);
        }
        Optional<String> approval = settlement.singleUse(query, now, committedBy);
        Stream<Obligation> duties = holding.stream().flatMap(allow -> allow.permission().obligations().stream());
        return new Answer(
                Reason.ALLOWED,
                holding.stream().min(Candidate.FIRST).orElseThrow().decidedBy(),
                policy.tenant().revision(),
                policy.platform().revision(),
                now,
                union(Stream.concat(duties, approval.stream().map(ReferenceSettlement::useOf))),
                null,
                approval.orElse(null));
    }

    /** By id, then type; the rest only to have one order. */
    private static List<Obligation> union(Stream<Obligation> obligations) {
        return obligations
                .distinct()
                .sorted(Comparator.comparing(Obligation::id, BYTES)
                        .thenComparing(Obligation::type, BYTES)
                        .thenComparing(
                                obligation -> String.join(
                                        "\0", obligation.properties().values()),
                                BYTES))
                .toList();
    }

    private Answer deny(Reason reason, @Nullable DecidedBy decidedBy, List<Obligation> advice, Instant now) {
        return new Answer(
                reason, decidedBy, policy.tenant().revision(), policy.platform().revision(), now, advice);
    }
}
