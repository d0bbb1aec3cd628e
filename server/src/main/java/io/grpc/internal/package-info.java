/** What this server has in the place of classes of gRPC's own, one by one and each for a reason that it says. */
@NullMarked
package io.grpc.internal;

import org.jspecify.annotations.NullMarked;
