/**
 * The one source of time: clock, monotonic nanoseconds and timers, real or set by hand in tests.
 */
@NullMarked
package dev.forebay.queue.time;

import org.jspecify.annotations.NullMarked;
