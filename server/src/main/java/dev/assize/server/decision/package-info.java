/** The policy decision point: answers whether a subject may act, from compiled policy and nothing else. */
@NullMarked
package dev.assize.server.decision;

import org.jspecify.annotations.NullMarked;
