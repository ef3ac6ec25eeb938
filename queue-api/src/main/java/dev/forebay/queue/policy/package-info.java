/**
 * Decisions that depend on nothing but their arguments: how long to wait after a failed attempt,
 * when to stop trying, how long to keep a lease.
 */
@NullMarked
package dev.forebay.queue.policy;

import org.jspecify.annotations.NullMarked;
