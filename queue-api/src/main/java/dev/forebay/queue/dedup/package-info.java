/**
 * Processing dedup: a {@link dev.forebay.queue.dedup.DedupStore} remembers which work is claimed
 * and which is finished, so that a message delivered again is not run again (U2-U4). {@link
 * dev.forebay.queue.dedup.InMemoryDedupStore} remembers for one process.
 */
@NullMarked
package dev.forebay.queue.dedup;

import org.jspecify.annotations.NullMarked;
