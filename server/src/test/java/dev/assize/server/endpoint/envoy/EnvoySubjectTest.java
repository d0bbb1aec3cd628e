package dev.assize.server.endpoint.envoy;

import static dev.assize.server.endpoint.envoy.EnvoyDoor.alice;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.assertRefused;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.header;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.order;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.raw;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.request;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.token;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.proto.envoy.v3.CheckResponse;
import dev.assize.proto.envoy.v3.HeaderValue;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who it is that a request of Envoy comes from: whoever a source of the mapping vouches for. */
class EnvoySubjectTest {

    private EnvoyDoor door;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        door = new EnvoyDoor(directory);
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void deniesWhoeverNobodyVouchesFor() {
        CheckResponse nobody = door.ask(request("GET", "shop.example.com", "/orders/1", none -> {}));

        assertRefused(nobody, 401, "SUBJECT_MISSING");
        assertThat(nobody.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED.value());
        assertThat(header(nobody, "www-authenticate")).isEqualTo("Bearer realm=\"assize\"");
        assertRefused(door.ask(order(at -> token(at, Map.of("sub", "alice")))), 401, "SUBJECT_MISSING");
        assertRefused(
                door.ask(order(at -> token(at, Map.of("sub", "alice", "iss", "https://evil.example.com")))),
                401,
                "SUBJECT_MISSING");
        assertRefused(
                door.ask(order(at -> token(at, Map.of("iss", "https://id.example.com"))
                        .getSourceBuilder()
                        .setPrincipal("spiffe://example.com/web"))),
                401,
                "SUBJECT_MISSING");
        for (String principal : List.of("spiffe://example.com.evil/web", "spiffe://example.com/")) {
            assertRefused(
                    door.ask(order(at -> at.setSource(
                                    AttributeContext.Peer.newBuilder().setPrincipal(principal))
                            .getRequestBuilder()
                            .getHttpBuilder()
                            .putHeaders("x-known-as", "alice"))),
                    401,
                    "SUBJECT_MISSING");
        }
        assertRefused(
                door.ask(order(at -> at.getSourceBuilder().setPrincipal("spiffe://example.com.evil/web"))),
                401,
                "SUBJECT_MISSING");
        assertRefused(
                door.ask(order(at -> at.getSourceBuilder().setPrincipal("spiffe://example.com/"))),
                401,
                "SUBJECT_MISSING");
        assertRefused(
                door.ask(order(at -> at.getRequestBuilder().getHttpBuilder().putHeaders("x-user", "alice"))),
                401,
                "SUBJECT_MISSING");
    }

    @Test
    void deniesSubjectsThatAreMalformedOrSaidTwice() {
        assertRefused(
                door.ask(order(at -> token(at, Map.of("sub", "a\u0000b", "iss", "https://id.example.com")))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                door.ask(order(at -> token(at, Map.of("sub", "x".repeat(257), "iss", "https://id.example.com")))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                door.ask(order(at -> at.getRequestBuilder().getHttpBuilder().putHeaders("x-known-as", "alice,bob"))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                door.ask(order(at -> at.getRequestBuilder()
                        .getHttpBuilder()
                        .getHeaderMapBuilder()
                        .addHeaders(raw("x-known-as", "alice"))
                        .addHeaders(raw("X-Known-As", "bob")))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                door.ask(order(at -> at.getRequestBuilder()
                        .getHttpBuilder()
                        .getHeaderMapBuilder()
                        .addHeaders(HeaderValue.newBuilder()
                                .setKey("x-known-as")
                                .setRawValue(ByteString.copyFrom(new byte[] {'a', (byte) 0xFF}))))),
                400,
                "REQUEST_MALFORMED");
    }

    @Test
    void takesTheSubjectFromTheFirstSourceThatSaysOne() {
        door.ask(order(at -> alice(at).getSourceBuilder().setPrincipal("spiffe://example.com/web")));
        assertThat(door.query().subject()).hasToString("user:alice");

        door.ask(order(at -> at.getSourceBuilder().setPrincipal("spiffe://example.com/ns/web")));
        assertThat(door.query().subject()).hasToString("service:ns/web");

        door.ask(order(at -> at.getRequestBuilder().getHttpBuilder().putHeaders("x-known-as", "bob")));
        assertThat(door.query().subject()).hasToString("user:bob");

        door.ask(order(at ->
                at.getRequestBuilder().getHttpBuilder().getHeaderMapBuilder().addHeaders(raw("x-known-as", "carol"))));
        assertThat(door.query().subject()).hasToString("user:carol");
        assertThat(door.query().subjectTenant()).isEqualTo(GrpcFixture.ACME);
    }

    @Test
    void writesSubjectsSoThatEveryHeaderCanCarryThem() {
        CheckResponse answer =
                door.ask(order(at -> token(at, Map.of("sub", "józef a%b", "iss", "https://id.example.com"))));

        assertThat(answer.getOkResponse().getHeaders(0).getHeader().getValue()).isEqualTo("user:j%C3%B3zef%20a%25b");
    }
}
