/** The server processes on one database: who they are, how they hear of changes, what they confirm to each other. */
@NullMarked
package dev.assize.server.decision.node;

import org.jspecify.annotations.NullMarked;
