package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import dev.assize.server.decision.SearchService;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.decision.search.SearchPage;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.SearchSlots;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Answers searches a page at a time. A page's token belongs to the request that it came of, and to no other. */
final class Searches {

    /** Entities of a page where the request does not say. */
    static final int DEFAULT_PAGE = 100;

    /** How long one page is sought. */
    private static final Duration LONGEST_PAGE = Duration.ofSeconds(5);

    /** One stretch of work, after which others have their turn. */
    private static final Duration STRETCH = Duration.ofMillis(250);

    private final SearchService searches;
    private final SearchSlots slots;
    private final PageTokens tokens;
    private final Gate gate;

    @Inject
    Searches(SearchService searches, SearchSlots slots, PageTokens tokens, Gate gate) {
        this.searches = searches;
        this.slots = slots;
        this.tokens = tokens;
        this.gate = gate;
    }

    ObjectNode subjects(ObjectNode request, TenantId tenant) {
        Question question = new Question("", request, tenant);
        Surroundings around = surroundings(question);
        Search search =
                new Search.Subjects(question.soughtType("subject"), question.resource(), question.action(), around);
        return page("subject", request, search, Searches::subject);
    }

    ObjectNode resources(ObjectNode request, TenantId tenant) {
        Question question = new Question("", request, tenant);
        Surroundings around = surroundings(question);
        Search search =
                new Search.Resources(question.subject(), question.action(), question.soughtType("resource"), around);
        return page("resource", request, search, Searches::resource);
    }

    ObjectNode actions(ObjectNode request, TenantId tenant) {
        request.remove("action");
        Question question = new Question("", request, tenant);
        Surroundings around = surroundings(question);
        Search search = new Search.Actions(question.subject(), question.resource(), around);
        return page("action", request, search, Searches::action);
    }

    private Surroundings surroundings(Question question) {
        Surroundings around = question.surroundings();
        gate.requireEnvironment(around.env());
        return around;
    }

    private ObjectNode page(
            String endpoint, ObjectNode request, Search search, Function<String, Stream<ObjectNode>> entity) {
        ObjectNode asked = Members.optionalObject("", request, "page").orElseGet(JsonNodeFactory.instance::objectNode);
        int limit = limit(asked);
        byte[] conditions = conditions(endpoint, request, search.surroundings().tenant());
        String after = tokens.position(
                "page.token", Members.optionalText("page.", asked, "token").orElse(""), conditions);
        Found found = find(search, after, limit);
        ObjectNode response = JsonNodeFactory.instance.objectNode();
        ObjectNode page = response.putObject("page");
        page.put("next_token", found.next == null ? "" : tokens.of(found.next, conditions));
        if (!found.wildcards.isEmpty()) {
            ArrayNode wildcards = response.putObject("context").putArray("wildcards");
            found.wildcards.forEach(wildcards::add);
        }
        ArrayNode results = response.putArray("results");
        found.names.stream().flatMap(entity).forEach(results::add);
        page.put("count", results.size());
        return response;
    }

    /** A full page, or what was found when the time was up. */
    private Found find(Search search, @Nullable String after, int limit) {
        long end = System.nanoTime() + LONGEST_PAGE.toNanos();
        List<String> names = new ArrayList<>();
        Set<String> wildcards = new LinkedHashSet<>();
        String next = after;
        do {
            String from = next;
            int left = limit - names.size();
            SearchPage part =
                    slots.run(LONGEST_PAGE, () -> searches.search(search, PointInTime.NOW, from, left, STRETCH));
            names.addAll(part.found());
            wildcards.addAll(part.wildcards());
            next = part.next();
        } while (next != null && names.size() < limit && System.nanoTime() - end < 0);
        return new Found(names, wildcards, next);
    }

    private static int limit(ObjectNode page) {
        return Members.present(page, "limit").map(Searches::limit).orElse(DEFAULT_PAGE);
    }

    private static int limit(JsonNode value) {
        if (!value.isIntegralNumber() || value.bigIntegerValue().signum() <= 0) {
            throw Members.wrong("page.limit", value, "a whole number from 1");
        }
        return value.canConvertToInt() ? Math.min(value.intValue(), Limits.PAGE_ITEMS) : Limits.PAGE_ITEMS;
    }

    /** Everything but the page that makes the list what it is, with members in one order. */
    private static byte[] conditions(String endpoint, ObjectNode request, TenantId tenant) {
        ObjectNode asked = JsonNodeFactory.instance.objectNode();
        for (String name : List.of("subject", "action", "resource", "context")) {
            Members.present(request, name).ifPresent(value -> asked.set(name, ordered(value)));
        }
        return ("authzen\0" + endpoint + "\0" + tenant + "\0" + asked).getBytes(StandardCharsets.UTF_8);
    }

    private static JsonNode ordered(JsonNode value) {
        if (value instanceof ObjectNode object) {
            TreeMap<String, JsonNode> members = new TreeMap<>();
            object.forEachEntry((name, member) -> members.put(name, ordered(member)));
            ObjectNode ordered = JsonNodeFactory.instance.objectNode();
            members.forEach(ordered::set);
            return ordered;
        }
        if (value instanceof ArrayNode array) {
            ArrayNode ordered = JsonNodeFactory.instance.arrayNode();
            array.forEach(element -> ordered.add(ordered(element)));
            return ordered;
        }
        return value;
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

    private record Found(
            List<String> names,
            Set<String> wildcards,
            @Nullable String next) {}
}
