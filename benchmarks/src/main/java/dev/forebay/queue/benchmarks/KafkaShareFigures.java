package dev.forebay.queue.benchmarks;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The figures of Kafka's share-group mode, on one embedded broker. */
@Command(
    name = "kafka-share",
    mixinStandardHelpOptions = true,
    description =
        "Kafka share groups on one embedded broker: uneven work, use of the slots, and handlers"
            + " that do nothing against a bare share consumer.")
final class KafkaShareFigures implements Callable<Integer> {

  private static final int SLOTS = 8;
  private static final Duration POLL = Duration.ofSeconds(1);

  @Option(
      names = "--scenarios",
      split = ",",
      description = "uneven, slots, noop; all three by default.")
  private List<String> scenarios = List.of("uneven", "slots", "noop");

  @Option(names = "--rounds", description = "Rounds of each scenario. Default 3.")
  private int rounds = 3;

  @Option(names = "--messages", description = "Messages of noop. Default 200000.")
  private int messages = 200_000;

  @Option(
      names = "--percent",
      description = "How many of the jobs of uneven and slots. Default 100.")
  private int percent = 100;

  @Option(names = "--out", description = "Directory of kafka-share.json.")
  private Path out = Path.of("target", "benchmarks");

  private final AtomicInteger topics = new AtomicInteger();

  @Override
  public Integer call() throws Exception {
    Report report =
        new Report("kafka-share", List.of("scenario", "round", "measured", "of", "ratio", "notes"));
    try (EmbeddedKafka kafka = EmbeddedKafka.start(1)) {
      for (String scenario : scenarios) {
        for (int round = 1; round <= rounds; round++) {
          switch (scenario) {
            case "uneven" -> unevenWork(kafka, report, round);
            case "slots" -> slotUse(kafka, report, round);
            case "noop" -> noOp(kafka, report, round);
            default -> throw new IllegalArgumentException("No scenario " + scenario);
          }
        }
      }
    }
    report.publish(System.out, out);
    return 0;
  }

  /** Jobs of 100 ms, every 20th of 6 s, under a lease of 3 s. */
  private void unevenWork(EmbeddedKafka kafka, Report report, int round) throws Exception {
    String topic = topic(kafka, 3);
    try (KafkaWorkQueue queue = queue(kafka, topic, Duration.ofSeconds(3))) {
      run(queue, jobs(40, i -> 100));
      List<Job> work = jobs(80 * percent / 100, i -> i % 20 == 0 ? 6_000 : 100);
      double ideal = IdealSchedule.seconds(work, SLOTS);
      Result result = run(queue, work);
      report.row(
          "uneven: s, of ideal",
          round,
          result.seconds,
          ideal,
          result.seconds / ideal,
          result.repeated + " repeated, " + result.lost + " lost");
      report.put("uneven-" + round, List.of(result.seconds, ideal, result.repeated, result.lost));
    }
  }

  /** Jobs of 1 s; the share of the slots' time that they fill. */
  private void slotUse(EmbeddedKafka kafka, Report report, int round) throws Exception {
    String topic = topic(kafka, 3);
    try (KafkaWorkQueue queue = queue(kafka, topic, Duration.ofSeconds(30))) {
      run(queue, jobs(16, i -> 1_000));
      List<Job> work = jobs(240 * percent / 100, i -> 1_000);
      Result result = run(queue, work);
      double ideal = IdealSchedule.seconds(work, SLOTS);
      report.row(
          "slots: s of 1 s jobs, ratio is use",
          round,
          result.seconds,
          ideal,
          ideal / result.seconds,
          result.repeated + " repeated, " + result.lost + " lost");
      report.put("slots-" + round, List.of(result.seconds, ideal, result.repeated, result.lost));
    }
  }

  private static List<Job> jobs(int count, IntUnaryOperator millis) {
    return IntStream.range(0, count).mapToObj(i -> new Job(i, millis.applyAsInt(i))).toList();
  }

  private record Result(double seconds, int repeated, int lost) {}

  /** Enqueues work of so many milliseconds each and runs it on the slots. */
  private static Result run(WorkQueue queue, List<Job> jobs) throws Exception {
    Map<String, AtomicInteger> starts = new ConcurrentHashMap<>();
    CountDownLatch done = new CountDownLatch(jobs.size());
    List<Thread> slots = new ArrayList<>();
    AtomicInteger lost = new AtomicInteger();
    List<Message> messages = new ArrayList<>();
    for (Job job : jobs) {
      messages.add(Message.text(Long.toString(job.millis())).key("m" + job.id()));
    }
    queue.enqueueAll(messages).get(30, TimeUnit.SECONDS).forEach(outcome -> outcome.orThrow());
    long start = System.nanoTime();
    for (int slot = 0; slot < SLOTS; slot++) {
      Thread thread = new Thread(() -> work(queue, starts, done, lost), "slot-" + slot);
      thread.start();
      slots.add(thread);
    }
    if (!done.await(120, TimeUnit.SECONDS)) {
      lost.addAndGet((int) done.getCount());
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    for (Thread thread : slots) {
      thread.interrupt();
      thread.join();
    }
    int repeated = starts.values().stream().mapToInt(count -> count.get() - 1).sum();
    return new Result(seconds, repeated, lost.get());
  }

  private static void work(
      WorkQueue queue, Map<String, AtomicInteger> starts, CountDownLatch done, AtomicInteger lost) {
    while (!Thread.currentThread().isInterrupted()) {
      for (Delivery delivery : queue.poll(1, POLL)) {
        starts.computeIfAbsent(delivery.id(), id -> new AtomicInteger()).incrementAndGet();
        long end =
            System.nanoTime()
                + Duration.ofMillis(Long.parseLong(delivery.message().text())).toNanos();
        while (end - System.nanoTime() > 0) {
          LockSupport.parkNanos(Math.min(end - System.nanoTime(), 500_000_000L));
          if (delivery.leaseRemaining().toMillis() < 2_000) {
            CompletableFuture<Settlement> unused = delivery.extend(Duration.ofSeconds(3));
          }
        }
        Settlement settlement = delivery.ack().join();
        if (settlement != Settlement.OK) {
          lost.incrementAndGet();
        } else {
          done.countDown();
        }
      }
    }
  }

  /** No-op handlers against a bare share consumer with explicit acknowledgement. */
  private void noOp(EmbeddedKafka kafka, Report report, int round) throws Exception {
    String topic = topic(kafka, 3);
    fill(kafka, topic);
    double raw = raw(kafka, topic);
    double single = ours(kafka, topic, "one", 1, 500);
    double slots = ours(kafka, topic, "eight", SLOTS, 64);
    report.row(
        "noop: 1 KiB a second, one poll loop, of bare", round, single, raw, single / raw, "");
    report.row("noop: 1 KiB a second, 8 slots, of bare", round, slots, raw, slots / raw, "");
    report.put("noop-" + round, List.of(raw, single, slots));
  }

  private void fill(EmbeddedKafka kafka, String topic) throws Exception {
    try (KafkaWorkQueue queue = queue(kafka, topic, Duration.ofSeconds(30))) {
      Message message = Message.text("x".repeat(1024));
      List<CompletableFuture<?>> stored = new ArrayList<>();
      for (int i = 0; i < messages; i++) {
        stored.add(queue.enqueue(message));
      }
      CompletableFuture.allOf(stored.toArray(CompletableFuture[]::new)).get(120, TimeUnit.SECONDS);
    }
  }

  private double raw(EmbeddedKafka kafka, String topic) throws Exception {
    String group = "raw-" + topic;
    kafka
        .admin()
        .incrementalAlterConfigs(
            Map.of(
                new ConfigResource(ConfigResource.Type.GROUP, group),
                List.of(
                    new AlterConfigOp(
                        new ConfigEntry("share.auto.offset.reset", "earliest"),
                        AlterConfigOp.OpType.SET))))
        .all()
        .get(10, TimeUnit.SECONDS);
    Map<String, Object> properties = kafka.clientProperties();
    properties.put("group.id", group);
    properties.put("share.acknowledgement.mode", "explicit");
    try (KafkaShareConsumer<byte[], byte[]> consumer =
        new KafkaShareConsumer<>(
            properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(topic));
      long start = 0;
      int seen = 0;
      while (seen < messages) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
        if (start == 0 && !records.isEmpty()) {
          start = System.nanoTime();
        }
        for (ConsumerRecord<byte[], byte[]> record : records) {
          consumer.acknowledge(record, AcknowledgeType.ACCEPT);
          seen++;
        }
        consumer.commitSync();
      }
      return messages / ((System.nanoTime() - start) / 1e9);
    }
  }

  private double ours(EmbeddedKafka kafka, String topic, String name, int threads, int max)
      throws Exception {
    AtomicLong first = new AtomicLong();
    AtomicInteger acked = new AtomicInteger();
    CountDownLatch done = new CountDownLatch(1);
    try (KafkaWorkQueue queue =
        KafkaWorkQueue.shared(kafka.clientProperties(), topic)
            .group(name + "-" + topic)
            .withoutDeadLetters()
            .withoutDelays()
            .build()) {
      List<Thread> slots = new ArrayList<>();
      for (int slot = 0; slot < threads; slot++) {
        Thread thread =
            new Thread(
                () -> {
                  while (!Thread.currentThread().isInterrupted()) {
                    for (Delivery delivery : queue.poll(max, POLL)) {
                      first.compareAndSet(0, System.nanoTime());
                      CompletableFuture<?> unused =
                          delivery
                              .ack()
                              .thenAccept(
                                  settlement -> {
                                    if (settlement == Settlement.OK
                                        && acked.incrementAndGet() == messages) {
                                      done.countDown();
                                    }
                                  });
                    }
                  }
                },
                "slot-" + slot);
        thread.start();
        slots.add(thread);
      }
      boolean finished = done.await(120, TimeUnit.SECONDS);
      double seconds = (System.nanoTime() - first.get()) / 1e9;
      for (Thread thread : slots) {
        thread.interrupt();
        thread.join();
      }
      return finished ? messages / seconds : 0;
    }
  }

  private static KafkaWorkQueue queue(EmbeddedKafka kafka, String topic, Duration lease) {
    return KafkaWorkQueue.shared(kafka.clientProperties(), topic)
        .group("workers-" + topic)
        .lease(lease)
        .withoutDeadLetters()
        .withoutDelays()
        .build();
  }

  private String topic(EmbeddedKafka kafka, int partitions) {
    String topic = "figures-" + topics.incrementAndGet();
    kafka.createTopic(topic, partitions);
    return topic;
  }
}
