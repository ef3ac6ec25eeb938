package dev.forebay.queue.worker;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.time.TimeSource;

/** What a worker gives to its {@link Step}s when it makes them. */
record StepContext(
    WorkQueue queue, TimeSource time, Parking parking, Settler settler, Counters counters) {}
