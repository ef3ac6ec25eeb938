package dev.forebay.queue.loadtest.trace;

import java.time.Duration;
import java.util.List;

/**
 * Requests in the order of their arrival, the first one at zero. Immutable.
 *
 * @param source where the requests come from, as a report names it
 * @param requests the requests, never empty
 */
public record Trace(String source, List<Request> requests) {

  /** Checks that there is a request and that time never runs back. */
  public Trace {
    requests = List.copyOf(requests);
    if (requests.isEmpty()) {
      throw new IllegalArgumentException("a trace needs at least one request");
    }
    Duration previous = Duration.ZERO;
    for (Request request : requests) {
      if (request.arrival().compareTo(previous) < 0) {
        throw new IllegalArgumentException("the requests of a trace must be in order of arrival");
      }
      previous = request.arrival();
    }
  }

  /** The first {@code count} requests, or this trace if it has no more than that. */
  public Trace first(int count) {
    if (count >= requests.size()) {
      return this;
    }
    return new Trace(source + ", first " + count + " requests", requests.subList(0, count));
  }

  /** The number of requests. */
  public int size() {
    return requests.size();
  }

  /** The arrival of the last request, counted from the first. */
  public Duration span() {
    return requests.get(requests.size() - 1).arrival();
  }
}
