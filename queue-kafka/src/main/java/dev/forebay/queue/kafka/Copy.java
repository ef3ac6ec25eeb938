package dev.forebay.queue.kafka;

import org.jspecify.annotations.Nullable;

/**
 * What a record carries when it is not the first of its message. Immutable.
 *
 * @param number how often the message was copied to a new record; 0: never
 * @param fence the fencing token of the delivery that asked for the copy, which those of the copy
 *     have to exceed (L5); 0: there is none, as in share mode, which counts copies
 * @param group the only group that is to see it, since others have settled the message themselves;
 *     null: every group
 */
record Copy(int number, long fence, @Nullable String group) {

  /** A new message, for every group. */
  static final Copy NONE = new Copy(0, 0, null);
}
