package dev.assize.server.endpoint.envoy;

import java.util.List;
import java.util.Map;

/**
 * Where requests say what is asked about beside what they are addressed to.
 *
 * @param subjects who makes the request: the first that says somebody counts
 * @param context what conditions read, by its name there
 */
record Sources(List<SubjectSource> subjects, Map<String, ContextSource> context) {

    Sources {
        subjects = List.copyOf(subjects);
        context = Map.copyOf(context);
    }
}
