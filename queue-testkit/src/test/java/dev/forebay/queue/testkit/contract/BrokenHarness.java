package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.testkit.broken.BrokenQueue;
import dev.forebay.queue.testkit.broken.Broker;
import dev.forebay.queue.time.ManualTimeSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** The in-memory queue behind one that is wrong on purpose. */
public final class BrokenHarness implements WorkQueueHarness {

  private final BrokenQueue broken;
  private final MemoryHarness memory;
  private final Broker broker;

  /** What others write to, past the queue that is wrong. */
  private final Map<String, WorkQueue> stored = new ConcurrentHashMap<>();

  public BrokenHarness(BrokenQueue broken) {
    this.broken = broken;
    MemoryHarness whole = broken.isRight() ? MemoryHarness.manual() : MemoryHarness.impatient();
    memory = broken.isBare() ? whole.withoutDedup() : whole;
    broker = new Broker((ManualTimeSource) memory.timing().source());
  }

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    QueueSettings changed =
        switch (broken) {
          case ALWAYS_RELAXED -> settings.withKeyPolicy(KeyPolicy.RELAXED);
          case ALWAYS_STRICT -> settings.withKeyPolicy(KeyPolicy.STRICT);
          default -> settings;
        };
    WorkQueue target = memory.open(name, changed);
    stored.put(name, target);
    return broken.inFrontOf(target, broker);
  }

  @Override
  public WorkQueue openDeadLetters(String name, QueueSettings settings) {
    return broken.inFrontOf(memory.openDeadLetters(name, settings), broker);
  }

  @Override
  public void delete(String name) {
    broker.close();
  }

  @Override
  public Set<KeyPolicy> keyPolicies() {
    return memory.keyPolicies();
  }

  @Override
  public Optional<Crash> crash() {
    return memory.crash();
  }

  @Override
  public List<Misconfiguration> misconfigurations() {
    if (broken != BrokenQueue.ACCEPTS_ANY_SETTINGS) {
      return memory.misconfigurations();
    }
    return memory.misconfigurations().stream()
        .map(
            wrong ->
                new Misconfiguration(
                    wrong.what(),
                    wrong.code(),
                    wrong.advice(),
                    () -> InMemoryWorkQueue.builder("accepted").build()))
        .toList();
  }

  @Override
  public Optional<RawRecords> rawRecords() {
    return ifBare(
        new RawRecords() {
          @Override
          public void putUndecodable(String name) {
            broker.putUndecodable(stored(name));
          }

          @Override
          public void putForeign(String name, byte[] body) {
            broker.putForeign(stored(name), body);
          }
        });
  }

  @Override
  public Optional<Supplier<BrokerOutage>> outage() {
    return ifBare(
        () ->
            new BrokerOutage() {
              @Override
              public WorkQueue open(String name, QueueSettings settings) {
                return BrokenHarness.this.open(name, settings);
              }

              @Override
              public void stop() {
                broker.down(true);
              }

              @Override
              public void start() {
                broker.down(false);
              }

              @Override
              public void close() {
                broker.down(false);
              }
            });
  }

  @Override
  public Optional<LongSupplier> enqueueRequests(String name) {
    return ifBare(broker::requests);
  }

  private WorkQueue stored(String name) {
    return Objects.requireNonNull(stored.get(name), "no queue is open under this name");
  }

  private <T> Optional<T> ifBare(T hook) {
    return broken.isBare() ? Optional.of(hook) : Optional.empty();
  }

  @Override
  public String reportName() {
    return "broken";
  }

  @Override
  public Timing timing() {
    return memory.timing();
  }
}
