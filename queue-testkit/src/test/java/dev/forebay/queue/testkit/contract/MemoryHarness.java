package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import java.util.Set;

/** The in-memory queue: one store for all the queues and queue objects of a test. */
final class MemoryHarness implements WorkQueueHarness {

  private final InMemoryStore store;
  private final Timing timing;

  private MemoryHarness(InMemoryStore store, Timing timing) {
    this.store = store;
    this.timing = timing;
  }

  static MemoryHarness manual() {
    ManualTimeSource clock = new ManualTimeSource();
    return new MemoryHarness(new InMemoryStore(clock), Timing.manual(clock));
  }

  static MemoryHarness real() {
    return new MemoryHarness(new InMemoryStore(), Timing.real());
  }

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    InMemoryWorkQueue.Builder builder =
        InMemoryWorkQueue.builder(name)
            .store(store)
            .lease(settings.lease())
            .grace(settings.grace())
            .keyPolicy(settings.keyPolicy());
    return (settings.deadLetters() ? builder : builder.withoutDeadLetters()).build();
  }

  @Override
  public WorkQueue openDeadLetters(String name, QueueSettings settings) {
    return InMemoryWorkQueue.builder(name + ".dlq")
        .store(store)
        .lease(settings.lease())
        .grace(settings.grace())
        .withoutDeadLetters()
        .build();
  }

  @Override
  public Set<KeyPolicy> keyPolicies() {
    return Set.of(KeyPolicy.values());
  }

  @Override
  public Timing timing() {
    return timing;
  }
}
