package dev.forebay.queue;

/**
 * What a message that failed, or is delayed, does to the later ones of its key, on a queue that
 * keeps order (K2).
 */
public enum KeyPolicy {
  /** They wait for it: order holds across retries. */
  STRICT,
  /** It steps aside and they go on; it is delivered again between them, still one at a time. */
  RELAXED
}
