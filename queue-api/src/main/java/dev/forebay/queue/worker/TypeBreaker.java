package dev.forebay.queue.worker;

import java.time.Duration;
import java.util.function.BiConsumer;

/**
 * Knows of each message type whether it keeps failing (W4); {@code queue-resilience} has one over a
 * well-known library. Implementations are thread-safe, do not block and bound the number of types
 * they know. A message without a type has the type "".
 */
public interface TypeBreaker {

  /** On a message in the slow lane: why it is there. */
  String CAUSE_HEADER = "slow-lane-cause";

  /**
   * On a message in the slow lane: the queue it came from. A message that has it runs wherever it
   * is received, whatever a breaker says, and does not count: so none goes round between lanes.
   */
  String ORIGIN_HEADER = "slow-lane-origin";

  /**
   * Whether a message of this type may run now. Every yes is followed by exactly one of {@link
   * #succeeded}, {@link #failed} and {@link #cancelled}.
   */
  boolean tryStart(String type);

  /** It was done. */
  void succeeded(String type, Duration ran);

  /** It failed, and not by the message's own fault. */
  void failed(String type, Duration ran);

  /**
   * It did not run to an end, or its end says nothing.
   *
   * @param ago how long ago it was told that it may run; by that one that was before the breaker
   *     opened can be told from a probe
   */
  void cancelled(String type, Duration ago);

  /** What messages of this type meet now. */
  BreakerState state(String type);

  /**
   * Tells this of every type that is not closed now, and of every change of state, until {@link
   * #forget}. It must not block.
   */
  void onChange(BiConsumer<String, BreakerState> listener);

  /** Tells this no more; one that was not told does no harm. */
  void forget(BiConsumer<String, BreakerState> listener);
}
