/**
 * The contract as JUnit tests: rule interfaces by topic, whose test names begin with the rule's id,
 * and {@link dev.forebay.queue.testkit.contract.WorkQueueContract}, which holds a backend to all of
 * them through the {@link dev.forebay.queue.testkit.contract.WorkQueueHarness} it fills in.
 */
@NullMarked
package dev.forebay.queue.testkit.contract;

import org.jspecify.annotations.NullMarked;
