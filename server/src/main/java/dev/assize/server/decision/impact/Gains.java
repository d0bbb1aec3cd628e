package dev.assize.server.decision.impact;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.evaluate.Openness;
import dev.assize.server.decision.evaluate.Prospect;
import dev.assize.server.decision.impact.Universe.Place;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether a change gives somebody anything: a question that policy denies before it and may allow after it, or requests
 * of others that it may approve and could not.
 *
 * <p>Asked is everything that the change can touch and the subject's roles speak of, now and at every later moment at
 * which one of its bindings or a freeze begins or ends, with every choice of active roles where that matters. Whatever
 * cannot be known counts as given, unless it hangs on the same conditions as
 * before, and everything these name in policy is as it was. Where there is too much to ask, that
 * counts as given too.
 */
public final class Gains {

    /** Questions put to both policies. */
    static final long QUESTIONS = 2_000_000;

    private static final String TOO_MUCH = "there is more to compare than is compared";

    private final Side before;
    private final Side after;
    private final Set<DocumentKey> changed;
    private final Person person;
    private final Instant now;
    private final boolean obligedIsDenied;
    private long questions;

    private Gains(PolicyState before, PolicyState after, Set<DocumentKey> changed, Person person, Instant now) {
        this.before = new Side(before);
        this.after = new Side(after);
        this.changed = changed;
        this.person = person;
        this.now = now;
        // Assize itself knows no obligations, and who does not know one denies.
        this.obligedIsDenied = after.tenant().scope().ledgerTenant().equals(TenantId.ASSIZE);
    }

    /**
     * Something that is given.
     *
     * @param message what, as people read it
     */
    public record Gain(TenantId tenant, Subject subject, String message) {}

    /**
     * The first thing that a change gives to a subject; empty where it gives nothing.
     *
     * @param changed every document that differs, of the tenant and of the platform
     */
    public static Optional<Gain> first(
            PolicyState before,
            PolicyState after,
            Set<DocumentKey> changed,
            Subject subject,
            TenantId home,
            Instant now) {
        Person person = new Person(subject, home, Person.Kind.NAMED);
        return new Gains(before, after, changed, person, now)
                .first()
                .map(message -> new Gain(after.tenant().scope().ledgerTenant(), subject, message));
    }

    private Optional<String> first() {
        if (!after.exists()) {
            return Optional.empty();
        }
        List<RoleBindingDocument> was = before.bindingsOf(person);
        List<RoleBindingDocument> is = after.bindingsOf(person);
        if (is.isEmpty() || !isConcerned(was, is)) {
            return Optional.empty();
        }
        Side.compile(before, after, Set.of(person.subject()), changed);
        List<RoleBindingDocument> both =
                Stream.concat(was.stream(), is.stream()).toList();
        // What nothing allows afterwards is not given.
        List<Touch> held = is.stream()
                .map(RoleBindingDocument::role)
                .distinct()
                .flatMap(role -> after.allows(role).stream())
                .distinct()
                .toList();
        return first(both, held).or(() -> new ApproverGains(before, after, changed, person, now).first(was, is));
    }

    /** A change that neither names the subject nor says anything about everybody gives it nothing. */
    private boolean isConcerned(List<RoleBindingDocument> was, List<RoleBindingDocument> is) {
        Set<DocumentKey> own = new TreeSet<>();
        was.forEach(binding -> own.add(binding.key()));
        is.forEach(binding -> own.add(binding.key()));
        for (Side side : List.of(before, after)) {
            side.names(person.subject(), person.home()).stream()
                    .filter(Subject::isGroup)
                    .forEach(group ->
                            own.add(new DocumentKey(side.state().tenant().scope(), Kind.GROUP, group.id())));
        }
        own.add(new DocumentKey(
                after.state().tenant().scope(), Kind.SUBJECT, person.subject().toString()));
        return changed.stream().anyMatch(key -> switch (key.kind()) {
            case ROLE_BINDING, GROUP, SUBJECT -> own.contains(key);
            // A new one only takes away: the brake must not wait for a search. In tenant `assize` what is taken may
            // matter.
            case FREEZE -> obligedIsDenied || before.state().tenant().find(key).isPresent();
            case TENANT, RESOURCE_TYPE, ROLE, RESOURCE, SEPARATION_OF_DUTY, APPROVAL_RULE -> true;
        });
    }

    private Optional<String> first(List<RoleBindingDocument> bindings, List<Touch> held) {
        Universe universe = new Universe(before, after, changed);
        List<Touch> touches = Touched.cells(before, after, changed);
        Set<ResourcePath> paths = universe.paths(bindings);
        List<List<String>> choices = choices(bindings);
        List<Instant> moments = moments(bindings);
        for (String type : universe.types()) {
            List<Place> places = universe.places(type, paths);
            for (Action action : universe.actions(type)) {
                List<Place> touched = ImpactAnalysis.touched(places, action, touches, held);
                for (Environment env : universe.environments()) {
                    for (Place place : touched) {
                        for (@Nullable String run : universe.runs()) {
                            Openness openness = Universe.openness(person, place, action);
                            List<CheckQuery> queries = choices.stream()
                                    .map(roles -> universe.query(person, place, action, env, run, roles))
                                    .toList();
                            for (Instant moment : moments) {
                                questions += queries.size();
                                if (questions > QUESTIONS) {
                                    return Optional.of(TOO_MUCH);
                                }
                                if (gives(queries, openness, moment)) {
                                    return Optional.of(shown(place, action, env, run, moment));
                                }
                            }
                        }
                    }
                }
            }
        }
        return Optional.empty();
    }

    /** The first question names no roles and is compared with itself; a choice of roles, with every other choice. */
    private boolean gives(List<CheckQuery> queries, Openness openness, Instant moment) {
        List<Prospect> was = queries.stream()
                .map(query -> before.ask(query, openness, moment, obligedIsDenied))
                .toList();
        for (int i = 0; i < queries.size(); i++) {
            Prospect is = after.ask(queries.get(i), openness, moment, obligedIsDenied);
            List<Prospect> others = i == 0 ? was.subList(0, 1) : was;
            if (others.stream().allMatch(is::gives)) {
                return true;
            }
        }
        return false;
    }

    /** No named role, which is all of them; and each alone, where together they may be too many. */
    private List<List<String>> choices(List<RoleBindingDocument> bindings) {
        List<List<String>> choices = new ArrayList<>();
        choices.add(List.of());
        if (Touched.hasActiveRules(before) || Touched.hasActiveRules(after)) {
            bindings.stream().map(RoleBindingDocument::role).distinct().forEach(role -> choices.add(List.of(role)));
        }
        return choices;
    }

    /** Now, and whenever something begins or ends. */
    private List<Instant> moments(List<RoleBindingDocument> bindings) {
        Set<Instant> moments = new TreeSet<>();
        for (RoleBindingDocument binding : bindings) {
            add(moments, binding.notBefore());
            add(moments, binding.notAfter());
        }
        for (Side side : List.of(before, after)) {
            for (FreezeDocument freeze : side.freezes()) {
                add(moments, freeze.from());
                add(moments, freeze.until());
            }
        }
        moments.add(now);
        return List.copyOf(moments);
    }

    private void add(Set<Instant> moments, @Nullable Instant moment) {
        if (moment != null && moment.isAfter(now)) {
            moments.add(moment);
        }
    }

    private String shown(Place place, Action action, Environment env, @Nullable String run, Instant moment) {
        return "`" + person.subject() + "` could `" + Universe.shown(action) + "` on `" + Universe.shown(place)
                + "` in environment `" + env + "`"
                + (run == null ? "" : ", run `" + run + "`")
                + (moment.equals(now) ? "" : ", from " + moment + " on")
                + ", and cannot now";
    }
}
