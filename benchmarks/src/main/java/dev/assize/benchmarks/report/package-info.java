/** Runs what is measured, and writes a page of it that anyone can reproduce. */
@NullMarked
package dev.assize.benchmarks.report;

import org.jspecify.annotations.NullMarked;
