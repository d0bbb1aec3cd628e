package dev.assize.server.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RpcPermissionsTest {

    private static final List<ServiceDescriptor> SERVICES = List.of(
            AccessServiceGrpc.getServiceDescriptor(),
            ApprovalServiceGrpc.getServiceDescriptor(),
            DecisionServiceGrpc.getServiceDescriptor(),
            LedgerServiceGrpc.getServiceDescriptor(),
            PolicyServiceGrpc.getServiceDescriptor());

    @Test
    void namesEveryRpcAndNoOther() {
        Set<String> served = SERVICES.stream()
                .flatMap(service -> service.getMethods().stream())
                .map(MethodDescriptor::getFullMethodName)
                .map(name -> name.substring("assize.v1.".length()))
                .collect(Collectors.toSet());

        assertThat(RpcPermissions.rpcs()).isEqualTo(served);
    }

    @Test
    void givesEachRpcAPermissionNoOtherVerbHas() {
        assertThat(Stream.of(Permission.values())
                        .map(permission -> permission.resourceType() + "/" + permission.action()))
                .doesNotHaveDuplicates();
    }

    @Test
    void refusesAnRpcItDoesNotKnow() {
        assertThat(RpcPermissions.of("DecisionService/Guess")).isEmpty();
    }
}
