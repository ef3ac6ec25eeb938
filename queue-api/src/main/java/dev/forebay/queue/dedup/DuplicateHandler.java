package dev.forebay.queue.dedup;

import dev.forebay.queue.Delivery;
import java.util.Optional;

/**
 * Answers a duplicate of finished work without doing the work again: for callers who wait for a
 * reply to each of their requests. Called by many threads at once.
 */
@FunctionalInterface
public interface DuplicateHandler {

  /**
   * Answers; the delivery is acked afterwards.
   *
   * @param result what the handler kept with its completion, if it did and the store still has it
   * @throws Exception when it could not answer: the delivery is given back and comes again after a
   *     backoff
   */
  void handle(Delivery delivery, Optional<byte[]> result) throws Exception;
}
