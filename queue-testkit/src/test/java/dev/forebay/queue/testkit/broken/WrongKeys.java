package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What can be wrong with keys (K): another one is stored than the user sees. */
abstract class WrongKeys extends Broken {

  WrongKeys(WorkQueue target, Broker broker) {
    super(target, broker);
  }

  abstract @Nullable String stored(String key);

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    String key = message.key().orElse(null);
    if (key == null || key.isEmpty() || key.length() > capabilities().maxKeyBytes()) {
      return super.enqueue(message);
    }
    CompletableFuture<EnqueueOutcome> outcome = super.enqueue(message.key(stored(key)));
    if (outcome.join() instanceof EnqueueOutcome.Enqueued enqueued) {
      broker.notes.put(enqueued.id(), key);
    }
    return outcome;
  }

  @Override
  Delivery alter(Delivery delivery) {
    String key = broker.notes.get(delivery.id());
    return key == null ? delivery : Altered.message(delivery, delivery.message().key(key));
  }

  /** Keeps no order: a key does not hold anything up. */
  static final class KeepsNoOrder extends WrongKeys {
    KeepsNoOrder(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    @Nullable String stored(String key) {
      return null;
    }
  }

  /** Keeps one order for all keys, as a single partition does: a hot key starves the others. */
  static final class HasOneLane extends WrongKeys {
    HasOneLane(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    String stored(String key) {
      return "lane";
    }
  }
}
