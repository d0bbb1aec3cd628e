package dev.assize.server.endpoint.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.MalformedException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The shapes of paths and resources. */
class TemplatesTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "orders",
                "//",
                "/orders//{order}",
                "/{order}/{order}",
                "/{Order}",
                "/{}",
                "/{a-b}",
                "/orders/x{order}",
                "/{rest...}/more",
                "/{rest..}",
                "/orders/%41",
                "/orders/*",
                "/orders/..",
                "/a b",
                "/a;b"
            })
    void refusesPathsThatNoRequestHasOrThatSayTwoThings(String template) {
        assertThatThrownBy(() -> PathTemplate.parse(template)).isInstanceOf(MalformedException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{type}",
                "{type}:1",
                "x{type}:1",
                "order:{a}{b}",
                "order:{a}-{b}",
                "order:{a",
                "order:a}",
                "order:{}",
                "order:{a b}",
                "Order:1",
                "order:%41",
                "order/line:1"
            })
    void refusesResourcesThatTwoRequestsCouldShareOrThatAreNone(String template) {
        assertThatThrownBy(() -> ResourceTemplate.parse(template)).isInstanceOf(MalformedException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "/orders/{order}, /orders",
        "/orders/{order}, /orders/1/",
        "/orders/{order}, /orders/1/lines",
        "/orders/{order}, /Orders/1",
        "/orders/{order}/, /orders/1",
        "/files/{file...}, /files",
        "/files/{file...}, /files/",
        "/files/{file...}, /files/a/",
        "/, /orders",
        "/orders, /"
    })
    void leavesPathsOfAnotherShape(String template, String path) {
        assertThat(PathTemplate.parse(template).match(RequestPath.parse(path))).isEmpty();
    }

    @Test
    void takesValuesOutOfPaths() {
        assertThat(PathTemplate.parse("/").match(RequestPath.parse("/"))).contains(Map.of());
        assertThat(PathTemplate.parse("/orders/{order}/lines/{line}").match(RequestPath.parse("/%6frders/1/lines/2?a")))
                .contains(Map.of("order", "1", "line", "2"));
        assertThat(PathTemplate.parse("/files/{file...}").match(RequestPath.parse("/files/a/b%25c")))
                .contains(Map.of("file", "a/b%c"));
    }

    @Test
    void escapesWhatARequestBrings() {
        ResourceTemplate resource = ResourceTemplate.parse("shop:main/file:v-{file}");

        assertThat(resource.names()).containsExactly("file");
        assertThat(resource.fill(Map.of("file", "a/b%2F:$1\\")).value()).isEqualTo("shop:main/file:v-a%2Fb%252F:$1\\");
        assertThat(ResourceTemplate.parse("order").fill(Map.of()).wholeType()).isTrue();
        assertThatThrownBy(() -> resource.fill(Map.of("file", "x".repeat(255)))).isInstanceOf(MalformedException.class);
        assertThat(resource.fill(Map.of("file", "x".repeat(254))).value()).hasSize("shop:main/file:".length() + 256);
    }

    @ParameterizedTest
    @CsvSource({
        "/a/{x}, /a/b, true",
        "/a/{x}, /a/{y}, true",
        "/a/b, /a/{x}, false",
        "/a/{x}, /a/{y...}, false",
        "/a/{x...}, /a/{y}, true",
        "/a/{x...}, /a/{y}/b, true",
        "/a/{x...}, /a/{y...}, true",
        "/{x...}, /a/{y...}, true",
        "/a/{x...}, /a, false",
        "/a/{x...}, /{y...}, false",
        "/a/{x}, /a/b/, false",
        "/a, /a/b, false",
        "/a/b, /a, false"
    })
    void knowsWhichShapesTakeAllOfOthers(String earlier, String later, boolean covers) {
        assertThat(PathTemplate.parse(earlier).covers(PathTemplate.parse(later)))
                .isEqualTo(covers);
    }
}
