package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table of attacks in docs/threat-model.md: each line names the tests that are named after it, and they are there. */
class ThreatModelPageTest {

    private static final Path PAGE = Path.of("..", "docs", "threat-model.md");
    private static final Pattern NAME = Pattern.compile("`([a-z][A-Za-z]+)`");

    @Test
    void everyAttackHasTestsOfItsName() throws IOException {
        List<String> page = Files.readAllLines(PAGE);
        int head = page.indexOf("| attack | chain | checkpoint | outside | receipt | tests |");
        List<String> attacks = page.subList(head + 2, page.size()).stream()
                .takeWhile(line -> line.startsWith("|"))
                .toList();
        Set<String> tests = tests();
        assertThat(head).isPositive();
        assertThat(attacks).hasSizeGreaterThan(20).allSatisfy(attack -> {
            String named = attack.substring(attack.lastIndexOf('|', attack.length() - 2));
            List<String> names =
                    NAME.matcher(named).results().map(found -> found.group(1)).toList();
            assertThat(names).as(attack).isNotEmpty().allMatch(tests::contains);
        });
    }

    private static Set<String> tests() {
        return Stream.of(
                        AttackTest.class,
                        IncarnationAttackTest.class,
                        FalseServerTest.class,
                        WitnessedLogTest.class,
                        PruningTest.class,
                        TamperedPruningTest.class,
                        LostEntriesTest.class,
                        FlippedByteTest.class,
                        FlippedRowsTest.class,
                        PseudonymTest.class,
                        ErasureTest.class,
                        RebindingTest.class)
                .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
                .filter(method -> method.isAnnotationPresent(Test.class))
                .map(Method::getName)
                .collect(Collectors.toSet());
    }
}
