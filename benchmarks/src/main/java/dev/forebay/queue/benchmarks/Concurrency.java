package dev.forebay.queue.benchmarks;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerStats;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Many slow handlers at once in one JVM, against what the slots could do at best. */
@Command(
    name = "concurrency",
    mixinStandardHelpOptions = true,
    description =
        "Slow handlers on many slots of one worker, in memory or on keyed Kafka: handled per second"
            + " as a share of slots / latency. Virtual threads need a JVM of 21 or later.")
final class Concurrency implements Callable<Integer> {

  private static final List<String> BROKER_JVM = ChildJvm.memory("768m", "-XX:+UseSerialGC");

  /** Ends soon after the pause, so that no poll of before it takes what comes after. */
  private static final Duration POLL_WAIT = Duration.ofMillis(200);

  private static final int ENQUEUED_TOGETHER = 1_000;

  @Option(names = "--backend", description = "memory or kafka-keyed. Default memory.")
  private String backend = "memory";

  @Option(names = "--slots", description = "Handlers at once. Default 10000.")
  private int slots = 10_000;

  @Option(names = "--millis", description = "How long a handler takes. Default 5000.")
  private long millis = 5_000;

  @Option(names = "--waves", description = "Messages, in multiples of the slots. Default 6.")
  private int waves = 6;

  @Option(names = "--partitions", description = "Of the topic, for kafka-keyed. Default 12.")
  private int partitions = 12;

  @Option(names = "--out", description = "Directory of concurrency.json.")
  private Path out = Path.of("target", "benchmarks");

  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger mostRunning = new AtomicInteger();
  private final AtomicInteger finished = new AtomicInteger();

  @Override
  public Integer call() throws Exception {
    switch (backend) {
      case "memory" -> {
        try (InMemoryWorkQueue queue = InMemoryWorkQueue.builder("concurrency").build()) {
          measure(queue);
        }
      }
      case "kafka-keyed" -> {
        try (ChildJvm server = ChildJvm.start(BROKER_JVM, List.of("kafka-server"));
            WorkQueue queue = keyed(server.result())) {
          measure(queue);
        }
      }
      default -> throw new IllegalArgumentException("No backend " + backend);
    }
    return 0;
  }

  private WorkQueue keyed(String bootstrap) throws Exception {
    String topic = "concurrency";
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      admin
          .createTopics(List.of(new NewTopic(topic, partitions, (short) 1)))
          .all()
          .get(30, TimeUnit.SECONDS);
    }
    return KafkaWorkQueue.keyed(Map.of("bootstrap.servers", bootstrap), topic)
        .withoutDeadLetters()
        .withoutDelays()
        // All slots, as many fetched ahead, and those done of which the broker does not know yet.
        .maxInFlight(Math.max(4_000, 3 * slots))
        .idleAfter(Duration.ofMinutes(2))
        .build();
  }

  private void measure(WorkQueue queue) throws Exception {
    int total = slots * waves;
    double seconds;
    WorkerStats stats;
    try (Worker worker =
        Worker.builder(queue)
            .slots(slots)
            .pollWait(POLL_WAIT)
            .handler(
                (delivery, context) -> {
                  if (delivery.message().text().equals("job")) {
                    mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
                    JobLog.pause(millis);
                    running.decrementAndGet();
                  }
                  finished.incrementAndGet();
                })
            .start()) {
      // A group takes seconds to form.
      queue.enqueue(Message.text("warm-up")).join().orThrow();
      JobLog.await(() -> finished.get() == 1, 60, "the first message");
      worker.pause();
      JobLog.pause(2 * POLL_WAIT.toMillis());
      enqueue(queue, total);
      finished.set(0);
      long start = System.nanoTime();
      worker.resume();
      double ideal = waves * millis / 1000.0;
      JobLog.await(() -> finished.get() >= total, 10 * ideal + 60, "all messages");
      seconds = (System.nanoTime() - start) / 1e9;
      stats = worker.stats();
    }
    JobLog.await(() -> queue.depth().backlog() == 0, 60, "the last acks");
    if (finished.get() != total || stats.leaseLost() > 0) {
      throw new IllegalStateException("Not every message ran exactly once: " + stats);
    }
    publish(total, stats.leaseLost(), seconds);
  }

  private static void enqueue(WorkQueue queue, int total) {
    List<Message> messages = new ArrayList<>(ENQUEUED_TOGETHER);
    for (int id = 0; id < total; id++) {
      messages.add(Message.text("job").key("key-" + id));
      if (messages.size() == ENQUEUED_TOGETHER || id == total - 1) {
        queue.enqueueAll(messages).join().forEach(outcome -> outcome.orThrow());
        messages.clear();
      }
    }
  }

  private void publish(int total, long leasesLost, double seconds) throws Exception {
    double perSecond = total / seconds;
    double best = slots * 1000.0 / millis;
    Report report =
        new Report(
            "concurrency",
            List.of(
                "backend",
                "slots",
                "handler ms",
                "messages",
                "most at once",
                "per second",
                "% of best"));
    report.row(backend, slots, millis, total, mostRunning.get(), perSecond, 100 * perSecond / best);
    report.put("handled", finished.get());
    report.put("leasesLost", leasesLost);
    report.put("perSecond", perSecond);
    report.put("shareOfBest", perSecond / best);
    report.put("handlerLatency", Duration.ofMillis(millis).toString());
    report.publish(System.out, out);
  }
}
