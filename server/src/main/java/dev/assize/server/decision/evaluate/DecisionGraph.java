package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SortedNames;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An immutable, compiled policy of one tenant at one revision, beside the platform's at one, in two parts. The schema
 * knows what roles say: inheritance and implied actions are worked out once, when it is compiled, and a request finds its
 * cell by type, action and environment. The directory knows who is granted what; graphs that differ in a few subjects
 * share the rest of it. A request finds its grants by subject, and meets both in the few grants whose role has a rule in
 * the cell.
 */
public final class DecisionGraph {

    /** What a graph was compiled from. */
    public record Origin(PolicySet tenant, PolicySet platform) {}

    /**
     * Whom and what a policy knows by name.
     *
     * @param residents the tenant's own subjects
     * @param guests other tenants' subjects, by their home
     */
    public record Directory(
            HomeDirectory residents, Map<TenantId, HomeDirectory> guests, SortedNames<KnownResource> resources) {}

    private final TenantId tenant;
    private final Origin origin;
    private final Schema schema;
    private final Freezes freezes;
    private final Duties duties;
    private final Directory directory;
    private final BindingCounts bindingCounts;
    private final long ownWeightBytes;
    private final DecisionLog decisionLog;
    private final boolean restrained;
    private final boolean asking;
    private final HomeDirectory residents;

    /**
     * A graph.
     *
     * @param ownWeightBytes the heap of the directory and of the tenant's documents
     */
    public DecisionGraph(
            Origin origin,
            Schema schema,
            Freezes freezes,
            Duties duties,
            Directory directory,
            BindingCounts bindingCounts,
            long ownWeightBytes) {
        this.tenant = origin.tenant().scope().tenant().orElseThrow();
        this.origin = origin;
        this.schema = schema;
        this.freezes = freezes;
        this.duties = duties;
        this.directory = directory;
        this.bindingCounts = bindingCounts;
        this.ownWeightBytes = ownWeightBytes;
        this.residents = directory.residents();
        this.asking = duties.mayAsk();
        this.restrained = !freezes.areNone() || duties.limitActive();
        this.decisionLog = origin.tenant().ofKind(TenantDocument.class).stream()
                .findFirst()
                .map(self -> self.audit().decisionLog())
                .orElse(DecisionLog.NONE);
    }

    public TenantId tenant() {
        return tenant;
    }

    public Revision revision() {
        return origin.tenant().revision();
    }

    public Revision platformRevision() {
        return origin.platform().revision();
    }

    /** Which of its decisions go on record. */
    public DecisionLog decisionLog() {
        return decisionLog;
    }

    /** The actions of which rules ask the ledger who performed them. */
    public Set<String> historyActions() {
        return duties.historyActions();
    }

    /** The revision of one of the two scopes it was compiled from. */
    public Revision revision(PolicyScope scope) {
        return scope.isPlatform() ? platformRevision() : revision();
    }

    /** An estimate of its heap, documents included, for the cache. */
    public long weightBytes() {
        return 200 + schema.weightBytes() + ownWeightBytes;
    }

    /** The part of its weight that is the directory's and the documents'. */
    public long ownWeightBytes() {
        return ownWeightBytes;
    }

    /** What it was compiled from. */
    public Origin origin() {
        return origin;
    }

    /**
     * The subjects of a home tenant that the policy knows by name, in the order of their names' bytes.
     *
     * @param type of subjects; null for all
     * @param after the name to begin behind; null for the first
     */
    public Iterator<Subject> knownSubjects(TenantId home, @Nullable String type, @Nullable String after) {
        return home(home).names(type, after);
    }

    /** The `*` and `type:*` by which bindings name subjects of a home tenant: of one type, or of every type. */
    public List<String> wildcards(TenantId home, @Nullable String type) {
        return home(home).wildcards(type);
    }

    /**
     * The resources of a type that the policy knows by name, in the order of their names' bytes.
     *
     * @param after the name to begin behind; null for the first
     */
    public Iterator<ResourcePath> knownResources(String type, @Nullable String after) {
        Iterator<KnownResource> from = directory.resources().from(known -> {
            int byType = Utf8Order.INSTANCE.compare(known.path().type(), type);
            return byType < 0
                    || (byType == 0
                            && after != null
                            && Utf8Order.INSTANCE.compare(known.path().value(), after) <= 0);
        });
        Iterator<KnownResource> ofType =
                new WhileIterator<>(from, known -> known.path().type().equals(type));
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return ofType.hasNext();
            }

            @Override
            public ResourcePath next() {
                return ofType.next().path();
            }
        };
    }

    /** The actions that a type declares, or where none are declared those that roles name for it, by name. */
    public List<Action> knownActions(String type) {
        ResourceNode node = schema.type(type);
        return node == null ? List.of() : node.actions();
    }

    /** The types that it tells apart, by name. */
    public List<String> knownTypes() {
        return schema.typeNames();
    }

    /** Whether there are other types than those it tells apart. */
    public boolean hasOtherTypes() {
        return schema.hasOtherTypes();
    }

    /** Whether a type has other actions than those it tells apart. */
    public boolean hasOtherActions(String type) {
        ResourceNode node = schema.type(type);
        return node != null && node.hasOtherActions();
    }

    /**
     * That a question's attributes are what policy declares them to be, as every evaluation requires it.
     *
     * @throws dev.assize.server.model.MalformedException for the first that is not
     */
    public void requireAttributes(CheckQuery query) {
        schema.attributes().require(query);
    }

    /** What it knows apart from subjects and resources. */
    public Schema schema() {
        return schema;
    }

    public Freezes freezes() {
        return freezes;
    }

    public Duties duties() {
        return duties;
    }

    /** Whether there is a freeze, or a rule about active roles. */
    boolean isRestrained() {
        return restrained;
    }

    /** Whether there is a rule that asks outside of the policy. */
    boolean mayAsk() {
        return asking;
    }

    /** The tenant's own subjects. */
    HomeDirectory residents() {
        return residents;
    }

    public Directory directory() {
        return directory;
    }

    public BindingCounts bindingCounts() {
        return bindingCounts;
    }

    /** Whom of a home tenant the policy knows. */
    HomeDirectory home(TenantId home) {
        if (home.equals(tenant)) {
            return directory.residents();
        }
        HomeDirectory guests = directory.guests().get(home);
        return guests == null ? HomeDirectory.NOBODY : guests;
    }
}
