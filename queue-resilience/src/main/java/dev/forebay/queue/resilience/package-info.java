/**
 * What keeps a worker from hammering on what is broken or full: {@link
 * dev.forebay.queue.resilience.CircuitBreakers} sends the messages of a failing type to the slow
 * lane (W4), {@link dev.forebay.queue.resilience.AdaptiveLimit} finds out how many handlers may run
 * at once (W6).
 */
@NullMarked
package dev.forebay.queue.resilience;

import org.jspecify.annotations.NullMarked;
