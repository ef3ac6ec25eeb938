package dev.forebay.queue.benchmarks;

import dev.forebay.queue.Message;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerStats;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Many slow handlers at once in one JVM, against what the slots could do at best. */
@Command(
    name = "concurrency",
    mixinStandardHelpOptions = true,
    description =
        "Slow handlers on many slots of one worker, in memory: handled per second as a share of"
            + " slots / latency. Virtual threads need a JVM of 21 or later.")
final class Concurrency implements Callable<Integer> {

  @Option(names = "--slots", description = "Handlers at once. Default 10000.")
  private int slots = 10_000;

  @Option(names = "--millis", description = "How long a handler takes. Default 5000.")
  private long millis = 5_000;

  @Option(names = "--waves", description = "Messages, in multiples of the slots. Default 6.")
  private int waves = 6;

  @Option(names = "--out", description = "Directory of concurrency.json.")
  private Path out = Path.of("target", "benchmarks");

  @Override
  public Integer call() throws IOException, InterruptedException {
    int total = slots * waves;
    AtomicInteger running = new AtomicInteger();
    AtomicInteger mostRunning = new AtomicInteger();
    AtomicInteger finished = new AtomicInteger();
    double seconds;
    WorkerStats stats;
    try (InMemoryWorkQueue queue = InMemoryWorkQueue.builder("concurrency").build()) {
      for (int i = 0; i < total; i++) {
        queue.enqueue(Message.text("job"));
      }
      long start = System.nanoTime();
      try (Worker worker =
          Worker.builder(queue)
              .slots(slots)
              .handler(
                  (delivery, context) -> {
                    mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
                    JobLog.pause(millis);
                    running.decrementAndGet();
                    finished.incrementAndGet();
                  })
              .start()) {
        double ideal = waves * millis / 1000.0;
        JobLog.await(() -> finished.get() == total, 10 * ideal + 60, "all messages");
        seconds = (System.nanoTime() - start) / 1e9;
        stats = worker.stats();
      }
      if (queue.depth().visible().orElse(-1) != 0 || stats.leaseLost() > 0) {
        throw new IllegalStateException("Not every message ran exactly once: " + stats);
      }
    }
    double perSecond = total / seconds;
    double best = slots * 1000.0 / millis;
    Report report =
        new Report(
            "concurrency",
            List.of("slots", "handler ms", "messages", "most at once", "per second", "% of best"));
    report.row(slots, millis, total, mostRunning.get(), perSecond, 100 * perSecond / best);
    report.put("perSecond", perSecond);
    report.put("shareOfBest", perSecond / best);
    report.put("handlerLatency", Duration.ofMillis(millis).toString());
    report.publish(System.out, out);
    return 0;
  }
}
