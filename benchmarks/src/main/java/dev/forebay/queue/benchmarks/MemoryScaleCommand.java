package dev.forebay.queue.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * One depth of {@link MemoryScale}: fills a queue, weighs it, then enqueues, polls and acks one
 * message after the other at that depth. The time is set by hand, a millisecond an operation, so
 * that delayed messages come due one by one.
 */
@Command(name = "memory-scale-one", hidden = true)
final class MemoryScaleCommand implements Callable<Integer> {

  private static final int MOST_WARM_UP_ROUNDS = 4;
  private static final long ROUND_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int BETWEEN_LOOKS_AT_THE_CLOCK = 256;
  private static final int GC_ROUNDS = 4;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final Duration STEP = Duration.ofMillis(1);

  @Option(names = "--kind", required = true)
  private MemoryKind kind = MemoryKind.PLAIN;

  @Option(names = "--depth", required = true)
  private int depth;

  @Option(names = "--rounds", required = true)
  private int rounds;

  /**
   * What was measured.
   *
   * @param perSecond operations (enqueue, poll and ack of one message) per second, by round
   * @param perCpuSecond the same per second of the calling thread's processor time: what the queue
   *     itself costs, without other programs and without the collection of garbage
   * @param collecting the share of the measured time in which garbage was collected; a young
   *     collection copies what stands in the queue, so it grows with the depth
   * @param bytesAMessage heap use divided by messages, body included
   */
  record Figures(
      List<Double> perSecond, List<Double> perCpuSecond, double collecting, double bytesAMessage) {}

  @Override
  public Integer call() throws IOException {
    ManualTimeSource time = new ManualTimeSource();
    try (InMemoryWorkQueue queue =
        InMemoryWorkQueue.builder("scale").time(time).maxBytes(Long.MAX_VALUE / 2).build()) {
      double bytes = weigh();
      long number = fill(queue, time);
      double bytesAMessage = (weigh() - bytes) / depth;
      List<Double> perSecond = new ArrayList<>();
      List<Double> perCpuSecond = new ArrayList<>();
      double measured = 0;
      double collecting = 0;
      int unmeasured = Math.min(MOST_WARM_UP_ROUNDS, rounds);
      for (int round = 0; round < unmeasured + rounds; round++) {
        long start = System.nanoTime();
        long cpuStart = THREADS.getCurrentThreadCpuTime();
        long gcStart = gcMillis();
        long operations = 0;
        while (System.nanoTime() - start < ROUND_NANOS) {
          for (int i = 0; i < BETWEEN_LOOKS_AT_THE_CLOCK; i++) {
            exchange(queue, time, number++);
          }
          operations += BETWEEN_LOOKS_AT_THE_CLOCK;
        }
        if (round >= unmeasured) {
          long nanos = System.nanoTime() - start;
          measured += nanos;
          collecting += TimeUnit.MILLISECONDS.toNanos(gcMillis() - gcStart);
          perSecond.add(operations * 1e9 / nanos);
          perCpuSecond.add(operations * 1e9 / (THREADS.getCurrentThreadCpuTime() - cpuStart));
        }
      }
      ChildJvm.answer(
          new ObjectMapper()
              .writeValueAsString(
                  new Figures(perSecond, perCpuSecond, collecting / measured, bytesAMessage)));
    }
    return 0;
  }

  private long fill(InMemoryWorkQueue queue, ManualTimeSource time) {
    for (long number = 0; number < depth; number++) {
      queue.enqueue(kind.message(number, depth));
      if (number < depth - 1) {
        time.advance(STEP);
      }
    }
    return depth;
  }

  private void exchange(InMemoryWorkQueue queue, ManualTimeSource time, long number) {
    Message message = kind.message(number, depth);
    time.advance(STEP);
    queue.enqueue(message);
    List<Delivery> taken = queue.poll(1, Duration.ZERO);
    if (taken.size() != 1) {
      throw new IllegalStateException("Operation " + number + " found no message");
    }
    taken.get(0).ack();
  }

  private static long gcMillis() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(GarbageCollectorMXBean::getCollectionTime)
        .sum();
  }

  /** Bytes of live objects. */
  private static double weigh() {
    Runtime runtime = Runtime.getRuntime();
    long used = Long.MAX_VALUE;
    for (int round = 0; round < GC_ROUNDS; round++) {
      System.gc();
      used = Math.min(used, runtime.totalMemory() - runtime.freeMemory());
    }
    return used;
  }
}
