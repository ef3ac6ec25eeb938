package dev.forebay.queue.kafka;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * A queue with delays, the messages put into it, and what became of each: when it was due and when
 * it came. Thread-safe.
 */
final class DelayRig {

  /** A machine that stalls makes things late; nothing makes them early. */
  static final Duration PATIENCE = Duration.ofSeconds(90);

  /** When a message was delivered, and which it was. */
  record Arrival(String id, String text, long atMillis) {}

  final EmbeddedKafka kafka;
  final String topic = "delays-" + UUID.randomUUID();
  final Map<String, Long> due = new HashMap<>();
  final Queue<Arrival> arrivals = new ConcurrentLinkedQueue<>();
  private final List<Running> running = new ArrayList<>();

  private record Running(KafkaWorkQueue queue, Thread thread) {}

  DelayRig(EmbeddedKafka kafka) {
    this.kafka = kafka;
    kafka.createTopic(topic, 2);
    kafka.createTopic(topic + ".dlq", 1);
    kafka.createTopic(topic + ".delays", DelayClasses.COUNT);
  }

  static long millis() {
    return SystemTimeSource.get().now().toEpochMilli();
  }

  KafkaWorkQueue open() {
    return KafkaWorkQueue.shared(kafka.clientProperties(), topic)
        .lease(Duration.ofSeconds(15))
        .grace(Duration.ofSeconds(5))
        .build();
  }

  /** Enqueues a message that is due this long from now; returns its id. */
  String enqueue(KafkaWorkQueue queue, Message message, Duration delay) {
    long before = millis();
    String id =
        queue.enqueue(message.delay(delay)).orTimeout(60, TimeUnit.SECONDS).join().orThrow();
    due.put(id, before + delay.toMillis());
    return id;
  }

  /** Enqueues messages without waiting for each. */
  List<String> enqueueAll(KafkaWorkQueue queue, List<Duration> delays) {
    List<CompletableFuture<EnqueueOutcome>> outcomes = new ArrayList<>();
    List<Long> dues = new ArrayList<>();
    for (Duration delay : delays) {
      dues.add(millis() + delay.toMillis());
      outcomes.add(queue.enqueue(Message.text("in " + delay).delay(delay)));
    }
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < dues.size(); i++) {
      String id = outcomes.get(i).orTimeout(60, TimeUnit.SECONDS).join().orThrow();
      due.put(id, dues.get(i));
      ids.add(id);
    }
    return ids;
  }

  /** Opens a queue object whose deliveries are noted and acked by a thread of its own. */
  KafkaWorkQueue consume() {
    KafkaWorkQueue queue = open();
    Thread thread =
        new Thread(
            () -> {
              while (!Thread.currentThread().isInterrupted()) {
                List<Delivery> batch;
                try {
                  batch = queue.poll(32, Duration.ofMillis(500));
                } catch (RuntimeException e) {
                  return; // closed
                }
                for (Delivery delivery : batch) {
                  arrivals.add(new Arrival(delivery.id(), delivery.message().text(), millis()));
                  delivery.ack();
                }
              }
            },
            "consume-" + topic);
    thread.start();
    synchronized (running) {
      running.add(new Running(queue, thread));
    }
    return queue;
  }

  /** Ends a consumer as a deployment does. */
  void stop(KafkaWorkQueue queue) {
    queue.close();
    synchronized (running) {
      running.removeIf(each -> each.queue == queue);
    }
  }

  void stopAll() {
    List<Running> all;
    synchronized (running) {
      all = List.copyOf(running);
    }
    for (Running each : all) {
      stop(each.queue);
    }
  }

  /** Waits until so many deliveries were noted. */
  void await(int count) {
    Awaitility.await("deliveries of " + topic)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> arrivals.size() >= count);
  }

  /** How late the latest came, in milliseconds; fails when one came early or none did. */
  long latest() {
    long latest = 0;
    for (Arrival each : arrivals) {
      Long at = due.get(each.id());
      if (at == null) {
        throw new AssertionError("Nobody enqueued " + each);
      }
      if (each.atMillis() < at) {
        throw new AssertionError(each + " came " + (at - each.atMillis()) + " ms early");
      }
      latest = Math.max(latest, each.atMillis() - at);
    }
    return latest;
  }

  List<String> ids() {
    return arrivals.stream().map(Arrival::id).toList();
  }
}
