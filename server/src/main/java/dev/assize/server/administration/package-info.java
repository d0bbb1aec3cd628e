/** The policy administration point: change sets, validated and compiled before they are committed as a revision. */
@NullMarked
package dev.assize.server.administration;

import org.jspecify.annotations.NullMarked;
