package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.WorkQueue;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/** What can be wrong with the work on dead letters (D3). */
final class WrongWorkbench extends Broken {

  private final UnaryOperator<DeadLetters> front;

  private WrongWorkbench(WorkQueue target, Broker broker, UnaryOperator<DeadLetters> front) {
    super(target, broker);
    this.front = front;
  }

  static BiFunction<WorkQueue, Broker, WorkQueue> with(UnaryOperator<DeadLetters> front) {
    return (target, broker) -> new WrongWorkbench(target, broker, front);
  }

  @Override
  public DeadLetters deadLetters() {
    return front.apply(super.deadLetters());
  }

  /** Right as long as nothing is overridden. */
  private static class Bench implements DeadLetters {
    final DeadLetters right;

    Bench(DeadLetters right) {
      this.right = right;
    }

    @Override
    public Listing list(DeadLetterFilter filter, int max) {
      return right.list(filter, max);
    }

    @Override
    public Summary summary(DeadLetterFilter filter) {
      return right.summary(filter);
    }

    @Override
    public Report redrive(DeadLetterFilter filter, RedriveOptions options) {
      return right.redrive(filter, options);
    }

    @Override
    public Report discard(DeadLetterFilter filter, RedriveOptions options) {
      return right.discard(filter, options);
    }
  }

  /** Takes every dead letter for one that was meant. */
  static final class IgnoresFilters extends Bench {
    IgnoresFilters(DeadLetters right) {
      super(right);
    }

    @Override
    public Listing list(DeadLetterFilter filter, int max) {
      return super.list(DeadLetterFilter.all(), max);
    }

    @Override
    public Report redrive(DeadLetterFilter filter, RedriveOptions options) {
      return super.redrive(DeadLetterFilter.all(), options);
    }

    @Override
    public Report discard(DeadLetterFilter filter, RedriveOptions options) {
      return super.discard(DeadLetterFilter.all(), options);
    }
  }

  /** Lists, redrives and discards without a bound: no maximum, no rate, no dry run. */
  static final class KnowsNoBounds extends Bench {
    KnowsNoBounds(DeadLetters right) {
      super(right);
    }

    @Override
    public Listing list(DeadLetterFilter filter, int max) {
      return super.list(filter, DEFAULT_MAX);
    }

    @Override
    public Report redrive(DeadLetterFilter filter, RedriveOptions options) {
      return super.redrive(filter, RedriveOptions.unlimited());
    }

    @Override
    public Report discard(DeadLetterFilter filter, RedriveOptions options) {
      return super.discard(filter, RedriveOptions.unlimited());
    }
  }

  /** Takes what it lists away. */
  static final class ConsumesOnList extends Bench {
    ConsumesOnList(DeadLetters right) {
      super(right);
    }

    @Override
    public Listing list(DeadLetterFilter filter, int max) {
      Listing listing = super.list(filter, max);
      super.discard(filter, RedriveOptions.unlimited());
      return listing;
    }
  }

  /** Lists dead letters without headers and without what they died of. */
  static final class ListsHalfOfIt extends Bench {
    ListsHalfOfIt(DeadLetters right) {
      super(right);
    }

    @Override
    public Listing list(DeadLetterFilter filter, int max) {
      Listing listing = super.list(filter, max);
      return new Listing(listing.items().stream().map(ListsHalfOfIt::half).toList(), listing.cut());
    }

    private static Item half(Item item) {
      DeadLetter letter = item.letter();
      return new Item(
          item.id(),
          WrongEnqueues.withoutHeaders(item.message()),
          item.enqueuedAt(),
          new DeadLetter(
              new DeadLetterCause("", ""),
              letter.attempts(),
              letter.lastDelivered(),
              letter.origin()));
    }
  }

  /** Throws away what it should bring back. */
  static final class LosesOnRedrive extends Bench {
    LosesOnRedrive(DeadLetters right) {
      super(right);
    }

    @Override
    public Report redrive(DeadLetterFilter filter, RedriveOptions options) {
      return super.discard(filter, options);
    }
  }

  /** Says that there are no dead letters, also where there is no place for them. */
  static final class SeesNone extends Broken implements DeadLetters {
    SeesNone(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public DeadLetters deadLetters() {
      try {
        return new Bench(super.deadLetters()) {
          @Override
          public Summary summary(DeadLetterFilter filter) {
            return SeesNone.this.summary(filter);
          }
        };
      } catch (QueueException none) {
        return this;
      }
    }

    @Override
    public Listing list(DeadLetterFilter filter, int max) {
      return new Listing(List.of(), false);
    }

    @Override
    public Summary summary(DeadLetterFilter filter) {
      return new Summary(0, Optional.empty(), false);
    }

    @Override
    public Report redrive(DeadLetterFilter filter, RedriveOptions options) {
      return new Report(0, 0, 0, Map.of(), false);
    }

    @Override
    public Report discard(DeadLetterFilter filter, RedriveOptions options) {
      return new Report(0, 0, 0, Map.of(), false);
    }
  }
}
