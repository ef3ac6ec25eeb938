package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.testkit.contract.Rule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a checker was told of the queue, and what it has found so far. Not thread-safe. */
final class Findings {

  /** Enough to see what is wrong; a broken queue can break everything. */
  private static final int MOST = 1_000;

  final Capabilities can;
  final Terms terms;
  final List<Violation> violations = new ArrayList<>();
  final List<Violation> excusable = new ArrayList<>();
  final List<String> undecided = new ArrayList<>();

  /**
   * How the queue was set up.
   *
   * @param lease of each delivery; null: not known
   * @param grace of close; null: not known
   * @param granularity what a lower bound grants
   * @param tolerance what an upper bound grants beside the declared lateness
   * @param hidden whether deliveries may have got lost on the way to who polled
   * @param budget share of deliveries that may break exclusivity, where it is best effort
   */
  record Terms(
      @Nullable Duration lease,
      @Nullable Duration grace,
      KeyPolicy keyPolicy,
      Duration granularity,
      Duration tolerance,
      boolean hidden,
      double budget) {}

  Findings(Capabilities can, Terms terms) {
    this.can = can;
    this.terms = terms;
  }

  long granularity() {
    return terms.granularity().toNanos();
  }

  /** What an upper bound grants in all. */
  long late() {
    return can.lateness().plus(terms.tolerance()).toNanos();
  }

  boolean ordered() {
    return can.ordering() == Capabilities.Ordering.PER_KEY;
  }

  boolean exact() {
    return can.attemptPrecision() == Capabilities.AttemptPrecision.EXACT;
  }

  boolean strict() {
    return can.exclusivity() == Capabilities.Exclusivity.STRICT;
  }

  /** Whether the broker may take leases away, as when a member leaves. */
  boolean leasesMayEndEarly() {
    return !can.failureDetection().isZero();
  }

  /** Whether the lease may have gone before its end without anybody's doing here. */
  boolean mayBeGone(Hold hold, long at) {
    if (!leasesMayEndEarly()) {
      return false;
    }
    // The delivery may learn of it an extension interval later.
    Duration lease = terms.lease();
    long interval = lease == null ? hold.deliver.told().lease() : lease.toNanos();
    return hold.goneBefore(at + interval + terms.tolerance().toNanos());
  }

  void add(Check check, Rule rule, String what, @Nullable Event... excerpt) {
    if (violations.size() < MOST) {
      violations.add(new Violation(check, rule, what, events(excerpt)));
    }
  }

  /** Something that a broker of best effort may do now and then. */
  void addExcusable(Check check, Rule rule, String what, @Nullable Event... excerpt) {
    if (strict()) {
      add(check, rule, what, excerpt);
    } else if (excusable.size() < MOST) {
      excusable.add(new Violation(check, rule, what, events(excerpt)));
    }
  }

  private static List<Event> events(@Nullable Event... excerpt) {
    return Arrays.stream(excerpt).filter(Objects::nonNull).distinct().toList();
  }

  static String seconds(long nanos) {
    return String.format("%.3f s", nanos / 1e9);
  }
}
