package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.ForwardingDelivery;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.testkit.history.Event.Draft;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A queue that notes what is called on it; otherwise the one behind. As thread-safe as that one.
 */
final class RecordedWorkQueue extends ForwardingWorkQueue {

  /** Two looks at the clock closer than this count as one. */
  private static final long SAME_TIME = 1_000_000;

  private final HistoryRecorder recorder;
  private final int process;

  RecordedWorkQueue(WorkQueue target, HistoryRecorder recorder, int process) {
    super(target);
    this.recorder = recorder;
    this.process = process;
  }

  int process() {
    return process;
  }

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    Draft draft = begin(message);
    return target().enqueue(message).whenComplete((outcome, failure) -> end(draft, outcome));
  }

  @Override
  public CompletableFuture<List<EnqueueOutcome>> enqueueAll(List<Message> messages) {
    List<Draft> drafts = messages.stream().map(this::begin).toList();
    return target()
        .enqueueAll(messages)
        .whenComplete(
            (outcomes, failure) -> {
              for (int i = 0; i < drafts.size(); i++) {
                end(
                    drafts.get(i),
                    outcomes == null || i >= outcomes.size() ? null : outcomes.get(i));
              }
            });
  }

  private Draft begin(Message message) {
    return recorder
        .begin(Kind.ENQUEUE, process)
        .amount(message.delay())
        .told(told(message, 0, Attempts.NONE, Instant.EPOCH, 0));
  }

  private void end(Draft draft, @Nullable EnqueueOutcome outcome) {
    if (outcome instanceof EnqueueOutcome.Enqueued enqueued) {
      recorder.end(draft.id(enqueued.id()), Result.OK);
    } else if (outcome instanceof EnqueueOutcome.Duplicate duplicate) {
      recorder.end(draft.id(duplicate.id()), Result.DUPLICATE);
    } else if (outcome instanceof EnqueueOutcome.Failed failed
        && failed.code() != ErrorCode.AMBIGUOUS) {
      recorder.end(draft.text(failed.code().name()), Result.FAILED);
    } else {
      recorder.end(draft, Result.UNKNOWN);
    }
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    Draft draft = recorder.begin(Kind.POLL, process).amount(wait);
    List<Delivery> taken;
    try {
      taken = target().poll(max, wait);
    } catch (RuntimeException e) {
      String code = e instanceof QueueException known ? known.code().name() : e.toString();
      recorder.end(draft.counts(max, 0).text(code), Result.FAILED);
      throw e;
    }
    if (taken == null) {
      recorder.end(draft.counts(max, 0).text("null"), Result.FAILED);
      return List.of();
    }
    draft.counts(max, taken.size());
    if (Thread.currentThread().isInterrupted()) {
      draft.text("interrupted");
    }
    if (taken.size() == max) {
      recorder.forget(draft);
    } else {
      recorder.end(draft, Result.OK);
    }
    List<Delivery> recorded = new ArrayList<>(taken.size());
    for (Delivery each : taken) {
      recorded.add(handedOut(each, draft));
    }
    return recorded;
  }

  private Delivery handedOut(Delivery delivery, Draft poll) {
    Recorded recorded = new Recorded(this, delivery, recorder.nextDelivery());
    // A pause between the two looks would make the lease seem longer, or shorter, than it is.
    long completed = recorder.time().nanoTime();
    Duration lease = delivery.leaseRemaining();
    for (int i = 0; i < 5 && recorder.time().nanoTime() - completed > SAME_TIME; i++) {
      completed = recorder.time().nanoTime();
      lease = delivery.leaseRemaining();
    }
    Draft draft = recorder.begin(Kind.DELIVER, process, poll.invoked());
    draft
        .about(recorded.number, delivery.id())
        .told(
            told(
                delivery.message(),
                delivery.fencingToken(),
                delivery.attempts(),
                delivery.enqueuedAt(),
                lease.toNanos()));
    recorder.end(draft, completed, Result.OK);
    delivery.onLost(
        () ->
            recorder.end(
                recorder.begin(Kind.LOST, process).about(recorded.number, delivery.id()),
                Result.OK));
    return recorded;
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    return settle(Kind.ACK, delivery, Duration.ZERO, null, () -> target().ack(plain(delivery)));
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    return settle(
        Event.release(cause),
        delivery,
        delay,
        null,
        () -> target().release(plain(delivery), delay, cause));
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    return settle(
        Kind.DEAD,
        delivery,
        Duration.ZERO,
        cause.type(),
        () -> target().deadLetter(plain(delivery), cause));
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
    return settle(
        Kind.EXTEND, delivery, lease, null, () -> target().extend(plain(delivery), lease));
  }

  private CompletableFuture<Settlement> settle(
      Kind kind,
      Delivery delivery,
      Duration amount,
      @Nullable String text,
      Supplier<CompletableFuture<Settlement>> call) {
    long number = delivery instanceof Recorded recorded ? recorded.number : 0;
    Draft draft =
        recorder.begin(kind, process).about(number, delivery.id()).amount(amount).text(text);
    CompletableFuture<Settlement> result;
    try {
      result = call.get();
    } catch (RuntimeException e) {
      // Refused for what it asks: nothing was done.
      recorder.end(draft, Result.FAILED);
      throw e;
    }
    return result.whenComplete(
        (settlement, failure) -> {
          if (kind == Kind.EXTEND && settlement == Settlement.OK) {
            Event.Told none = Event.Told.NOTHING;
            long completed = recorder.time().nanoTime();
            long left = delivery.leaseRemaining().toNanos();
            draft.told(new Event.Told(null, null, 0, 0, none.attempts(), 0, left));
            recorder.end(draft, completed, Result.OK);
          } else {
            recorder.end(draft, result(settlement));
          }
        });
  }

  private static Result result(@Nullable Settlement settlement) {
    if (settlement == null) {
      return Result.UNKNOWN;
    }
    return switch (settlement) {
      case OK -> Result.OK;
      case STALE -> Result.STALE;
      case UNKNOWN -> Result.UNKNOWN;
    };
  }

  private static Delivery plain(Delivery delivery) {
    return delivery instanceof Recorded recorded ? recorded.behind : delivery;
  }

  @Override
  public DeadLetters deadLetters() {
    DeadLetters letters = target().deadLetters();
    return new DeadLetters() {
      @Override
      public Listing list(DeadLetterFilter filter, int max) {
        return letters.list(filter, max);
      }

      @Override
      public Summary summary(DeadLetterFilter filter) {
        return letters.summary(filter);
      }

      @Override
      public Report redrive(DeadLetterFilter filter, RedriveOptions options) {
        return noted("redrive", () -> letters.redrive(filter, options));
      }

      @Override
      public Report discard(DeadLetterFilter filter, RedriveOptions options) {
        return noted("discard", () -> letters.discard(filter, options));
      }
    };
  }

  private DeadLetters.Report noted(String what, Supplier<DeadLetters.Report> call) {
    Draft draft = recorder.begin(Kind.REDRIVE, process).text(what);
    DeadLetters.Report report = call.get();
    recorder.end(draft.counts((int) report.matched(), (int) report.done()), Result.OK);
    return report;
  }

  @Override
  public void close() {
    Draft draft = recorder.begin(Kind.CLOSE, process);
    target().close();
    recorder.end(draft, Result.OK);
  }

  static Event.Told told(
      Message message, long token, Attempts attempts, Instant enqueuedAt, long lease) {
    return new Event.Told(
        message.key().orElse(null),
        message.dedupId().orElse(null),
        content(message),
        token,
        attempts,
        enqueuedAt.toEpochMilli(),
        lease);
  }

  /** What must come back unchanged (E3), in one number. */
  private static long content(Message message) {
    long hash = Arrays.hashCode(message.body()) * 31L + message.bodySize();
    hash = hash * 1_000_003 + message.type().hashCode();
    hash = hash * 1_000_003 + message.key().hashCode();
    for (var header : new TreeMap<>(message.headers()).entrySet()) {
      hash = hash * 1_000_003 + header.getKey().hashCode();
      hash = hash * 1_000_003 + header.getValue().hashCode();
    }
    return hash == 0 ? 1 : hash;
  }

  /** A delivery with a number. */
  private static final class Recorded extends ForwardingDelivery {
    final RecordedWorkQueue queue;
    final Delivery behind;
    final long number;

    Recorded(RecordedWorkQueue queue, Delivery behind, long number) {
      super(behind);
      this.queue = queue;
      this.behind = behind;
      this.number = number;
    }

    @Override
    public WorkQueue queue() {
      return queue;
    }
  }
}
