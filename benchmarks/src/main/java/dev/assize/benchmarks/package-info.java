/** What decides, records and proves, measured by JMH. */
@NullMarked
package dev.assize.benchmarks;

import org.jspecify.annotations.NullMarked;
