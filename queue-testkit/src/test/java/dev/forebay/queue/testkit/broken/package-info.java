/** Queues that are wrong on purpose: whatever judges queues must find fault with each of them. */
@NullMarked
package dev.forebay.queue.testkit.broken;

import org.jspecify.annotations.NullMarked;
