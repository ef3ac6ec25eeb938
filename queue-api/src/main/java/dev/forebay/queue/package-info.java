/**
 * The work queue a user holds and the values it speaks in: {@link dev.forebay.queue.WorkQueue},
 * {@link dev.forebay.queue.Message}, {@link dev.forebay.queue.Delivery} and what a queue can do in
 * numbers, {@link dev.forebay.queue.Capabilities}. Rule ids such as L1 or A3 refer to the contract
 * in {@code docs/contract.md}.
 */
@NullMarked
package dev.forebay.queue;

import org.jspecify.annotations.NullMarked;
