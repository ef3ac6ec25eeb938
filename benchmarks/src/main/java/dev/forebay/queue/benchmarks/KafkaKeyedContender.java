package dev.forebay.queue.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.kafka.KafkaKeyedStats;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.worker.Worker;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** One consumer of a filled topic in this JVM: raw or Forebay; tells its figures. */
@Command(name = "kafka-keyed-contender", hidden = true)
final class KafkaKeyedContender implements Callable<Integer> {

  private static final Duration POLL = Duration.ofMillis(500);
  private static final long LIMIT_SECONDS = 150;

  @Option(names = "--bootstrap", required = true)
  private String bootstrap = "";

  @Option(names = "--topic", required = true)
  private String topic = "";

  @Option(names = "--group", required = true)
  private String group = "";

  @Option(names = "--contender", required = true)
  private String contender = "";

  @Option(names = "--count", required = true)
  private int count;

  @Option(names = "--slots", required = true)
  private int slots;

  @Option(names = "--warm-up")
  private int warmUp;

  /** A topic of work without time, handled before by a queue of its own; none when not given. */
  @Option(names = "--warm-topic")
  private @Nullable String warmTopic;

  @Option(names = "--warm-count")
  private int warmCount;

  @Option(names = "--tell")
  private boolean tell;

  @Override
  public Integer call() throws Exception {
    if (warmTopic != null) {
      var unused = forebay(new KeyedTally(warmCount, 0, false), warmTopic);
    }
    KeyedTally tally = new KeyedTally(count, warmUp, tell);
    Map<String, Double> figures = contender.startsWith("raw") ? raw(tally) : forebay(tally, topic);
    ChildJvm.answer(new ObjectMapper().writeValueAsString(figures));
    return 0;
  }

  private Map<String, Double> raw(KeyedTally tally) throws InterruptedException {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                bootstrap,
                "group.id",
                group,
                "group.protocol",
                contender.equals("raw-modern") ? "consumer" : "classic",
                "auto.offset.reset",
                "earliest",
                "enable.auto.commit",
                "false"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(topic));
      int seen = 0;
      while (seen < count) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
        for (ConsumerRecord<byte[], byte[]> record : records) {
          work(tally, new String(record.key(), StandardCharsets.UTF_8), record.value());
          seen++;
        }
        if (!records.isEmpty()) {
          consumer.commitSync();
        }
      }
      return tally.figures();
    }
  }

  private static void work(KeyedTally tally, String key, byte[] body) throws InterruptedException {
    tally.handle(key, KeyedTally.id(body), millis(body));
  }

  /** The number after the id. */
  private static long millis(byte[] body) {
    long millis = 0;
    for (int i = 9; body[i] != ' '; i++) {
      millis = millis * 10 + (body[i] - '0');
    }
    return millis;
  }

  private Map<String, Double> forebay(KeyedTally tally, String from) throws InterruptedException {
    try (KafkaWorkQueue queue =
        KafkaWorkQueue.keyed(
                Map.of(
                    "bootstrap.servers",
                    bootstrap,
                    "group.protocol",
                    contender.equals("forebay-classic") ? "classic" : "consumer"),
                from)
            .group(group)
            .withoutDeadLetters()
            .withoutDelays()
            .build()) {
      if (slots > 2) {
        Worker worker =
            Worker.builder(queue)
                .slots(slots)
                .handler(
                    (delivery, context) ->
                        work(
                            tally,
                            delivery.message().key().orElseThrow(),
                            delivery.message().body()))
                .start();
        if (tell) {
          // Ends in order when it is asked to.
          Runtime.getRuntime().addShutdownHook(new Thread(() -> end(worker, queue), "end"));
        }
        try {
          return check(tally, queue);
        } finally {
          worker.close();
        }
      }
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < slots; i++) {
        Thread thread = new Thread(() -> loop(queue, tally), "loop-" + i);
        thread.start();
        threads.add(thread);
      }
      Map<String, Double> figures = check(tally, queue);
      for (Thread thread : threads) {
        thread.interrupt();
        thread.join();
      }
      return figures;
    }
  }

  private static void end(Worker worker, KafkaWorkQueue queue) {
    worker.close();
    queue.close();
  }

  private static Map<String, Double> check(KeyedTally tally, KafkaWorkQueue queue)
      throws InterruptedException {
    if (!tally.await(LIMIT_SECONDS)) {
      System.err.println("Not all handled within " + LIMIT_SECONDS + " s: " + tally.figures());
    }
    Map<String, Double> figures = tally.figures();
    figures.put("commits", (double) queue.unwrap(KafkaKeyedStats.class).commits());
    return figures;
  }

  private static void loop(KafkaWorkQueue queue, KeyedTally tally) {
    try {
      while (!Thread.currentThread().isInterrupted()) {
        for (Delivery delivery : queue.poll(1_000, POLL)) {
          work(tally, delivery.message().key().orElseThrow(), delivery.message().body());
          var unused = delivery.ack();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
