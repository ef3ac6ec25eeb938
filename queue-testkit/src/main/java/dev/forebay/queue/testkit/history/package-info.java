/**
 * What happened in a run on a queue, and whether it may have: {@link
 * dev.forebay.queue.testkit.history.HistoryRecorder} notes every call on any queue, {@link
 * dev.forebay.queue.testkit.history.HistoryChecker} finds what breaks the contract in the notes,
 * {@link dev.forebay.queue.testkit.history.Workload} makes runs from a seed.
 */
@NullMarked
package dev.forebay.queue.testkit.history;

import org.jspecify.annotations.NullMarked;
