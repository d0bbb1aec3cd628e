package dev.assize.server.cli;

import java.lang.reflect.Constructor;
import picocli.CommandLine;

/** Makes commands: those whose constructor asks for the {@link Surroundings} get them. */
public final class CommandFactory implements CommandLine.IFactory {

    private final Surroundings surroundings;

    public CommandFactory(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public <K> K create(Class<K> type) throws Exception {
        for (Constructor<?> constructor : type.getDeclaredConstructors()) {
            if (constructor.getParameterCount() == 1 && constructor.getParameterTypes()[0] == Surroundings.class) {
                constructor.setAccessible(true);
                return type.cast(constructor.newInstance(surroundings));
            }
        }
        return CommandLine.defaultFactory().create(type);
    }
}
