package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.policy.FailureKind;
import dev.forebay.queue.policy.RetryPolicy;
import java.util.ArrayList;
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

  private void handle(List<BatchItem<T>> given) {
    List<BatchItem<T>> items = withLeases(given);
    if (items.isEmpty()) {
      return;
    }
    Throwable failure = null;
    BatchCall call = BatchCall.begin(items.stream().map(BatchItem::run).toList());
    try {
      handler.handle(List.copyOf(items));
    } catch (Throwable e) {
      failure = e;
    } finally {
      call.end();
    }
    List<BatchItem<T>> undecided = new ArrayList<>();
    for (BatchItem<T> item : items) {
      if (failure != null && !item.isDecided()) {
        undecided.add(item);
      } else {
        Outcome outcome = item.isDecided() ? item.outcome() : Outcome.ack();
        end(item.run(), outcome, item.failure());
      }
    }
    if (failure == null || undecided.isEmpty()) {
      return;
    }
    if (items.size() == 1 || !mayTryAgain(failure, undecided)) {
      for (BatchItem<T> item : undecided) {
        end(item.run(), null, failure);
      }
      return;
    }
    int half = (undecided.size() + 1) / 2;
    handle(undecided.subList(0, half));
    handle(undecided.subList(half, undecided.size()));
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

  private boolean mayTryAgain(Throwable failure, List<BatchItem<T>> items) {
    if (GiveBackException.isBehind(failure)) {
      return false;
    }
    boolean throttled;
    try {
      throttled = retry.kindOf(failure) instanceof FailureKind.Throttled;
    } catch (RuntimeException e) {
      // The settler meets it again and says so.
      return false;
    }
    return !throttled
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
