/** Object stores that speak S3: the one place that knows Amazon's client. */
@NullMarked
package dev.assize.server.storage.s3;

import org.jspecify.annotations.NullMarked;
