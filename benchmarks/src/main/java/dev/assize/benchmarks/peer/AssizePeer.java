package dev.assize.benchmarks.peer;

import dev.assize.benchmarks.ServiceBenchmark;
import dev.assize.benchmarks.peer.RoleModel.Role;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.Predicate;

/** Assize in process: the whole service, by bytes or by objects, or one compiled graph alone. */
final class AssizePeer implements Peer {

    static final TenantId TENANT = new TenantId("peers");
    private static final PolicyScope SCOPE = PolicyScope.of(TENANT);

    private final Function<List<CheckQuery>, IntPredicate> asked;

    private AssizePeer(Function<List<CheckQuery>, IntPredicate> asked) {
        this.asked = asked;
    }

    /** The whole service, with the cache of tenants, freshness, clock and meters, by the bytes of a request. */
    static AssizePeer desk(RoleModel model) {
        DecisionService service = service(model);
        return new AssizePeer(queries -> AssizeDesk.of(service, queries));
    }

    static AssizePeer objects(RoleModel model) {
        DecisionService service = service(model);
        return one(query -> service.evaluate(query).reason() == Reason.ALLOWED);
    }

    static AssizePeer graph(RoleModel model) {
        DecisionGraph graph = GraphCompiler.compile(policy(model), PolicySet.empty(PolicyScope.PLATFORM));
        Instant now = Instant.parse("2026-02-22T14:00:00Z");
        return one(query -> Evaluator.evaluate(graph, query, now).answer().reason() == Reason.ALLOWED);
    }

    @Override
    public IntPredicate asked(List<Question> questions) {
        return asked.apply(questions.stream().map(AssizePeer::query).toList());
    }

    private static AssizePeer one(Predicate<CheckQuery> allows) {
        return new AssizePeer(questions -> {
            CheckQuery[] queries = questions.toArray(CheckQuery[]::new);
            return i -> allows.test(queries[i]);
        });
    }

    private static DecisionService service(RoleModel model) {
        return ServiceBenchmark.service(Map.of(TENANT, policy(model)));
    }

    static CheckQuery query(Question question) {
        return new CheckQuery(
                new Subject("user", question.user()),
                ResourcePath.parse(question.type() + ":" + question.id()),
                new Action(question.action()),
                TENANT,
                new Environment(question.environment()),
                TENANT);
    }

    private static PolicySet policy(RoleModel model) {
        List<Document> documents = new ArrayList<>();
        documents.add(new TenantDocument(
                metadata(TENANT.value()),
                SourcePlace.UNKNOWN,
                model.vocabulary().environments().stream().map(Environment::new).toList(),
                new TreeMap<>()));
        List<Action> actions =
                model.vocabulary().actions().stream().map(Action::new).toList();
        for (String type : model.vocabulary().types()) {
            documents.add(new ResourceTypeDocument(
                    metadata(type), SourcePlace.UNKNOWN, actions, new TreeMap<>(), new TreeMap<>()));
        }
        model.roles().forEach(role -> documents.add(document(role)));
        model.bindings().forEach(binding -> documents.add(document(documents.size(), binding)));
        return PolicySet.of(SCOPE, new Revision(1), documents);
    }

    private static RoleDocument document(Role role) {
        return new RoleDocument(
                metadata(role.name()),
                SourcePlace.UNKNOWN,
                List.of(),
                role.permissions().stream().map(AssizePeer::permission).toList());
    }

    private static Document.Permission permission(Permission permission) {
        return new Document.Permission(
                SourcePlace.UNKNOWN,
                Effect.ALLOW,
                new AnyOf.Listed<>(List.of(permission.type())),
                new AnyOf.Listed<>(List.of(new Action(permission.action()))),
                new AnyOf.Listed<>(List.of(new Environment(permission.environment()))),
                null,
                List.of());
    }

    private static RoleBindingDocument document(int number, List<String> binding) {
        return new RoleBindingDocument(
                metadata("binding-" + number),
                SourcePlace.UNKNOWN,
                List.of(new SubjectPattern.Named(new Subject("user", binding.getFirst()))),
                binding.getLast(),
                Scope.ALL,
                null,
                null,
                null,
                null,
                null);
    }

    private static Metadata metadata(String name) {
        return new Metadata(SCOPE, name, Collections.emptySortedMap(), null);
    }
}
