package dev.assize.benchmarks.load;

import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.CreateKeyRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/** What a sidecar shows its centre: a key of a subject that may follow the policy of some tenants. */
final class SidecarKey {

    private static final String SUBJECT = "service:load-sidecar";

    private SidecarKey() {}

    /** Has the centre make one, and the binding behind it, as the page on sidecars says. */
    static String make(AssizeProcess centre, List<String> tenants) {
        centre.apply(binding(tenants).getBytes(StandardCharsets.UTF_8));
        ManagedChannel channel = Grpc.newChannelBuilder(
                        "localhost:" + centre.endpoint().port(), InsecureChannelCredentials.create())
                .build();
        try {
            Metadata headers = new Metadata();
            headers.put(
                    Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
                    "Bearer " + centre.endpoint().key());
            return AccessServiceGrpc.newBlockingStub(channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .createKey(CreateKeyRequest.newBuilder()
                            .setTenant(tenants.getFirst())
                            .setSubject(SUBJECT)
                            .addAllTenants(tenants)
                            .build())
                    .getCredential();
        } finally {
            channel.shutdownNow();
        }
    }

    static String binding(List<String> tenants) {
        return """
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: load-sidecars}
                spec:
                  subjects: ["%s"]
                  role: sidecar
                  fromTenant: %s
                  scope: {resources: [%s]}
                """.formatted(
                SUBJECT,
                tenants.getFirst(),
                tenants.stream().map(tenant -> "\"tenant:" + tenant + "\"").collect(Collectors.joining(", ")));
    }
}
