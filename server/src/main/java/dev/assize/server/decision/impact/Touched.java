package dev.assize.server.decision.impact;

import static java.util.Objects.requireNonNull;

import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.SubjectPattern;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whose answers, and which, a change may alter: never fewer than it does. Found from the documents that differ, as they
 * were and as they are.
 */
final class Touched {

    /** Names that no policy uses, for those whom it does not name. */
    private static final String NOBODYS_ID = "assize.unnamed";

    private static final String NOBODYS_TYPE = "assize-unnamed";

    private final Side before;
    private final Side after;
    private final Set<Person> persons = new TreeSet<>();
    private final List<Touch> touches = new ArrayList<>();
    private final boolean wantsPersons;
    private boolean everybody;

    private Touched(Side before, Side after, boolean wantsPersons) {
        this.wantsPersons = wantsPersons;
        this.before = before;
        this.after = after;
    }

    /** Who and what. */
    static Touched by(Side before, Side after, Set<DocumentKey> changed) {
        Touched touched = by(before, after, changed, true);
        if (touched.everybody) {
            touched.addEverybody(before);
            touched.addEverybody(after);
        }
        return touched;
    }

    /** What, whoever it may concern: that costs no more than the change itself. */
    static List<Touch> cells(Side before, Side after, Set<DocumentKey> changed) {
        return by(before, after, changed, false).touches;
    }

    private static Touched by(Side before, Side after, Set<DocumentKey> changed, boolean persons) {
        Touched touched = new Touched(before, after, persons);
        for (DocumentKey key : changed) {
            Document was = before.find(key);
            Document is = after.find(key);
            if (was instanceof GroupDocument || is instanceof GroupDocument) {
                touched.addGroup((GroupDocument) was, (GroupDocument) is);
            } else if (was instanceof RoleDocument || is instanceof RoleDocument) {
                touched.addRole((RoleDocument) was, (RoleDocument) is);
            } else if (was instanceof ResourceTypeDocument || is instanceof ResourceTypeDocument) {
                touched.addType((ResourceTypeDocument) was, (ResourceTypeDocument) is);
            } else {
                touched.add(before, was);
                touched.add(after, is);
            }
        }
        return touched;
    }

    Set<Person> persons() {
        return persons;
    }

    /** Whether there is nobody whom it could not concern. */
    boolean isEverybody() {
        return everybody;
    }

    List<Touch> touches() {
        return touches;
    }

    private void add(Side side, @Nullable Document document) {
        switch (document) {
            case null -> {}
            case RoleBindingDocument binding -> {
                addHolders(side, binding);
                addRoles(side, binding.role());
            }
            case SubjectDocument subject -> {
                persons.add(new Person(subject.subject(), home(), Person.Kind.NAMED));
                touches.add(Touch.EVERYTHING);
            }
            case ResourceDocument resource ->
                everybody(Touch.ofType(resource.resource().type()));
            case TenantDocument _ -> everybody(Touch.EVERYTHING);
            case ApprovalRuleDocument rule -> everybody(new Touch(rule.resources(), rule.actions()));
            case SeparationOfDutyDocument duty -> add(duty);
            case FreezeDocument freeze -> add(freeze);
            case GroupDocument _, RoleDocument _, ResourceTypeDocument _ ->
                throw new IllegalArgumentException(document.key().toString());
        }
    }

    private void add(SeparationOfDutyDocument document) {
        switch (document.duty()) {
            case Duty.AssignedRoles _ -> {}
            case Duty.ActiveRoles _ -> everybody(Touch.EVERYTHING);
            case Duty.PerformedActions(var actions, var resources) ->
                everybody(new Touch(resources, new AnyOf.Listed<>(actions)));
        }
    }

    private void add(FreezeDocument freeze) {
        FreezeTarget target = freeze.target();
        Subject stopped = target.subject();
        Touch touch = new Touch(
                target.resourceType() == null ? new AnyOf.All<>() : new AnyOf.Listed<>(List.of(target.resourceType())),
                target.action() == null ? new AnyOf.All<>() : new AnyOf.Listed<>(List.of(target.action())));
        if (stopped == null) {
            everybody(touch);
            return;
        }
        touches.add(touch);
        if (!wantsPersons) {
            return;
        }
        if (stopped.isGroup()) {
            for (Side each : List.of(before, after)) {
                each.reach().members(stopped).forEach(member -> addNamed(member, home()));
            }
        } else {
            homesOf(stopped).forEach(home -> addNamed(stopped, home));
        }
    }

    private void everybody(Touch touch) {
        everybody = true;
        touches.add(touch);
    }

    /** Who is in it, or was, has other grants, and other groups that conditions may read. */
    private void addGroup(@Nullable GroupDocument was, @Nullable GroupDocument is) {
        touches.add(Touch.EVERYTHING);
        if (!wantsPersons) {
            return;
        }
        Set<Subject> members = new LinkedHashSet<>(was == null ? List.of() : was.members());
        Set<Subject> others = new LinkedHashSet<>(is == null ? List.of() : is.members());
        Set<Subject> both = new LinkedHashSet<>(members);
        both.retainAll(others);
        members.addAll(others);
        members.removeAll(both);
        for (Subject member : members) {
            for (Side each : List.of(before, after)) {
                each.reach().members(member).forEach(person -> addNamed(person, home()));
            }
        }
    }

    private void addRole(@Nullable RoleDocument was, @Nullable RoleDocument is) {
        String name = requireNonNull(was == null ? is : was).name();
        for (Side side : wantsPersons ? List.of(before, after) : List.<Side>of()) {
            for (String role : side.reaching(name)) {
                side.reach().ofRole(role).forEach(binding -> addHolders(side, binding));
            }
        }
        boolean inheritsAsBefore = was != null && is != null && was.inherits().equals(is.inherits());
        if (was != null) {
            was.permissions().stream()
                    .filter(permission -> is == null || !says(is, permission))
                    .forEach(permission -> touches.add(before.touchOf(permission)));
        }
        if (is != null) {
            is.permissions().stream()
                    .filter(permission -> was == null || !says(was, permission))
                    .forEach(permission -> touches.add(after.touchOf(permission)));
        }
        if (!inheritsAsBefore) {
            addRoles(before, name);
            addRoles(after, name);
        }
    }

    /** The first one declared takes all others away; and what is declared of attributes is declared for conditions. */
    private void addType(@Nullable ResourceTypeDocument was, @Nullable ResourceTypeDocument is) {
        everybody(
                was != null && is != null && was.attributes().equals(is.attributes())
                        ? Touch.ofType(is.name())
                        : Touch.EVERYTHING);
    }

    private static boolean says(RoleDocument role, Document.Permission permission) {
        return role.permissions().stream()
                .anyMatch(other -> other.effect() == permission.effect()
                        && other.resources().equals(permission.resources())
                        && other.actions().equals(permission.actions())
                        && other.environments().equals(permission.environments())
                        && Objects.equals(other.when(), permission.when())
                        && other.obligations().equals(permission.obligations()));
    }

    /** What a role says; and all there is, where roles may be active against one another. */
    private void addRoles(Side side, String role) {
        if (hasActiveRules(before) || hasActiveRules(after)) {
            touches.add(Touch.EVERYTHING);
        } else {
            side.permissions(role).forEach(permission -> touches.add(side.touchOf(permission)));
        }
    }

    static boolean hasActiveRules(Side side) {
        return Stream.of(side.state().tenant(), side.state().platform())
                .flatMap(set -> set.ofKind(SeparationOfDutyDocument.class).stream())
                .anyMatch(document -> document.duty() instanceof Duty.ActiveRoles);
    }

    private void addHolders(Side side, RoleBindingDocument binding) {
        if (!wantsPersons) {
            return;
        }
        TenantId home = side.reach().homeOf(binding);
        for (SubjectPattern pattern : binding.subjects()) {
            switch (pattern) {
                case SubjectPattern.Named(Subject subject) -> {
                    if (!subject.isGroup()) {
                        addNamed(subject, home);
                    } else if (home.equals(home())) {
                        side.reach().members(subject).forEach(member -> addNamed(member, home));
                    }
                }
                case SubjectPattern.AnyOfType(String type) -> addOpen(home, type);
                case SubjectPattern.Anyone _ -> addOpen(home, null);
            }
        }
    }

    /** Everybody of a home and type whom policy knows, and one who stands for all others. */
    private void addOpen(TenantId home, @Nullable String type) {
        for (Side side : List.of(before, after)) {
            everyNamed(side, (subject, its) -> {
                if (its.equals(home) && (type == null || subject.type().equals(type))) {
                    addNamed(subject, home);
                }
            });
        }
        addUnnamed(home, type);
        if (type == null) {
            for (Side side : List.of(before, after)) {
                side.reach().open().stream()
                        .filter(binding -> side.reach().homeOf(binding).equals(home))
                        .flatMap(binding -> binding.subjects().stream())
                        .filter(SubjectPattern.AnyOfType.class::isInstance)
                        .forEach(pattern -> addUnnamed(home, ((SubjectPattern.AnyOfType) pattern).type()));
            }
        }
    }

    private void addUnnamed(TenantId home, @Nullable String type) {
        persons.add(
                type == null
                        ? new Person(new Subject(NOBODYS_TYPE, NOBODYS_ID), home, Person.Kind.ANYBODY)
                        : new Person(new Subject(type, NOBODYS_ID), home, Person.Kind.OF_TYPE));
    }

    private void addNamed(Subject subject, TenantId home) {
        persons.add(new Person(subject, home, Person.Kind.NAMED));
    }

    private void addEverybody(Side side) {
        everyNamed(side, this::addNamed);
        side.reach()
                .open()
                .forEach(binding -> binding.subjects().forEach(pattern -> {
                    switch (pattern) {
                        case SubjectPattern.AnyOfType(String type) ->
                            addUnnamed(side.reach().homeOf(binding), type);
                        case SubjectPattern.Anyone _ -> addUnnamed(side.reach().homeOf(binding), null);
                        case SubjectPattern.Named _ -> {}
                    }
                }));
    }

    private void everyNamed(Side side, BiConsumer<Subject, TenantId> each) {
        var tenant = side.state().tenant();
        for (RoleBindingDocument binding : tenant.ofKind(RoleBindingDocument.class)) {
            for (SubjectPattern pattern : binding.subjects()) {
                if (pattern instanceof SubjectPattern.Named(Subject subject) && !subject.isGroup()) {
                    each.accept(subject, side.reach().homeOf(binding));
                }
            }
        }
        tenant.ofKind(GroupDocument.class)
                .forEach(group -> group.members().stream()
                        .filter(member -> !member.isGroup())
                        .forEach(member -> each.accept(member, home())));
        tenant.ofKind(SubjectDocument.class).forEach(document -> each.accept(document.subject(), home()));
        side.freezes().forEach(freeze -> {
            Subject subject = freeze.target().subject();
            if (subject != null && !subject.isGroup()) {
                homesOf(subject).forEach(home -> each.accept(subject, home));
            }
        });
    }

    /** The homes of which somebody of this name has a grant. */
    private Set<TenantId> homesOf(Subject subject) {
        Set<TenantId> homes = new LinkedHashSet<>(Set.of(home()));
        for (Side side : List.of(before, after)) {
            side.reach()
                    .naming(subject)
                    .forEach(binding -> homes.add(side.reach().homeOf(binding)));
            side.reach().open().forEach(binding -> homes.add(side.reach().homeOf(binding)));
        }
        return homes;
    }

    private TenantId home() {
        return after.state().tenant().scope().ledgerTenant();
    }
}
