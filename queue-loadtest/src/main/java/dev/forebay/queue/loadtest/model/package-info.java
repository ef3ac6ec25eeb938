/**
 * What a request costs, what the best possible queue would make of a trace, and how both that ideal
 * and a real queue are judged: by one {@link dev.forebay.queue.loadtest.model.Timeline} each.
 */
@NullMarked
package dev.forebay.queue.loadtest.model;

import org.jspecify.annotations.NullMarked;
