package dev.forebay.queue.worker;

import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.time.TimeSource;

/**
 * What a worker gives to its {@link Step}s when it makes them. What belongs to a delivery's own
 * queue is found at its {@link Run#lane}.
 */
record StepContext(
    TimeSource time, RetryPolicy retry, Parking parking, Counters counters, Signals signals) {}
