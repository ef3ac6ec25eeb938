/** Replays a trace through real queues, with workers that wait instead of computing. */
@NullMarked
package dev.forebay.queue.loadtest.replay;

import org.jspecify.annotations.NullMarked;
