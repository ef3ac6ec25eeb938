package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.Delivery;

/**
 * A delivery with the span of time in which it was handed out.
 *
 * @param beganNanos before the poll, on the test's clock
 * @param endedNanos after the poll
 */
record Taken(Delivery delivery, long beganNanos, long endedNanos) {}
