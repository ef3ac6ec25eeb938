package dev.forebay.queue.testkit.history;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What a checker says of a history. Immutable.
 *
 * @param violations what the contract does not allow
 * @param excused what it allows a broker of best effort, within its budget
 * @param undecided why it cannot be said of the whole history that it is good
 * @param messages how many messages it is about
 * @param delivered how many of them were delivered
 * @param deliveries how many deliveries there were
 * @param origin when the history began, in the nanoseconds of its events
 */
public record Verdict(
    List<Violation> violations,
    List<Violation> excused,
    List<String> undecided,
    long messages,
    long delivered,
    long deliveries,
    long origin) {

  private static final int SHOWN = 10;

  /** Copies the lists. */
  public Verdict {
    violations = List.copyOf(violations);
    excused = List.copyOf(excused);
    undecided = List.copyOf(undecided);
  }

  /** Whether nothing is wrong and nothing is open. */
  public boolean isGood() {
    return violations.isEmpty() && undecided.isEmpty();
  }

  /** Ids of the rules that are broken. */
  public Set<String> rules() {
    return violations.stream()
        .map(violation -> violation.rule().name())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Ids of the checks that found something. */
  public Set<String> checks() {
    return violations.stream()
        .map(violation -> violation.check().name())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /**
   * Fails unless it is good.
   *
   * @throws AssertionError with the first violations and the events that show them
   */
  public void assertGood() {
    if (!isGood()) {
      throw new AssertionError(toString());
    }
  }

  @Override
  public String toString() {
    StringBuilder out = new StringBuilder();
    out.append(violations.size())
        .append(" violations in ")
        .append(messages)
        .append(" messages, ")
        .append(deliveries)
        .append(" deliveries");
    undecided.forEach(why -> out.append("\n  undecided: ").append(why));
    Set<String> kinds = new TreeSet<>();
    int shown = 0;
    for (Violation violation : violations) {
      // One of each kind first of all: a lost message may show up a thousand times.
      if (shown < SHOWN && kinds.add(violation.check() + " " + violation.rule())) {
        out.append("\n  ").append(violation.text(origin));
        shown++;
      }
    }
    if (violations.size() > shown) {
      out.append("\n  and ").append(violations.size() - shown).append(" more of these");
    }
    if (!excused.isEmpty()) {
      out.append("\n  excused: ").append(excused.size());
    }
    return out.toString();
  }
}
