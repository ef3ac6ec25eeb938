/** Faults on the way to a queue, from a seed and counted: lost, late, refused, doubled. */
@NullMarked
package dev.forebay.queue.testkit.fault;

import org.jspecify.annotations.NullMarked;
