package dev.assize.server.endpoint.envoy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.proto.envoy.v3.AuthorizationGrpc;
import dev.assize.proto.envoy.v3.CheckRequest;
import dev.assize.proto.envoy.v3.CheckResponse;
import dev.assize.proto.envoy.v3.HeaderValue;
import dev.assize.proto.envoy.v3.HeaderValueOption;
import dev.assize.proto.envoy.v3.HeaderValueOption.HeaderAppendAction;
import dev.assize.proto.envoy.v3.Metadata;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/** Envoy as this server hears it, without Envoy: the requests that it sends, and its key. */
final class EnvoyDoor implements AutoCloseable {

    private static final String MAPPING = """
            tenant: acme
            subjects:
              - jwt: {type: user, payload: token, issuer: "https://id.example.com"}
              - principal: {type: service, under: "spiffe://example.com/"}
              - header: {type: user, name: x-known-as}
            context:
              method: {request: method}
              host: {request: host}
              path: {request: path}
              country: {header: x-country}
              level: {claim: {payload: token, name: level, issuer: "https://id.example.com"}}
            headers: {remove: [x-user]}
            obligations: [log]
            routes:
              - {name: order, hosts: [shop.example.com], path: "/orders/{order}", actions: {GET: read, PUT: update}, resource: "order:{order}"}
              - {name: files, path: "/files/{file...}", actions: {GET: read}, resource: "file:{file}", environment: prod}
              - {name: elsewhere, path: /elsewhere, actions: {GET: read}, resource: thing, tenant: other}
              - {name: rest, path: "/{rest...}", actions: {GET: browse}, resource: "page:{rest}", context: {path: {request: path}}}
            """;

    final GrpcFixture fixture;

    /** What Envoy presents. */
    String key;

    EnvoyDoor(Path directory) throws IOException {
        Mapping mapping = Mapping.read(Files.writeString(directory.resolve("mapping.yaml"), MAPPING));
        fixture = new GrpcFixture(directory, new EnvoyModule(mapping));
        key = fixture.admin;
    }

    /** What was asked last. */
    CheckQuery query() {
        return fixture.decisions.lastQuery();
    }

    void assertQuery(String resource, String action, String tenant, String env) {
        assertThat(query().resource()).hasToString(resource);
        assertThat(query().action()).hasToString(action);
        assertThat(query().tenant()).hasToString(tenant);
        assertThat(query().env()).hasToString(env);
    }

    /** Answers by what became of them. */
    double counted(String outcome) {
        return fixture.meters
                .get("assize.envoy.answers")
                .tag("outcome", outcome)
                .counter()
                .count();
    }

    static void assertRefused(CheckResponse answer, int status, String reason) {
        assertThat(metadata(answer, "reason")).as(answer.toString()).isEqualTo(reason);
        assertThat(answer.getStatus().getCode()).isNotZero();
        assertThat(answer.getDeniedResponse().getStatus().getCode()).isEqualTo(status);
        assertThat(answer.getDeniedResponse().getHeadersList())
                .allMatch(option -> option.getAppendAction() == HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD);
        assertThat(answer.getDynamicMetadata().containsFields("decision_id")).isFalse();
    }

    static String header(CheckResponse answer, String name) {
        return answer.getDeniedResponse().getHeadersList().stream()
                .map(HeaderValueOption::getHeader)
                .filter(header -> header.getKey().equals(name))
                .map(HeaderValue::getValue)
                .findFirst()
                .orElse("");
    }

    static String metadata(CheckResponse answer, String name) {
        return answer.getDynamicMetadata()
                .getFieldsOrDefault(name, Value.getDefaultInstance())
                .getStringValue();
    }

    CheckResponse ask(CheckRequest request) {
        return ask(request.toByteArray());
    }

    CheckResponse ask(byte[] message) {
        MethodDescriptor<byte[], CheckResponse> raw = AuthorizationGrpc.getCheckMethod().toBuilder(
                        new RawBytes(), AuthorizationGrpc.getCheckMethod().getResponseMarshaller())
                .build();
        io.grpc.Metadata headers = new io.grpc.Metadata();
        if (!key.isEmpty()) {
            headers.put(
                    io.grpc.Metadata.Key.of("authorization", io.grpc.Metadata.ASCII_STRING_MARSHALLER),
                    "Bearer " + key);
        }
        return ClientCalls.blockingUnaryCall(
                ClientInterceptors.intercept(fixture.channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
                raw,
                CallOptions.DEFAULT,
                message);
    }

    static CheckRequest get(String path) {
        return request("GET", "shop.example.com", path, EnvoyDoor::alice);
    }

    static CheckRequest order(Consumer<AttributeContext.Builder> more) {
        return request("GET", "shop.example.com", "/orders/1", more);
    }

    static CheckRequest request(String method, String host, String path, Consumer<AttributeContext.Builder> more) {
        AttributeContext.Builder attributes = AttributeContext.newBuilder();
        attributes
                .getRequestBuilder()
                .getHttpBuilder()
                .setMethod(method)
                .setHost(host)
                .setPath(path);
        more.accept(attributes);
        return CheckRequest.newBuilder().setAttributes(attributes).build();
    }

    static AttributeContext.Builder alice(AttributeContext.Builder attributes) {
        return token(attributes, Map.of("sub", "alice", "iss", "https://id.example.com"));
    }

    /** As `jwt_authn` leaves it. */
    static AttributeContext.Builder token(AttributeContext.Builder attributes, Map<String, String> claims) {
        Struct.Builder payload = Struct.newBuilder();
        claims.forEach((name, value) -> payload.putFields(name, text(value)));
        return claims(attributes, payload);
    }

    /** Alice's token with one more claim. */
    static AttributeContext.Builder level(AttributeContext.Builder attributes, Value level) {
        return claims(
                attributes,
                Struct.newBuilder()
                        .putFields("sub", text("alice"))
                        .putFields("iss", text("https://id.example.com"))
                        .putFields("level", level));
    }

    /** Lists in one another, the innermost with a text. */
    static Value nested(int depth) {
        return depth == 0
                ? text("x")
                : Value.newBuilder()
                        .setListValue(ListValue.newBuilder().addValues(nested(depth - 1)))
                        .build();
    }

    static Value text(String value) {
        return Value.newBuilder().setStringValue(value).build();
    }

    static AttributeContext.Builder claims(AttributeContext.Builder attributes, Struct.Builder payload) {
        return attributes.setMetadataContext(Metadata.newBuilder()
                .putFilterMetadata(
                        "envoy.filters.http.jwt_authn",
                        Struct.newBuilder()
                                .putFields(
                                        "token",
                                        Value.newBuilder()
                                                .setStructValue(payload)
                                                .build())
                                .build()));
    }

    static HeaderValue raw(String name, String value) {
        return HeaderValue.newBuilder()
                .setKey(name)
                .setRawValue(ByteString.copyFrom(value, StandardCharsets.UTF_8))
                .build();
    }

    @Override
    public void close() {
        fixture.close();
    }
}
