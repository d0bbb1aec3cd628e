/** Access review: what a tenant's bindings give now, who wrote them, and when they were last used. */
@NullMarked
package dev.assize.server.administration.review;

import org.jspecify.annotations.NullMarked;
