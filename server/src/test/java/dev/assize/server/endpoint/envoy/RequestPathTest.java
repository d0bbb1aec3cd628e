package dev.assize.server.endpoint.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.MalformedException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestPathTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "*",
                "orders/1",
                "?a=b",
                "http://shop/orders",
                "//",
                "//orders",
                "/orders//1",
                "/orders//",
                "/.",
                "/..",
                "/orders/../admin",
                "/orders/./1",
                "/orders/%2e%2E/admin",
                "/orders/.%2e",
                "/orders%2F1",
                "/orders/%2f",
                "/orders/%5C1",
                "/orders/a\\b",
                "/orders/1;x=y",
                "/orders/..;/admin",
                "/orders/1%3bx",
                "/orders/%",
                "/orders/%2",
                "/orders/%zz",
                "/orders/%+1",
                "/orders/%٣٣",
                "/orders/%ff",
                "/orders/%c0%af",
                "/orders/%ed%a0%80",
                "/orders/%00",
                "/orders/1%0d%0aX",
                "/orders/%e2%80%ae",
                "/orders/1 2",
                "/orders/1#a",
                "/orders/é",
                "/orders/<1>",
                "/orders/{order}",
                "/orders/%252F",
                "/orders/a%252e%252e",
                "/orders/%25%32%46"
            })
    void refusesWhatServersReadDifferently(String target) {
        assertThatThrownBy(() -> RequestPath.parse(target)).isInstanceOf(MalformedException.class);
    }

    @Test
    void hasBounds() {
        assertThat(RequestPath.parse("/a".repeat(RequestPath.MAX_SEGMENTS)).segments())
                .hasSize(RequestPath.MAX_SEGMENTS);
        assertRefused("/a".repeat(RequestPath.MAX_SEGMENTS + 1));
        String longest = "/" + "a".repeat(RequestPath.MAX_LENGTH - 1);
        assertThat(RequestPath.parse(longest + "?" + "q".repeat(100_000)).segments())
                .containsExactly(longest.substring(1));
        assertRefused(longest + "a");
    }

    @Test
    void decodesOnceAndCutsTheQuery() {
        assertThat(RequestPath.parse("/orders/17?path=/../admin&x=%zz"))
                .isEqualTo(new RequestPath(List.of("orders", "17"), false));
        assertThat(RequestPath.parse("/o/%41%C3%A9+%252G%25/-._~!$&'()*,=:@").segments())
                .containsExactly("o", "Aé+%2G%", "-._~!$&'()*,=:@");
        assertThat(RequestPath.parse("/...").segments()).containsExactly("...");
    }

    @Test
    void hasOneText() {
        for (String path : List.of("/", "/a", "/a/", "/a/b", "/...")) {
            assertThat(RequestPath.parse(path + "?x=y").text()).isEqualTo(path);
        }
        assertThat(RequestPath.parse("/%61/b%20c").text()).isEqualTo("/a/b c");
    }

    @Test
    void tellsASlashAtTheEndFromNone() {
        assertThat(RequestPath.parse("/")).isEqualTo(new RequestPath(List.of(), true));
        assertThat(RequestPath.parse("/orders/")).isEqualTo(new RequestPath(List.of("orders"), true));
        assertThat(RequestPath.parse("/orders")).isEqualTo(new RequestPath(List.of("orders"), false));
    }

    private static void assertRefused(String target) {
        assertThatThrownBy(() -> RequestPath.parse(target)).isInstanceOf(MalformedException.class);
    }
}
