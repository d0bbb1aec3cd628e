/** Object stores that speak S3, held to the contracts of the ports. */
@NullMarked
package dev.assize.server.storage.s3;

import org.jspecify.annotations.NullMarked;
