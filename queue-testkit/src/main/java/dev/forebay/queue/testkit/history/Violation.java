package dev.forebay.queue.testkit.history;

import dev.forebay.queue.testkit.contract.Rule;
import java.util.List;

/**
 * Something in a history that the contract does not allow. Immutable.
 *
 * @param check what found it
 * @param rule which rule of the contract it breaks
 * @param what what is wrong, in words
 * @param excerpt the few events that show it
 */
public record Violation(Check check, Rule rule, String what, List<Event> excerpt) {

  /** Copies the list. */
  public Violation {
    excerpt = List.copyOf(excerpt);
  }

  /** Its ids, what is wrong, and the events a line each; times are from {@code origin}. */
  String text(long origin) {
    StringBuilder out = new StringBuilder();
    out.append(rule).append(" (").append(check).append("): ").append(what);
    for (Event event : excerpt) {
      out.append("\n      ").append(event.line(origin));
    }
    return out.toString();
  }
}
