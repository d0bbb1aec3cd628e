package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.endpoint.authzen.Finder.Found;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.model.Action;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Answers searches a page at a time. Of a type that nothing can be of there is nothing to be found, which is no error:
 * so AuthZEN's certification wants it.
 */
final class Searches {

    private final Finder finder;
    private final PageTokens tokens;
    private final Gate gate;

    @Inject
    Searches(Finder finder, PageTokens tokens, Gate gate) {
        this.finder = finder;
        this.tokens = tokens;
        this.gate = gate;
    }

    ObjectNode subjects(ObjectNode request, TenantId tenant) {
        Question question = new Question("", request, tenant);
        Surroundings around = surroundings(question);
        Action action = question.action();
        question.requireId("resource");
        Search search = question.isOfType("subject") && question.isOfType("resource")
                ? new Search.Subjects(question.type("subject"), question.resource(), action, around)
                : null;
        return page(new Asked("subject", tenant, request), search, Searches::subject);
    }

    ObjectNode resources(ObjectNode request, TenantId tenant) {
        Question question = new Question("", request, tenant);
        Surroundings around = surroundings(question);
        Action action = question.action();
        question.requireId("subject");
        Search search = question.isOfType("subject") && question.isOfType("resource")
                ? new Search.Resources(question.subject(), action, question.type("resource"), around)
                : null;
        return page(new Asked("resource", tenant, request), search, Searches::resource);
    }

    ObjectNode actions(ObjectNode request, TenantId tenant) {
        request.remove("action");
        Question question = new Question("", request, tenant);
        Surroundings around = surroundings(question);
        question.requireId("subject");
        question.requireId("resource");
        Search search = question.isOfType("subject") && question.isOfType("resource")
                ? new Search.Actions(question.subject(), question.resource(), around)
                : null;
        return page(new Asked("action", tenant, request), search, Searches::action);
    }

    private Surroundings surroundings(Question question) {
        Surroundings around = question.surroundings();
        gate.requireEnvironment(around.env());
        return around;
    }

    /** @param search null where nothing can be found */
    private ObjectNode page(Asked asked, @Nullable Search search, Function<String, Stream<ObjectNode>> entity) {
        byte[] conditions = asked.conditions();
        Paging paging = Paging.of(asked.request, tokens, conditions);
        Found found = search == null ? Found.NOTHING : finder.find(search, paging);
        ObjectNode response = JsonNodeFactory.instance.objectNode();
        ObjectNode page = response.putObject("page");
        page.put("next_token", found.isWhole() ? "" : paging.next(found.last(), tokens, conditions));
        if (!found.wildcards().isEmpty()) {
            ArrayNode wildcards = response.putObject("context").putArray("wildcards");
            found.wildcards().forEach(wildcards::add);
        }
        ArrayNode results = response.putArray("results");
        found.names().stream().flatMap(entity).forEach(results::add);
        page.put("count", results.size());
        return response;
    }

    private static Stream<ObjectNode> action(String name) {
        return Stream.of(JsonNodeFactory.instance.objectNode().put("name", name));
    }

    private static Stream<ObjectNode> subject(String name) {
        Subject subject = Subject.parse(name);
        return Stream.of(JsonNodeFactory.instance
                .objectNode()
                .put("type", subject.type())
                .put("id", subject.id()));
    }

    /**
     * The last segment; what it lies under stands in a property that a question takes back. A type as a whole is a
     * resource here, and none that AuthZEN could name.
     */
    private static Stream<ObjectNode> resource(String path) {
        int slash = path.lastIndexOf('/');
        String last = path.substring(slash + 1);
        int colon = last.indexOf(':');
        if (colon < 0) {
            return Stream.empty();
        }
        ObjectNode resource = JsonNodeFactory.instance
                .objectNode()
                .put("type", last.substring(0, colon))
                .put("id", Question.unescaped(last.substring(colon + 1)));
        if (slash >= 0) {
            resource.putObject("properties").put(Question.PARENT, path.substring(0, slash));
        }
        return Stream.of(resource);
    }

    /** A search as its endpoint took it. */
    private record Asked(String endpoint, TenantId tenant, ObjectNode request) {

        /** Everything that makes the list what it is, with members in one order. */
        byte[] conditions() {
            ObjectNode conditions = JsonNodeFactory.instance.objectNode();
            for (String name : List.of("subject", "action", "resource", "context")) {
                Members.present(request, name).ifPresent(value -> conditions.set(name, InternetJson.ordered(value)));
            }
            Members.optionalObject("", request, "page")
                    .flatMap(page -> Members.present(page, "properties"))
                    .ifPresent(value -> conditions.set("page", InternetJson.ordered(value)));
            return ("authzen\0" + endpoint + "\0" + tenant + "\0" + conditions).getBytes(StandardCharsets.UTF_8);
        }
    }
}
