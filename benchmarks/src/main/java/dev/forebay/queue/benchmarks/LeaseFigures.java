package dev.forebay.queue.benchmarks;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.sqs.SqsWorkQueue;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.worker.Worker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How each backend keeps a lease, and how soon it ends one that nobody keeps. */
@Command(
    name = "lease",
    mixinStandardHelpOptions = true,
    description =
        "Work ten times as long as its lease, and a delivery that is never settled, on each"
            + " backend.")
final class LeaseFigures implements Callable<Integer> {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  @Option(names = "--lease-millis", description = "The lease; whole seconds. Default 2000.")
  private long leaseMillis = 2_000;

  @Option(names = "--times", description = "Length of the work, in leases. Default 10.")
  private int times = 10;

  @Option(
      names = "--backends",
      split = ",",
      description = "memory, sqs, kafka-share (embedded); all by default.")
  private List<String> backends = List.of("memory", "sqs", "kafka-share");

  @Option(names = "--out", description = "Directory of lease.json.")
  private Path out = Path.of("target", "benchmarks");

  @Override
  public Integer call() throws IOException, InterruptedException {
    Report report =
        new Report(
            "lease",
            List.of(
                "backend",
                "lease s",
                "work s",
                "starts",
                "hung: back after s",
                "allowed s (lease + lateness)"));
    for (String backend : backends) {
      switch (backend) {
        case "memory" -> {
          InMemoryStore store = new InMemoryStore(SystemTimeSource.get());
          measure(
              report,
              backend,
              () -> InMemoryWorkQueue.builder("lease").store(store).lease(lease()).build());
        }
        case "sqs" -> {
          try (EmbeddedSqs server = EmbeddedSqs.start()) {
            String url = server.createQueue("lease");
            measure(
                report,
                backend,
                () -> SqsWorkQueue.builder(server.client(), url).lease(lease()).build());
          }
        }
        case "kafka-share" -> {
          try (EmbeddedKafka kafka = EmbeddedKafka.start(1)) {
            kafka.createTopic("lease", 1);
            measure(
                report,
                backend,
                () ->
                    KafkaWorkQueue.shared(kafka.clientProperties(), "lease")
                        .withoutDeadLetters()
                        .withoutDelays()
                        .lease(lease())
                        .build());
          }
        }
        default -> throw new IllegalArgumentException("No backend " + backend);
      }
    }
    report.publish(System.out, out);
    return 0;
  }

  private Duration lease() {
    return Duration.ofMillis(leaseMillis);
  }

  /** Two queue objects on one queue, as two processes would have them. */
  private void measure(Report report, String backend, Supplier<WorkQueue> open)
      throws InterruptedException {
    try (WorkQueue first = open.get();
        WorkQueue second = open.get()) {
      int starts = longWork(first, second);
      double back = hang(first, second);
      double allowed = lease().plus(first.capabilities().lateness()).toMillis() / 1000.0;
      report.row(
          backend, leaseMillis / 1000.0, times * leaseMillis / 1000.0, starts, back, allowed);
      report.put(backend, List.of("starts=" + starts, "back=" + back, "allowed=" + allowed));
    }
  }

  /** How often one job is started while a second worker waits for it to come free. */
  private int longWork(WorkQueue first, WorkQueue second) throws InterruptedException {
    AtomicInteger starts = new AtomicInteger();
    AtomicInteger ends = new AtomicInteger();
    first.enqueue(Message.text("long")).join();
    Worker one = worker(first, starts, ends);
    Worker two = worker(second, starts, ends);
    try {
      double limit = times * leaseMillis / 1000.0 + LIMIT.toSeconds();
      JobLog.await(() -> ends.get() > 0, limit, "the long job");
      // Long enough for a copy that was wrongly let go to come back.
      JobLog.pause(2 * leaseMillis);
    } finally {
      one.close();
      two.close();
    }
    return starts.get();
  }

  private Worker worker(WorkQueue queue, AtomicInteger starts, AtomicInteger ends) {
    return Worker.builder(queue)
        .handler(
            (delivery, context) -> {
              starts.incrementAndGet();
              JobLog.pause(times * leaseMillis);
              ends.incrementAndGet();
            })
        .start();
  }

  /** Seconds from a hand-out that nobody settles to the next one of its message. */
  private static double hang(WorkQueue first, WorkQueue second) {
    first.enqueue(Message.text("hung")).join();
    if (first.poll(LIMIT).isEmpty()) {
      throw new IllegalStateException("The message did not come");
    }
    long start = System.nanoTime();
    while (System.nanoTime() - start < LIMIT.toNanos()) {
      var again = second.poll(LIMIT);
      if (again.isPresent()) {
        double seconds = (System.nanoTime() - start) / 1e9;
        again.get().ack().join();
        return seconds;
      }
    }
    throw new IllegalStateException("The hung message did not come back");
  }
}
