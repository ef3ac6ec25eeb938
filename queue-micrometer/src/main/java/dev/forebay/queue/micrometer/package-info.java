/**
 * Signals by Micrometer (W7): {@link dev.forebay.queue.micrometer.WorkerMeters} shows what a worker
 * does, and {@link dev.forebay.queue.micrometer.MessageObservations} lets traces follow messages
 * from the producer to the handler.
 */
@NullMarked
package dev.forebay.queue.micrometer;

import org.jspecify.annotations.NullMarked;
