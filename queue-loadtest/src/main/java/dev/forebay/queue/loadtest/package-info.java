/** Replays a trace of inference requests through several queues side by side. */
@NullMarked
package dev.forebay.queue.loadtest;

import org.jspecify.annotations.NullMarked;
