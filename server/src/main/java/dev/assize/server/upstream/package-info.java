/** The centre as a sidecar knows it: follows its policy, asks it what is not known here, remembers the highest state seen. */
@NullMarked
package dev.assize.server.upstream;

import org.jspecify.annotations.NullMarked;
