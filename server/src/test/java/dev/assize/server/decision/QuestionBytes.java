package dev.assize.server.decision;

import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Environment;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.BiConsumer;

/** A question's names among the bytes of a message, with other bytes between them. */
public final class QuestionBytes {

    private final ByteArrayOutputStream message = new ByteArrayOutputStream();

    private QuestionBytes() {}

    /** Of what every question names; the default environment is not named. */
    public static CheckBytes of(CheckQuery query) {
        String env = query.env().equals(Environment.DEFAULT) ? "" : query.env().value();
        return of(
                query.subject().toString(),
                query.resource().value(),
                query.action().value(),
                query.tenant().value(),
                env);
    }

    /** Of names that may be none. */
    public static CheckBytes of(String subject, String resource, String action, String tenant, String env) {
        QuestionBytes bytes = new QuestionBytes();
        CheckBytes names = new CheckBytes();
        // Twice: first to know where they are, then over all of them.
        for (int time = 0; time < 2; time++) {
            names.over(bytes.message.toByteArray());
            bytes.message.reset();
            bytes.put(subject, names::subject);
            bytes.put(resource, names::resource);
            bytes.put(action, names::action);
            bytes.put(tenant, names::tenant);
            bytes.put(env, names::env);
        }
        return names;
    }

    private void put(String name, BiConsumer<Integer, Integer> place) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        message.write(':');
        place.accept(message.size(), utf8.length);
        message.writeBytes(utf8);
        message.write('/');
    }
}
