package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** What can be wrong with an enqueue (E, U). */
final class WrongEnqueues {

  private WrongEnqueues() {}

  /** Nothing is. */
  static final class Right extends Broken {
    Right(WorkQueue target, Broker broker) {
      super(target, broker);
    }
  }

  /** Has an outcome for nothing. */
  static final class ChokesOnEmptyLists extends Broken {
    ChokesOnEmptyLists(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<List<EnqueueOutcome>> enqueueAll(List<Message> messages) {
      return messages.isEmpty()
          ? done(List.of(new EnqueueOutcome.Failed(ErrorCode.INVALID_MESSAGE, "an empty batch")))
          : super.enqueueAll(messages);
    }
  }

  /** Takes the library's own headers from the user as well: here an id. */
  static final class BelievesForgedIds extends Broken {
    BelievesForgedIds(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      return delivery.message().header("kept").isEmpty()
          ? delivery
          : new Altered(delivery) {
            @Override
            public String id() {
              return "other";
            }
          };
    }
  }

  /** Says that every seventh message is stored, and does not store it. */
  static final class LosesSome extends Broken {
    LosesSome(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      int number = broker.count.incrementAndGet();
      return number % 7 == 0
          ? done(new EnqueueOutcome.Enqueued("lost-" + number))
          : super.enqueue(message);
    }
  }

  /** Says enqueued when it failed. */
  static final class SwallowsErrors extends Broken {
    SwallowsErrors(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return super.enqueue(message)
          .thenApply(
              outcome ->
                  outcome instanceof EnqueueOutcome.Failed
                      ? new EnqueueOutcome.Enqueued("failed-" + broker.count.incrementAndGet())
                      : outcome);
    }
  }

  /** Gives the outcomes of a list in the order the broker happened to answer. */
  static final class MixesOutcomesUp extends Broken {
    MixesOutcomesUp(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<List<EnqueueOutcome>> enqueueAll(List<Message> messages) {
      return super.enqueueAll(messages)
          .thenApply(
              outcomes -> {
                List<EnqueueOutcome> reversed = new ArrayList<>(outcomes);
                Collections.reverse(reversed);
                return reversed;
              });
    }
  }

  /** Sends bodies as text. */
  static final class TakesBodiesForText extends Broken {
    TakesBodiesForText(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      String text = new String(delivery.message().body(), StandardCharsets.UTF_8);
      return Altered.message(delivery, withBody(delivery.message(), text));
    }

    private static Message withBody(Message message, String text) {
      Message changed =
          Message.text(text)
              .headers(message.headers())
              .key(message.key().orElse(null))
              .dedupId(message.dedupId().orElse(null))
              .type(message.type().orElse(null));
      return message.deadline().map(changed::deadline).orElse(changed);
    }
  }

  /** Carries headers just the first time. */
  static final class LosesHeadersOnRetry extends Broken {
    LosesHeadersOnRetry(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      return delivery.attempt() == 1
          ? delivery
          : Altered.message(delivery, withoutHeaders(delivery.message()));
    }
  }

  static Message withoutHeaders(Message message) {
    Message bare =
        Message.of(message.body())
            .key(message.key().orElse(null))
            .dedupId(message.dedupId().orElse(null))
            .type(message.type().orElse(null));
    return message.deadline().map(bare::deadline).orElse(bare);
  }

  /** Knows of no deadlines. */
  static final class ForgetsDeadlines extends Broken {
    ForgetsDeadlines(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return super.enqueue(
          Message.of(message.body())
              .headers(message.headers())
              .key(message.key().orElse(null))
              .dedupId(message.dedupId().orElse(null))
              .type(message.type().orElse(null))
              .delay(message.delay()));
    }
  }

  /** Delivers delayed messages at once. */
  static final class IgnoresDelay extends Broken {
    IgnoresDelay(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return super.enqueue(message.delay(Duration.ZERO));
    }
  }

  /** Delivers delayed messages at twice their delay. */
  static final class DelaysTooLong extends Broken {
    DelaysTooLong(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return super.enqueue(message.delay(message.delay().multipliedBy(2)));
    }
  }

  /** Answers a second later, all but the first. */
  static final class HoldsBack extends Broken {
    HoldsBack(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      CompletableFuture<EnqueueOutcome> outcome = super.enqueue(message);
      if (broker.count.incrementAndGet() == 1) {
        return outcome;
      }
      CompletableFuture<EnqueueOutcome> later = new CompletableFuture<>();
      broker.time.schedule(Duration.ofSeconds(1), () -> later.complete(outcome.join()));
      return later;
    }
  }

  /** Forgets dedup ids. */
  static final class ForgetsDedup extends Broken {
    ForgetsDedup(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return super.enqueue(message.dedupId(null));
    }
  }

  /** Takes equal bodies for duplicates. */
  static final class DedupsByBody extends Broken {
    DedupsByBody(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return firstOf(this, message.text(), () -> super.enqueue(message));
    }
  }

  /** Never forgets a dedup id, not even one of a message that it refused. */
  static final class DedupsForEver extends Broken {
    DedupsForEver(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return message.dedupId().isEmpty()
          ? super.enqueue(message)
          : firstOf(this, message.dedupId().get(), () -> super.enqueue(message));
    }
  }

  static CompletableFuture<EnqueueOutcome> firstOf(
      Broken queue, String what, Supplier<CompletableFuture<EnqueueOutcome>> call) {
    Map<String, String> seen = queue.broker.notes;
    String id = seen.get(what);
    if (id != null) {
      return Broken.done(new EnqueueOutcome.Duplicate(id));
    }
    CompletableFuture<EnqueueOutcome> outcome = call.get();
    seen.put(
        what,
        outcome.join() instanceof EnqueueOutcome.Failed ? "refused" : outcome.join().orThrow());
    return outcome;
  }
}
