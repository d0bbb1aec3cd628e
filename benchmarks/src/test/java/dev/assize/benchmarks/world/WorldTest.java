package dev.assize.benchmarks.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

class WorldTest {

    private static final int QUESTIONS = 600;

    @Test
    void refusesAWorldThatNobodyKnows() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> World.named("atlantis-5", 1))
                .withMessageContaining("`atlantis-5`");
        assertThatIllegalArgumentException().isThrownBy(() -> World.named("gdrive", 1));
    }

    @Test
    void refusesAnEngineThatAnswersOtherwise() throws Exception {
        World world = World.named("tinytodo-5", 100);
        World turned = new World(
                world.policy(),
                world.cedar(),
                world.asked().stream()
                        .map(asked -> new Asked(asked.query(), asked.request(), asked.entities(), !asked.allowed()))
                        .toList());

        assertThatThrownBy(() -> WorldEngines.requireEqualAnswers("assize", turned))
                .isInstanceOf(AssertionError.class);
    }

    @ParameterizedTest
    @MethodSource("worldsByEngine")
    void isAnsweredAsPlainCodeAnswers(String name, String engine) throws Exception {
        for (int users : List.of(5, 20)) {
            WorldEngines.requireEqualAnswers(engine, World.named(name + "-" + users, QUESTIONS));
        }
    }

    @ParameterizedTest
    @FieldSource("dev.assize.benchmarks.world.World#NAMES")
    void allowsSomeOfEachActionAndDeniesSome(String name) {
        World world = World.named(name + "-50", 3_000);

        for (String action : world.asked().stream()
                .map(asked -> asked.query().action().value())
                .distinct()
                .toList()) {
            List<Boolean> answers = world.asked().stream()
                    .filter(asked -> asked.query().action().value().equals(action))
                    .map(Asked::allowed)
                    .toList();
            assertThat(answers).as(action).contains(true);
            if (!action.endsWith("lists") && !action.equals("create-list")) {
                assertThat(answers).as(action).contains(false);
            }
        }
    }

    private static Stream<Arguments> worldsByEngine() {
        return World.NAMES.stream()
                .flatMap(name -> WorldEngines.NAMES.stream().map(engine -> Arguments.of(name, engine)));
    }
}
