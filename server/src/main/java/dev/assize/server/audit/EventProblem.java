package dev.assize.server.audit;

import dev.assize.server.model.MalformedException;

/**
 * Why a request to append events is refused.
 *
 * @param field of the request, for example `events[3].payload`
 * @param value what it holds, or what is wrong about it; safe to print
 * @param expected as a noun phrase
 */
public record EventProblem(String field, String value, String expected) {

    static EventProblem of(String field, String value, String expected) {
        return new EventProblem(field, MalformedException.shown(value), expected);
    }
}
