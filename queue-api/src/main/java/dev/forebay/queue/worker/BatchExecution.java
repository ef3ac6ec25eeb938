package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.policy.FailureKind;
import dev.forebay.queue.policy.RetryDecision;
import dev.forebay.queue.policy.RetryPolicy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Handles a batch: each of its runs is admitted, told about and settled on its own, by {@link
 * Execution}; what this adds is the call in between (W3). Thread-safe.
 *
 * @param <T> what the handler works on
 */
final class BatchExecution<T> implements Consumer<Batch> {

  private final BatchHandler<T> handler;
  private final Function<Delivery, Decoding<T>> decoder;
  private final Execution execution;
  private final RetryPolicy retry;

  BatchExecution(
      BatchHandler<T> handler,
      Function<Delivery, Decoding<T>> decoder,
      Execution execution,
      RetryPolicy retry) {
    this.handler = handler;
    this.decoder = decoder;
    this.execution = execution;
    this.retry = retry;
  }

  @Override
  public void accept(Batch batch) {
    // All are admitted before the first one begins: what one waits for is not the others' work.
    List<Run> admitted = execution.admit(batch.runs());
    List<Run> begun = new ArrayList<>(admitted.size());
    for (Run run : admitted) {
      execution.guarded(
          run,
          each -> {
            if (!execution.begin(each, false)) {
              return Execution.Admission.NEVER;
            }
            begun.add(each);
            return Execution.Admission.LATER;
          });
    }
    List<BatchItem<T>> items = new ArrayList<>(begun.size());
    for (Run run : begun) {
      decode(run, items);
    }
    handle(items);
  }

  private void decode(Run run, List<BatchItem<T>> items) {
    Decoding<T> decoded;
    try {
      decoded = decoder.apply(run.delivery());
    } catch (Throwable e) {
      end(run, null, e);
      return;
    }
    T value = decoded.value();
    if (value == null) {
      end(run, decoded.instead(), null);
    } else {
      items.add(new BatchItem<>(value, run));
    }
  }

  /**
   * Calls the handler, and again for parts of what it left undecided when it threw, until nothing
   * is left: the first half before the second one, so that the parts that wait are few.
   */
  private void handle(List<BatchItem<T>> given) {
    int most = mostFailuresInARow(given.size());
    int inARow = 0;
    Deque<List<BatchItem<T>>> parts = new ArrayDeque<>();
    parts.push(given);
    while (!parts.isEmpty()) {
      List<BatchItem<T>> items = withLeases(parts.pop());
      if (items.isEmpty()) {
        continue;
      }
      Throwable failure = call(items);
      List<BatchItem<T>> undecided = endDecided(items, failure);
      if (failure == null || undecided.isEmpty()) {
        inARow = 0;
        continue;
      }
      FailureKind kind = kindOf(failure);
      if (items.size() == 1 || !mayTryAgain(kind, failure, undecided)) {
        undecided.forEach(item -> end(item.run(), null, failure));
      } else {
        int half = (undecided.size() + 1) / 2;
        parts.push(undecided.subList(half, undecided.size()));
        parts.push(undecided.subList(0, half));
      }
      // What it did decide shows that it works; so does that it knows whom to blame.
      boolean inVain = undecided.size() == items.size() && kind instanceof FailureKind.Transient;
      inARow = inVain ? inARow + 1 : 0;
      if (inARow == most) {
        endExceptLastAttempts(parts, failure);
      }
    }
  }

  /**
   * How many calls in a row may fail before it is no longer put down to single messages. One of
   * them in n costs 1 + log2(n) calls in a row at most, two that are neighbours one more.
   */
  private static int mostFailuresInARow(int items) {
    return 3 + (Integer.SIZE - Integer.numberOfLeadingZeros(items - 1));
  }

  /**
   * Ends what waits to be called again, as failed by the last call. What would go to the dead
   * letters for that is called alone instead: no message dies of what others may have done.
   */
  private void endExceptLastAttempts(Deque<List<BatchItem<T>>> parts, Throwable failure) {
    List<List<BatchItem<T>>> rest = List.copyOf(parts);
    parts.clear();
    for (List<BatchItem<T>> part : rest) {
      for (BatchItem<T> item : part) {
        if (isLastAttempt(item.run().delivery(), failure)) {
          parts.add(List.of(item));
        } else {
          end(item.run(), null, failure);
        }
      }
    }
  }

  private boolean isLastAttempt(Delivery delivery, Throwable failure) {
    try {
      return retry.decide(delivery.attempts(), failure, delivery.id())
          instanceof RetryDecision.DeadLetter;
    } catch (RuntimeException e) {
      // The settler meets it again and says so.
      return false;
    }
  }

  /** Calls the handler once, and says what it threw. */
  private @Nullable Throwable call(List<BatchItem<T>> items) {
    BatchCall call = BatchCall.begin(items.stream().map(BatchItem::run).toList());
    try {
      handler.handle(List.copyOf(items));
      return null;
    } catch (Throwable e) {
      return e;
    } finally {
      call.end();
    }
  }

  /** Ends all but what a handler that threw has left undecided. */
  private List<BatchItem<T>> endDecided(List<BatchItem<T>> items, @Nullable Throwable failure) {
    List<BatchItem<T>> undecided = new ArrayList<>();
    for (BatchItem<T> item : items) {
      if (failure != null && !item.isDecided()) {
        undecided.add(item);
      } else {
        Outcome outcome = item.isDecided() ? item.outcome() : Outcome.ack();
        end(item.run(), outcome, item.failure());
      }
    }
    return undecided;
  }

  /** Those that still have their leases; the others run elsewhere by now, and end here (W2). */
  private List<BatchItem<T>> withLeases(List<BatchItem<T>> items) {
    List<BatchItem<T>> held = new ArrayList<>(items.size());
    for (BatchItem<T> item : items) {
      Run run = item.run();
      if (run.isLeaseLost()) {
        run.lane().keeper.noticeLoss(run);
        end(run, null, null);
      } else {
        held.add(item);
      }
    }
    return held;
  }

  /** Null when the classification fails: the settler meets that again and says so. */
  private @Nullable FailureKind kindOf(Throwable failure) {
    try {
      return retry.kindOf(failure);
    } catch (RuntimeException e) {
      return null;
    }
  }

  private static boolean mayTryAgain(
      @Nullable FailureKind kind, Throwable failure, List<? extends BatchItem<?>> items) {
    return kind != null
        && !(kind instanceof FailureKind.Throttled)
        && !GiveBackException.isBehind(failure)
        && items.stream()
            .map(BatchItem::run)
            .noneMatch(run -> run.wasCutShort() || run.wasHandedBack());
  }

  private void end(Run run, @Nullable Outcome outcome, @Nullable Throwable failure) {
    execution.guarded(
        run,
        each -> {
          execution.ended(run, outcome, failure);
          return Execution.Admission.NEVER;
        });
  }
}
