package dev.forebay.queue.dedup;

import java.util.UUID;

/**
 * The exclusive, time-limited right to do a piece of work, once a {@link DedupStore} has granted
 * it. Its token is what fences: only the call that brings the token of the live claim can extend,
 * complete or release it.
 *
 * @param key the work
 * @param token unlike that of any other claim, in this process or another
 */
public record Claim(DedupKey key, UUID token) {

  /** A claim of its own on this work, to be asked for. */
  public static Claim on(DedupKey key) {
    return new Claim(key, UUID.randomUUID());
  }
}
