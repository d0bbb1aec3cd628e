package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Limits;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which page of a search is asked for. A token belongs to the request that it came of, the size of its page among it, and
 * to no other; a request with a token need not repeat the size.
 *
 * @param limit of entities; of nothing, too, for AuthZEN has limits from 0 on
 * @param after the name that the page begins behind; null for the first page
 */
record Paging(int limit, @Nullable String after) {

    /** Entities of a page where the request does not say. */
    static final int DEFAULT_LIMIT = 100;

    /** Between the size and the name in a token. */
    private static final String SEPARATOR = ":";

    static Paging of(ObjectNode request, PageTokens tokens, byte[] conditions) {
        ObjectNode page = Members.optionalObject("", request, "page").orElseGet(JsonNodeFactory.instance::objectNode);
        Optional<Integer> limit = Members.present(page, "limit").map(Paging::limit);
        String token = Members.optionalText("page.", page, "token").orElse("");
        String position = tokens.position("page.token", token, conditions);
        return position == null ? new Paging(limit.orElse(DEFAULT_LIMIT), null) : behind(position, limit);
    }

    private static Paging behind(String position, Optional<Integer> limit) {
        int end = position.indexOf(SEPARATOR);
        int before = Integer.parseInt(position.substring(0, end));
        if (limit.isPresent() && limit.get() != before) {
            throw RefusedException.invalid(
                    "page.limit",
                    limit.get().toString(),
                    before + ", as on the page before, or nothing beside its token");
        }
        String after = position.substring(end + 1);
        return new Paging(before, after.isEmpty() ? null : after);
    }

    /** More than the largest page there is asks for the largest. */
    private static int limit(JsonNode value) {
        if (!value.canConvertToExactIntegral() || value.doubleValue() < 0) {
            throw Members.wrong("page.limit", value, "a whole number from 0");
        }
        return (int) Math.min(value.doubleValue(), Limits.PAGE_ITEMS);
    }

    /**
     * What asks for the next page.
     *
     * @param last the name that it begins behind; null where it is the first page still
     */
    String next(@Nullable String last, PageTokens tokens, byte[] conditions) {
        return tokens.of(limit + SEPARATOR + (last == null ? "" : last), conditions);
    }
}
