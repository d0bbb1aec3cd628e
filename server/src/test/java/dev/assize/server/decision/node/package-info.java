@NullMarked
package dev.assize.server.decision.node;

import org.jspecify.annotations.NullMarked;
