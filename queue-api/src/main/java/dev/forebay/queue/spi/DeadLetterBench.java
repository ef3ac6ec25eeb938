package dev.forebay.queue.spi;

import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The dead letters of a backend as users work on them (D3): filters, bounds, the rate, the loop
 * guard and the report, over what a {@link DeadLetterStore} can do. Thread-safe.
 */
public final class DeadLetterBench implements DeadLetters {

  private static final Logger LOG = LoggerFactory.getLogger(DeadLetterBench.class);

  /** Well below the lease that walks take. */
  private static final double SLOW_PER_SECOND = 0.05;

  private final String queue;
  private final DeadLetterStore store;
  private final TimeSource time;
  private final BooleanSupplier closed;

  /**
   * A bench over the dead letters of one queue.
   *
   * @param queue the queue's name: dead letters of another origin are not shown
   * @param closed whether the queue closes: then a call ends early
   */
  public DeadLetterBench(
      String queue, DeadLetterStore store, TimeSource time, BooleanSupplier closed) {
    this.queue = queue;
    this.store = store;
    this.time = time;
    this.closed = closed;
  }

  @Override
  public Listing list(DeadLetterFilter filter, int max) {
    if (max < 1) {
      throw new IllegalArgumentException("A list needs a maximum of at least 1, not " + max);
    }
    List<Item> items = new ArrayList<>();
    boolean cut =
        visit(
            filter,
            item -> {
              items.add(item);
              return items.size() < max;
            });
    return new Listing(items, cut);
  }

  @Override
  public Summary summary(DeadLetterFilter filter) {
    Instant now = time.now();
    long[] count = {0};
    Instant[] oldest = {Instant.MAX};
    boolean cut =
        visit(
            filter,
            item -> {
              count[0]++;
              oldest[0] = item.enqueuedAt().isBefore(oldest[0]) ? item.enqueuedAt() : oldest[0];
              return true;
            });
    return new Summary(
        count[0],
        count[0] == 0 ? Optional.empty() : Optional.of(Duration.between(oldest[0], now)),
        cut);
  }

  private interface Visitor {
    /** Whether to go on. */
    boolean visit(Item item);
  }

  /** Shows each match to the visitor; returns whether the walk ended early. */
  private boolean visit(DeadLetterFilter filter, Visitor visitor) {
    Instant now = time.now();
    try (DeadLetterStore.Walk walk = walk()) {
      while (!isToEnd()) {
        List<DeadLetterStore.Found> some = next(walk, store.batch());
        if (some.isEmpty()) {
          return walk.cut() || isToEnd();
        }
        for (DeadLetterStore.Found found : some) {
          Item item = item(found.envelope());
          if (isOurs(item) && filter.matches(item, now) && !visitor.visit(item)) {
            return true;
          }
        }
      }
    }
    return true;
  }

  private DeadLetterStore.Walk walk() {
    if (closed.getAsBoolean()) {
      throw new QueueException(ErrorCode.CLOSED, "The queue " + queue + " is closed.");
    }
    return store.walk();
  }

  /** The next ones; none when the thread was interrupted while it waited for them. */
  private static List<DeadLetterStore.Found> next(DeadLetterStore.Walk walk, int max) {
    try {
      return walk.next(max);
    } catch (QueueException e) {
      if (Thread.currentThread().isInterrupted()) {
        return List.of();
      }
      throw e;
    }
  }

  private boolean isToEnd() {
    return Thread.currentThread().isInterrupted() || closed.getAsBoolean();
  }

  /** Queues may share a destination, and nothing may be redriven into the wrong one. */
  private boolean isOurs(Item item) {
    return item.letter().origin().equals(queue) || item.letter().origin().isEmpty();
  }

  @Override
  public Report redrive(DeadLetterFilter filter, RedriveOptions options) {
    return run(filter, options, options.maxRedrives(), DeadLetterStore.Walk::redrive, "redriven");
  }

  @Override
  public Report discard(DeadLetterFilter filter, RedriveOptions options) {
    return run(filter, options, Integer.MAX_VALUE, DeadLetterStore.Walk::discard, "discarded");
  }

  private interface Step
      extends BiFunction<
          DeadLetterStore.Walk,
          DeadLetterStore.Found,
          CompletableFuture<Optional<EnqueueOutcome.Failed>>> {}

  private Report run(
      DeadLetterFilter filter, RedriveOptions options, int maxRedrives, Step step, String done) {
    Tally tally = new Tally();
    Pacer pacer = new Pacer(time, options.perSecond());
    // What a walk holds waits for its turn, on SQS under a lease: not longer than about a second.
    int batch = (int) Math.max(1, Math.min(store.batch(), options.perSecond()));
    // And at a rate at which the lease would end first, nothing is taken before its turn has come.
    boolean isSlow = options.perSecond() < SLOW_PER_SECOND && !options.isDryRun();
    Instant now = time.now();
    boolean cut = false;
    try (DeadLetterStore.Walk walk = walk()) {
      while (!cut) {
        if (isSlow && !pacer.awaitFree()) {
          cut = true;
          break;
        }
        List<DeadLetterStore.Found> some = next(walk, batch);
        if (some.isEmpty()) {
          cut = walk.cut() || isToEnd();
          break;
        }
        List<CompletableFuture<Optional<EnqueueOutcome.Failed>>> steps = new ArrayList<>();
        for (DeadLetterStore.Found found : some) {
          Item item = item(found.envelope());
          if (cut || !isOurs(item) || !filter.matches(item, now)) {
            continue;
          }
          if (item.letter().redrives() >= maxRedrives) {
            tally.skipped++;
          } else if (options.isDryRun()) {
            tally.done++;
          } else if (pacer.await()) {
            steps.add(step.apply(walk, found));
          } else {
            cut = true;
          }
          cut |= tally.matched() + steps.size() >= options.max();
        }
        walk.finish();
        cut |= !settle(steps, tally, done) || isToEnd();
        options.progress().accept(tally.report(cut));
      }
    }
    return tally.report(cut);
  }

  /** Waits for these; false when there is no point in going on. */
  private boolean settle(
      List<CompletableFuture<Optional<EnqueueOutcome.Failed>>> steps, Tally tally, String done) {
    boolean hopeless = !steps.isEmpty();
    for (CompletableFuture<Optional<EnqueueOutcome.Failed>> each : steps) {
      Optional<EnqueueOutcome.Failed> failure = each.join();
      hopeless &= failure.filter(EnqueueOutcome.Failed::retryable).isPresent();
      if (failure.isEmpty()) {
        tally.done++;
        continue;
      }
      if (tally.failed.merge(failure.get().code(), 1L, Long::sum) == 1) {
        LOG.warn(
            "A dead letter of {} could not be {} ({}): {} Others of this kind are only counted.",
            queue,
            done,
            failure.get().code(),
            failure.get().message());
      }
    }
    return !hopeless;
  }

  private static Item item(Envelope envelope) {
    DeadLetter letter = envelope.deadLetter();
    if (letter == null) {
      throw new IllegalStateException("A backend showed a message that is no dead letter.");
    }
    return new Item(envelope.id(), envelope.message(), envelope.enqueuedAt(), letter);
  }

  /** What a run did so far. */
  private static final class Tally {
    private final Map<ErrorCode, Long> failed = new EnumMap<>(ErrorCode.class);
    private long done;
    private long skipped;

    long matched() {
      return done + skipped + failed.values().stream().mapToLong(Long::longValue).sum();
    }

    Report report(boolean cut) {
      return new Report(matched(), done, skipped, failed, cut);
    }
  }
}
