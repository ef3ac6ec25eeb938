package dev.forebay.queue.loadtest.console;

/**
 * How far one queue is. Immutable.
 *
 * @param name the queue's name
 * @param total requests of the trace
 * @param due requests whose time of arrival has come
 * @param handled requests handled to their end
 * @param inFlight attempts under way
 */
public record QueueProgress(String name, int total, int due, int handled, int inFlight) {

  /** Requests that arrived and were not handled, apart from those being handled. */
  public int waiting() {
    return Math.max(0, due - handled - inFlight);
  }
}
