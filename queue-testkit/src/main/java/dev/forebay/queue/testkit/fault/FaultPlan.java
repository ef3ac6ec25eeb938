package dev.forebay.queue.testkit.fault;

import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Which fault strikes which call: a function of the seed, the operation and how many calls of that
 * operation came before. Counts what struck. Thread-safe.
 */
final class FaultPlan {

  private final long seed;
  private final Map<QueueFault, Double> rates;
  private final Map<QueueFault, LongAdder> fired = new EnumMap<>(QueueFault.class);
  private final Map<String, AtomicLong> calls = new ConcurrentHashMap<>();
  private volatile boolean on = true;

  FaultPlan(long seed, Map<QueueFault, Double> rates) {
    this.seed = seed;
    this.rates = new EnumMap<>(QueueFault.class);
    this.rates.putAll(rates);
    for (QueueFault fault : QueueFault.values()) {
      fired.put(fault, new LongAdder());
    }
  }

  void enable(boolean enabled) {
    on = enabled;
  }

  long fired(QueueFault fault) {
    LongAdder count = fired.get(fault);
    return count == null ? 0 : count.sum();
  }

  /** What to do to the next call of an operation: the first of these faults whose turn it is. */
  Call next(String operation, QueueFault... possible) {
    long number = calls.computeIfAbsent(operation, first -> new AtomicLong()).getAndIncrement();
    SplittableRandom random =
        new SplittableRandom(seed * 0x9E3779B97F4A7C15L + operation.hashCode() * 31L + number);
    QueueFault struck = null;
    for (QueueFault fault : possible) {
      // Drawn for every fault, so that one rate does not shift what the others hit.
      boolean strikes = random.nextDouble() < rates.getOrDefault(fault, 0.0);
      if (strikes && on && struck == null) {
        struck = fault;
      }
    }
    return new Call(struck, random);
  }

  /** Counts a fault that did strike. */
  void count(QueueFault fault) {
    LongAdder count = fired.get(fault);
    if (count != null) {
      count.increment();
    }
  }

  /**
   * What happens to one call.
   *
   * @param fault what strikes, if anything
   * @param random for the details of the fault
   */
  record Call(@Nullable QueueFault fault, SplittableRandom random) {}
}
