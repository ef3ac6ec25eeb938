package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.testkit.broken.BrokenQueue;
import dev.forebay.queue.testkit.broken.Broker;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The in-memory queue behind one that is wrong on purpose. */
public final class BrokenHarness implements WorkQueueHarness {

  private final BrokenQueue broken;
  private final MemoryHarness memory;
  private final Broker broker;

  public BrokenHarness(BrokenQueue broken) {
    this.broken = broken;
    memory = broken == BrokenQueue.NOT_BROKEN ? MemoryHarness.manual() : MemoryHarness.impatient();
    broker = new Broker(memory.timing().source());
  }

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    QueueSettings changed =
        switch (broken) {
          case ALWAYS_RELAXED -> settings.withKeyPolicy(KeyPolicy.RELAXED);
          case ALWAYS_STRICT -> settings.withKeyPolicy(KeyPolicy.STRICT);
          default -> settings;
        };
    return broken.inFrontOf(memory.open(name, changed), broker);
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
  public String reportName() {
    return "broken";
  }

  @Override
  public Timing timing() {
    return memory.timing();
  }
}
