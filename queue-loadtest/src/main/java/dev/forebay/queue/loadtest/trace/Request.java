package dev.forebay.queue.loadtest.trace;

import java.time.Duration;

/**
 * One inference request of a trace. Immutable.
 *
 * @param arrival when it arrives, counted from the first request of its trace
 * @param inputTokens tokens of the prompt
 * @param outputTokens tokens to generate
 */
public record Request(Duration arrival, int inputTokens, int outputTokens) {}
