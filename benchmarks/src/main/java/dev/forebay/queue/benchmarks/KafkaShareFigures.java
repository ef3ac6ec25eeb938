package dev.forebay.queue.benchmarks;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * The figures of the share-group mode on one embedded broker: uneven work, slot use, and the speed
 * of work that takes no time against a raw share consumer.
 *
 * <p>Arguments: {@code uneven}, {@code slots} and {@code noop} choose; none runs all three.
 */
final class KafkaShareFigures {

  private static final int SLOTS = 8;
  private static final Duration POLL = Duration.ofSeconds(1);

  private final EmbeddedKafka kafka;
  private final AtomicInteger topics = new AtomicInteger();

  private KafkaShareFigures(EmbeddedKafka kafka) {
    this.kafka = kafka;
  }

  /** Prints the table. */
  public static void main(String[] args) throws Exception {
    List<String> chosen = args.length == 0 ? List.of("uneven", "slots", "noop") : List.of(args);
    try (EmbeddedKafka kafka = EmbeddedKafka.start(1)) {
      KafkaShareFigures figures = new KafkaShareFigures(kafka);
      if (chosen.contains("uneven")) {
        figures.unevenWork();
      }
      if (chosen.contains("slots")) {
        figures.slotUse();
      }
      if (chosen.contains("noop")) {
        figures.noOp();
      }
    }
    System.exit(0);
  }

  private static void row(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }

  /** 80 records of 100 ms, every 20th of 6 s, on 8 slots under a lease of 3 s. */
  private void unevenWork() throws Exception {
    String topic = topic(3);
    try (KafkaWorkQueue queue = queue(topic, Duration.ofSeconds(3))) {
      List<Integer> warmUp = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        warmUp.add(100);
      }
      run(queue, warmUp);
      List<Integer> work = new ArrayList<>();
      for (int i = 0; i < 80; i++) {
        work.add(i % 20 == 0 ? 6_000 : 100);
      }
      double ideal = idealSeconds(work);
      Result result = run(queue, work);
      row(
          "80 x 100 ms, every 20th 6 s, lease 3 s, %d slots: %.2f s, ideal %.2f s (x %.3f), %d"
              + " repeated, %d lost",
          SLOTS, result.seconds, ideal, result.seconds / ideal, result.repeated, result.lost);
    }
  }

  /** 240 records of 1 s on 8 slots. */
  private void slotUse() throws Exception {
    String topic = topic(3);
    try (KafkaWorkQueue queue = queue(topic, Duration.ofSeconds(30))) {
      List<Integer> warmUp = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        warmUp.add(1_000);
      }
      run(queue, warmUp);
      List<Integer> work = new ArrayList<>();
      for (int i = 0; i < 240; i++) {
        work.add(1_000);
      }
      Result result = run(queue, work);
      row(
          "1 s handlers, %d slots: %.1f %% of the slots' time used, %d repeated",
          SLOTS, 100 * work.size() / (SLOTS * result.seconds), result.repeated);
    }
  }

  private record Result(double seconds, int repeated, int lost) {}

  /** Enqueues work of so many milliseconds each and runs it on the slots. */
  private static Result run(WorkQueue queue, List<Integer> millis) throws Exception {
    Map<String, AtomicInteger> starts = new ConcurrentHashMap<>();
    CountDownLatch done = new CountDownLatch(millis.size());
    List<Thread> slots = new ArrayList<>();
    AtomicInteger lost = new AtomicInteger();
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < millis.size(); i++) {
      messages.add(Message.text(Integer.toString(millis.get(i))).key("m" + i));
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

  /** The time a FIFO queue without any cost would take on the same slots. */
  private static double idealSeconds(List<Integer> millis) {
    PriorityQueue<Long> free = new PriorityQueue<>();
    for (int slot = 0; slot < SLOTS; slot++) {
      free.add(0L);
    }
    long end = 0;
    for (int each : millis) {
      long finish = free.remove() + each;
      free.add(finish);
      end = Math.max(end, finish);
    }
    return end / 1000.0;
  }

  /** No-op handlers against a raw share consumer with explicit acknowledgement. */
  private void noOp() throws Exception {
    int count = Integer.getInteger("noop.count", 200_000);
    for (int round = 1; round <= Integer.getInteger("noop.rounds", 3); round++) {
      String topic = topic(3);
      fill(topic, count);
      double raw = raw(topic, count);
      double single = ours(topic, "one", count, 1, 500);
      double slots = ours(topic, "eight", count, SLOTS, 64);
      row(
          "no-op, %,d x 1 KiB, round %d: raw %,.0f/s, one poll loop %,.0f/s (%.2f), %d slots"
              + " %,.0f/s (%.2f)",
          count, round, raw, single, single / raw, SLOTS, slots, slots / raw);
    }
  }

  private void fill(String topic, int count) throws Exception {
    try (KafkaWorkQueue queue = queue(topic, Duration.ofSeconds(30))) {
      Message message = Message.text("x".repeat(1024));
      List<CompletableFuture<?>> stored = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        stored.add(queue.enqueue(message));
      }
      CompletableFuture.allOf(stored.toArray(CompletableFuture[]::new)).get(120, TimeUnit.SECONDS);
    }
  }

  private double raw(String topic, int count) throws Exception {
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
      while (seen < count) {
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
      return count / ((System.nanoTime() - start) / 1e9);
    }
  }

  private double ours(String topic, String name, int count, int threads, int max) throws Exception {
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
                                    if (acked.incrementAndGet() == count) {
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
      return finished ? count / seconds : 0;
    }
  }

  private KafkaWorkQueue queue(String topic, Duration lease) {
    return KafkaWorkQueue.shared(kafka.clientProperties(), topic)
        .group("workers-" + topic)
        .lease(lease)
        .withoutDeadLetters()
        .withoutDelays()
        .build();
  }

  private String topic(int partitions) {
    String topic = "figures-" + topics.incrementAndGet();
    kafka.createTopic(topic, partitions);
    return topic;
  }
}
