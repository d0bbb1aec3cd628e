package dev.assize.server.endpoint.envoy;

import static dev.assize.server.endpoint.envoy.EnvoyDoor.alice;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.assertRefused;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.claims;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.get;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.level;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.nested;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.order;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.request;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.assize.proto.envoy.v3.CheckResponse;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Limits;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which question a request of Envoy comes to, and what conditions read of it. */
class EnvoyQuestionTest {

    private EnvoyDoor door;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        door = new EnvoyDoor(directory);
    }

    @AfterEach
    void close() {
        door.close();
    }

    @ParameterizedTest
    @CsvSource({
        "GET, shop.example.com, /orders/../1, 400, REQUEST_MALFORMED",
        "GET, shop.example.com, /orders/%2F, 400, REQUEST_MALFORMED",
        "GET, shop.example.com, '', 400, REQUEST_MALFORMED",
        "DELETE, shop.example.com, /orders/1, 403, ROUTE_UNMAPPED",
        "get, shop.example.com, /orders/1, 403, ROUTE_UNMAPPED",
        "PUT, other.example.com, /orders/1, 403, ROUTE_UNMAPPED",
        "PUT, shop.example.com.., /orders/1, 403, ROUTE_UNMAPPED",
        "PUT, '', /orders/1, 403, ROUTE_UNMAPPED",
        "GET, shop.example.com, /orders/%252F, 400, REQUEST_MALFORMED",
        "GET, shop.example.com, /orders/1/, 403, ROUTE_UNMAPPED",
        "GET, shop.example.com, /, 403, ROUTE_UNMAPPED"
    })
    void deniesWhatIsMalformedOrNotMapped(String method, String host, String path, int status, String reason) {
        CheckResponse answer = door.ask(request(method, host, path, EnvoyDoor::alice));

        assertRefused(answer, status, reason);
    }

    @Test
    void deniesPathsThatComeToNoResource() {
        assertRefused(door.ask(get("/orders/" + "x".repeat(257))), 400, "REQUEST_MALFORMED");
        assertThat(door.ask(get("/orders/" + "x".repeat(256))).getStatus().getCode())
                .isZero();
    }

    @Test
    void deniesWhereTheConstantsOfEnvoysRouteMakeNoSense() {
        for (Map<String, String> extensions : List.of(
                Map.of("assize.resource", "order:1"),
                Map.of("assize.action", "read"),
                Map.of("assize.path", "/orders/{order}"),
                Map.of("assize.resource", "order:{order}", "assize.action", "read"),
                Map.of("assize.resource", "order:{a}{b}", "assize.action", "read"),
                Map.of("assize.resource", "order:1", "assize.action", "1"),
                Map.of("assize.subject", "user:root"),
                Map.of("assize.tenant", "a b"))) {
            assertRefused(
                    door.ask(order(at -> alice(at).putAllContextExtensions(extensions))), 500, "ROUTE_MISCONFIGURED");
        }
        assertRefused(
                door.ask(order(at -> alice(at)
                        .putAllContextExtensions(Map.of(
                                "assize.path", "/carts/{cart}",
                                "assize.resource", "cart:{cart}",
                                "assize.action", "read")))),
                403,
                "ROUTE_UNMAPPED");
    }

    @Test
    void refusesContextThatIsSaidTwiceOrTooLargeOrOfAnotherIssuer() {
        assertRefused(
                door.ask(order(
                        at -> alice(at).getRequestBuilder().getHttpBuilder().putHeaders("x-country", "CH,US"))),
                400,
                "REQUEST_MALFORMED");
        String longest = "x".repeat(Limits.ATTRIBUTE_BYTES);
        assertThat(door.ask(order(at ->
                                alice(at).getRequestBuilder().getHttpBuilder().putHeaders("x-country", longest)))
                        .getStatus()
                        .getCode())
                .isZero();
        assertRefused(
                door.ask(order(
                        at -> alice(at).getRequestBuilder().getHttpBuilder().putHeaders("x-country", longest + "x"))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                door.ask(order(
                        at -> claims(at, Struct.newBuilder().putFields("iss", text("https://evil.example.com"))))),
                401,
                "SUBJECT_MISSING");
        for (Value wrong : List.of(
                Value.newBuilder().setNumberValue(Double.NaN).build(),
                nested(Limits.ATTRIBUTE_DEPTH + 1),
                text(longest + "x"))) {
            assertRefused(door.ask(order(at -> level(at, wrong))), 400, "REQUEST_MALFORMED");
        }
        assertThat(door.ask(order(at -> level(at, nested(Limits.ATTRIBUTE_DEPTH))))
                        .getStatus()
                        .getCode())
                .isZero();
    }

    @Test
    void asksWhatTheRouteSays() {
        door.ask(get("/files/a/b%25c?x=/../y"));
        door.assertQuery("file:a%2Fb%25c", "read", "acme", "prod");

        for (String host : List.of("Shop.Example.COM:8443", "shop.example.com.", "shop.example.com.:80")) {
            door.ask(request("PUT", host, "/orders/17", EnvoyDoor::alice));
            door.assertQuery("order:17", "update", "acme", "default");
            // Not the wider route behind it.
            door.ask(request("GET", host, "/orders/18", EnvoyDoor::alice));
            door.assertQuery("order:18", "read", "acme", "default");
        }

        door.ask(order(at ->
                alice(at).putContextExtensions("assize.environment", "test").putContextExtensions("x", "y")));
        door.assertQuery("order:1", "read", "acme", "test");

        door.ask(order(at -> alice(at)
                .putAllContextExtensions(Map.of(
                        "assize.path", "/orders/{nr}",
                        "assize.resource", "cart:{nr}",
                        "assize.action", "archive",
                        "assize.environment", "prod"))));
        door.assertQuery("cart:1", "archive", "acme", "prod");
    }

    @Test
    void hasConditionsReadWhatTheMappingSays() {
        door.ask(request(
                "GET",
                "Shop.example.com.:80",
                "/orders/%31?x=y",
                at -> alice(at)
                        .getRequestBuilder()
                        .getHttpBuilder()
                        .putHeaders("x-country", "CH")
                        .putHeaders("x-else", "x")));
        assertThat(door.query().context())
                .isEqualTo(Map.of(
                        "method", new AttributeValue.Text("GET"),
                        "host", new AttributeValue.Text("shop.example.com"),
                        "path", new AttributeValue.Text("/orders/1"),
                        "country", new AttributeValue.Text("CH")));
        assertThat(door.query().subjectAttributes()).isEmpty();

        door.ask(request("GET", "x", "/a/b/c", EnvoyDoor::alice));
        assertThat(door.query().context()).isEqualTo(Map.of("path", new AttributeValue.Text("/a/b/c")));
    }

    @Test
    void readsClaimsAsTheyAreTyped() {
        Map<Value, AttributeValue> values = Map.of(
                text("high"),
                new AttributeValue.Text("high"),
                Value.newBuilder().setBoolValue(true).build(),
                new AttributeValue.Truth(true),
                Value.newBuilder().setNumberValue(1_770_000_000).build(),
                new AttributeValue.Whole(1_770_000_000),
                Value.newBuilder().setNumberValue(0.5).build(),
                new AttributeValue.Fraction(0.5),
                Value.newBuilder().setNumberValue(1e300).build(),
                new AttributeValue.Fraction(1e300),
                nested(1),
                new AttributeValue.Many(List.of(new AttributeValue.Text("x"))),
                Value.newBuilder()
                        .setStructValue(Struct.newBuilder()
                                .putFields("a", text("b"))
                                .putFields(
                                        "none",
                                        Value.newBuilder()
                                                .setNullValue(NullValue.NULL_VALUE)
                                                .build()))
                        .build(),
                new AttributeValue.Fields(new TreeMap<>(Map.of("a", new AttributeValue.Text("b")))));
        values.forEach((claim, read) -> {
            door.ask(order(at -> level(at, claim)));
            assertThat(door.query().context()).containsEntry("level", read);
        });
        door.ask(order(at ->
                level(at, Value.newBuilder().setNullValue(NullValue.NULL_VALUE).build())));
        assertThat(door.query().context()).doesNotContainKey("level");
    }
}
