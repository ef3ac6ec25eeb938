/**
 * The runtime on top of any queue: {@link dev.forebay.queue.worker.Worker} runs a handler on many
 * slots, keeps leases alive, settles by what the handler did, and drains when it closes.
 */
@NullMarked
package dev.forebay.queue.worker;

import org.jspecify.annotations.NullMarked;
