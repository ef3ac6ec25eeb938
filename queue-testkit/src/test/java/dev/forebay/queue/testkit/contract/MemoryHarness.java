package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The in-memory queue: one store for all the queues and queue objects of a test. */
public final class MemoryHarness implements WorkQueueHarness {

  private final InMemoryStore store;
  private final Timing timing;
  private final boolean dedup;

  private MemoryHarness(InMemoryStore store, Timing timing) {
    this(store, timing, true);
  }

  private MemoryHarness(InMemoryStore store, Timing timing, boolean dedup) {
    this.store = store;
    this.timing = timing;
    this.dedup = dedup;
  }

  public static MemoryHarness manual() {
    ManualTimeSource clock = new ManualTimeSource();
    return new MemoryHarness(new InMemoryStore(clock), Timing.manual(clock));
  }

  /** For queues that hang on purpose. */
  public static MemoryHarness impatient() {
    ManualTimeSource clock = new ManualTimeSource();
    return new MemoryHarness(
        new InMemoryStore(clock), Timing.manual(clock, Duration.ofMillis(700)));
  }

  public static MemoryHarness real() {
    return new MemoryHarness(new InMemoryStore(), Timing.real());
  }

  /** The same store, with queues that do not look at dedup ids. */
  MemoryHarness withoutDedup() {
    return new MemoryHarness(store, timing, false);
  }

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    InMemoryWorkQueue.Builder builder =
        InMemoryWorkQueue.builder(name)
            .store(store)
            .lease(settings.lease())
            .grace(settings.grace())
            .keyPolicy(settings.keyPolicy());
    if (!dedup) {
      builder.dedupWindow(Duration.ZERO);
    }
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

  /** The store is the broker: it knows nothing of an object that nobody calls any more. */
  @Override
  public Optional<Crash> crash() {
    return Optional.of(queue -> {});
  }

  @Override
  public List<Misconfiguration> misconfigurations() {
    return List.of(
        new Misconfiguration(
            "opened again with other settings",
            ErrorCode.MISCONFIGURED,
            "open it again with the same",
            () -> {
              InMemoryStore other = new InMemoryStore();
              InMemoryWorkQueue.builder("twice").store(other).build();
              return InMemoryWorkQueue.builder("twice").store(other).maxMessages(1).build();
            }));
  }

  @Override
  public String reportName() {
    return timing.granularity().isZero() ? "memory" : "memory-real-time";
  }

  @Override
  public Timing timing() {
    return timing;
  }
}
