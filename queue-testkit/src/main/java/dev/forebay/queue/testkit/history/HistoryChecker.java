package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.KeyPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds what the contract does not allow in a history: a function of the history, the capabilities
 * of the queue and how it was set up. It never blames a queue for what may have happened between a
 * call and its answer. Not thread-safe.
 */
public final class HistoryChecker {

  private static final double MOST_UNKNOWN = 0.1;
  private static final double LEAST_DELIVERED = 0.9;

  private final Capabilities can;
  private @Nullable Duration lease;
  private @Nullable Duration grace;
  private KeyPolicy keyPolicy = KeyPolicy.STRICT;
  private Duration granularity = Duration.ofMillis(25);
  private Duration tolerance = Duration.ofSeconds(4);
  private boolean hidden;
  private double budget = 0.01;

  private HistoryChecker(Capabilities can) {
    this.can = can;
  }

  /** A checker for queues that declare these capabilities. */
  public static HistoryChecker of(Capabilities capabilities) {
    return new HistoryChecker(capabilities);
  }

  /** The lease that deliveries get, so that it can be seen whether half of it is left (P4). */
  public HistoryChecker lease(Duration value) {
    lease = value;
    return this;
  }

  /** The grace time of close (S1). */
  public HistoryChecker grace(Duration value) {
    grace = value;
    return this;
  }

  /** What a failing message does to its key (K2); strict by default. */
  public HistoryChecker keyPolicy(KeyPolicy value) {
    keyPolicy = value;
    return this;
  }

  /**
   * How exact times are.
   *
   * @param granularitySize what a lower bound grants; 25 ms by default
   * @param tolerated what an upper bound grants beside the declared lateness; 4 s by default
   */
  public HistoryChecker times(Duration granularitySize, Duration tolerated) {
    granularity = granularitySize;
    tolerance = tolerated;
    return this;
  }

  /**
   * Deliveries may have got lost between the queue and who polled, as {@code FaultyWorkQueue} does:
   * then nobody can tell why a message waits, and I14 is left out.
   */
  public HistoryChecker hiddenDeliveries(boolean value) {
    hidden = value;
    return this;
  }

  /**
   * Which share of deliveries may break L1 or A2 where {@link Capabilities#exclusivity()} is best
   * effort; 1 % by default.
   */
  public HistoryChecker budget(double share) {
    budget = share;
    return this;
  }

  /** Judges a history. */
  public Verdict check(History history) {
    Index index = new Index(history);
    Findings findings =
        new Findings(
            can,
            new Findings.Terms(lease, grace, keyPolicy, granularity, tolerance, hidden, budget));
    if (history.dropped() > 0) {
      findings.undecided.add(
          history.dropped() + " events are missing; give the recorder a larger bound.");
    } else {
      MessageChecks.run(index, findings);
      LeaseChecks.run(index, findings);
      SettlementChecks.run(index, findings);
      AttemptChecks.run(index, findings);
      KeyChecks.run(index, findings);
      DedupChecks.run(index, findings);
      DeadLetterChecks.run(index, findings);
      PollChecks.run(index, findings);
      WaitChecks.run(index, findings);
      LogChecks.run(index, findings);
    }
    return verdict(history, index, findings);
  }

  private Verdict verdict(History history, Index index, Findings findings) {
    long messages = 0;
    long delivered = 0;
    long unknown = 0;
    for (Trace trace : index.traces.values()) {
      messages++;
      delivered += trace.holds.isEmpty() ? 0 : 1;
      unknown += trace.end() == null && trace.perhapsEndedSince() != Event.NEVER ? 1 : 0;
    }
    if (index.drained == null) {
      findings.undecided.add("It was not drained, so nobody knows what is lost.");
    } else if (findings.violations.isEmpty()) {
      if (unknown > messages * MOST_UNKNOWN) {
        findings.undecided.add(
            unknown + " of " + messages + " messages have an unknown end: too many to say much.");
      }
      if (delivered < messages * LEAST_DELIVERED) {
        findings.undecided.add(
            "Just " + delivered + " of " + messages + " messages were delivered.");
      }
    }
    List<Violation> violations = new ArrayList<>(findings.violations);
    List<Violation> excused = findings.excusable;
    if (excused.size() > index.deliveries * budget) {
      violations.addAll(excused);
      excused = List.of();
    }
    return new Verdict(
        violations,
        excused,
        findings.undecided,
        messages,
        delivered,
        index.deliveries,
        history.origin());
  }
}
