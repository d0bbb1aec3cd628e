package dev.assize.server.endpoint.grpc;

import io.grpc.MethodDescriptor;

/** How RPCs are called in permissions, in limits of keys and in meters: `DecisionService/Check`. */
final class RpcNames {

    private static final String PACKAGE = "assize.v1.";

    private RpcNames() {}

    /** Without the package where it is ours, whole otherwise. */
    static String of(MethodDescriptor<?, ?> method) {
        String name = method.getFullMethodName();
        return isOurs(method) ? name.substring(PACKAGE.length()) : name;
    }

    static boolean isOurs(MethodDescriptor<?, ?> method) {
        return method.getFullMethodName().startsWith(PACKAGE);
    }
}
