package dev.forebay.queue.benchmarks;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.Worker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.LongAdder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What a worker costs when the handler does nothing and the queue is in memory. */
@Command(
    name = "worker-overhead",
    mixinStandardHelpOptions = true,
    description =
        "Messages per second of a worker whose handler does nothing, in memory, beside plain loops"
            + " around poll() on as many threads.")
final class WorkerOverhead implements Callable<Integer> {

  private static final Duration WAIT = Duration.ofMillis(50);

  @Option(names = "--messages", description = "Messages a round. Default 400000.")
  private int messages = 400_000;

  @Option(names = "--slots", split = ",", description = "Handlers at once. Default 8,64.")
  private List<Integer> slots = List.of(8, 64);

  @Option(names = "--rounds", description = "Measured rounds, after two to warm up. Default 5.")
  private int rounds = 5;

  @Option(names = "--out", description = "Directory of worker-overhead.json.")
  private Path out = Path.of("target", "benchmarks");

  /** Something that works off the queue until closed. */
  private interface Consumption {
    AutoCloseable start(WorkQueue queue, int slots, LongAdder handled);
  }

  @Override
  public Integer call() throws Exception {
    Report report =
        new Report(
            "worker-overhead",
            List.of("slots", "consumer", "messages per second", "bytes per message"));
    for (int count : slots) {
      measure(report, count, "worker", WorkerOverhead::worker);
      measure(report, count, "poll() loops", WorkerOverhead::loops);
    }
    report.publish(System.out, out);
    return 0;
  }

  private void measure(Report report, int slotCount, String name, Consumption consumption)
      throws Exception {
    List<Double> perSecond = new ArrayList<>();
    List<Double> bytes = new ArrayList<>();
    for (int round = -2; round < rounds; round++) {
      Round measured = round(slotCount, consumption);
      if (round >= 0) {
        perSecond.add(measured.perSecond());
        bytes.add(measured.bytesPerMessage());
      }
    }
    report.row(slotCount, name, Figures.spread(perSecond), Figures.spread(bytes));
    report.put(name + "-" + slotCount, perSecond);
    report.put(name + "-" + slotCount + "-bytes", bytes);
  }

  /** What one round cost; the enqueue is not in it. */
  private record Round(double perSecond, double bytesPerMessage) {}

  private Round round(int slotCount, Consumption consumption) throws Exception {
    LongAdder handled = new LongAdder();
    try (InMemoryWorkQueue queue =
        InMemoryWorkQueue.builder("overhead").maxBytes(Long.MAX_VALUE / 2).build()) {
      for (int i = 0; i < messages; i++) {
        queue.enqueue(Message.text("job"));
      }
      long allocated = Allocation.ofAllThreads();
      long start = System.nanoTime();
      AutoCloseable consumer = consumption.start(queue, slotCount, handled);
      JobLog.await(() -> handled.sum() == messages, 300, "all messages");
      double seconds = (System.nanoTime() - start) / 1e9;
      allocated = Allocation.ofAllThreads() - allocated;
      consumer.close();
      return new Round(messages / seconds, allocated / (double) messages);
    }
  }

  private static AutoCloseable worker(WorkQueue queue, int slots, LongAdder handled) {
    return Worker.builder(queue)
        .slots(slots)
        .handler((delivery, context) -> handled.increment())
        .start();
  }

  private static AutoCloseable loops(WorkQueue queue, int slots, LongAdder handled) {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < slots; i++) {
      Thread thread = new Thread(() -> loop(queue, handled), "loop-" + i);
      thread.start();
      threads.add(thread);
    }
    return () -> {
      for (Thread thread : threads) {
        thread.join();
      }
    };
  }

  /** Ends at the first poll that brings nothing. */
  private static void loop(WorkQueue queue, LongAdder handled) {
    for (List<Delivery> taken = queue.poll(1, WAIT);
        !taken.isEmpty();
        taken = queue.poll(1, WAIT)) {
      for (Delivery delivery : taken) {
        handled.increment();
        delivery.ack();
      }
    }
  }
}
