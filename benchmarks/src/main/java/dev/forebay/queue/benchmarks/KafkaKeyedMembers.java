package dev.forebay.queue.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.common.utils.Utils;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Two members, then three, then two again on a topic of twelve partitions under a steady load;
 * tells the longest time without a message on partitions that stayed and on those that moved.
 */
@Command(name = "kafka-keyed-members", hidden = true)
final class KafkaKeyedMembers implements Callable<Integer> {

  private static final int PARTITIONS = 12;
  private static final int KEYS = 120;
  private static final int SLOTS = 8;
  private static final long PHASE_MILLIS = 15_000;

  @Option(names = "--bootstrap", required = true)
  private String bootstrap = "";

  @Option(names = "--topic", required = true)
  private String topic = "";

  private final Map<String, Integer> lastOf = new ConcurrentHashMap<>();
  private final Map<String, Boolean> inHand = new ConcurrentHashMap<>();
  private final LongAdder violations = new LongAdder();
  private final LongAdder repeated = new LongAdder();
  private final LongAdder notOk = new LongAdder();
  private final LongAdder done = new LongAdder();
  private final long[] lastAt = new long[PARTITIONS];
  private final int[] owner = new int[PARTITIONS];
  private final long[] gap = new long[PARTITIONS];
  private final boolean[] moved = new boolean[PARTITIONS];

  @Override
  public Integer call() throws Exception {
    try (KafkaWorkQueue producing = open()) {
      AtomicBoolean ending = new AtomicBoolean();
      LongAdder sent = new LongAdder();
      Thread producer = new Thread(() -> produce(producing, ending, sent), "producer");
      producer.start();
      List<Member> members = new ArrayList<>(List.of(new Member(1), new Member(2)));
      TimeUnit.MILLISECONDS.sleep(PHASE_MILLIS);
      Map<String, Double> figures = new LinkedHashMap<>();
      reset();
      TimeUnit.MILLISECONDS.sleep(PHASE_MILLIS / 2);
      gaps("steady", figures);
      reset();
      Member third = new Member(3);
      TimeUnit.MILLISECONDS.sleep(PHASE_MILLIS);
      gaps("join", figures);
      reset();
      third.close();
      TimeUnit.MILLISECONDS.sleep(PHASE_MILLIS);
      gaps("leave", figures);
      ending.set(true);
      producer.join();
      JobLog.await(() -> done.sum() >= sent.sum(), 60, "the rest");
      for (Member member : members) {
        member.close();
      }
      figures.put("handled", done.doubleValue());
      figures.put("violations", violations.doubleValue());
      figures.put("repeated", repeated.doubleValue());
      figures.put("notOk", notOk.doubleValue());
      ChildJvm.answer(new ObjectMapper().writeValueAsString(figures));
    }
    return 0;
  }

  private KafkaWorkQueue open() {
    return KafkaWorkQueue.keyed(Map.of("bootstrap.servers", bootstrap), topic)
        .group(topic)
        .withoutDeadLetters()
        .withoutDelays()
        .build();
  }

  /** About 1,200 a second, 100 a partition. */
  private static void produce(KafkaWorkQueue queue, AtomicBoolean ending, LongAdder sent) {
    try {
      for (int number = 0; !ending.get(); number++) {
        List<Message> messages = new ArrayList<>();
        for (int key = 0; key < KEYS; key++) {
          messages.add(Message.text(Integer.toString(number)).key("key-" + key));
        }
        queue.enqueueAll(messages).join().forEach(outcome -> outcome.orThrow());
        sent.add(KEYS);
        TimeUnit.MILLISECONDS.sleep(100);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void reset() {
    synchronized (gap) {
      long now = System.nanoTime();
      for (int i = 0; i < PARTITIONS; i++) {
        lastAt[i] = now;
        gap[i] = 0;
        moved[i] = false;
      }
    }
  }

  private void gaps(String phase, Map<String, Double> figures) {
    synchronized (gap) {
      long kept = 0;
      long away = 0;
      int count = 0;
      for (int i = 0; i < PARTITIONS; i++) {
        if (moved[i]) {
          away = Math.max(away, gap[i]);
          count++;
        } else {
          kept = Math.max(kept, gap[i]);
        }
      }
      figures.put(phase + ": moved partitions", (double) count);
      figures.put(phase + ": longest gap kept s", kept / 1e9);
      figures.put(phase + ": longest gap moved s", away / 1e9);
    }
  }

  private void handled(String key, int member) {
    byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
    int partition = Utils.toPositive(Utils.murmur2(bytes)) % PARTITIONS;
    synchronized (gap) {
      long now = System.nanoTime();
      gap[partition] = Math.max(gap[partition], now - lastAt[partition]);
      lastAt[partition] = now;
      if (owner[partition] != 0 && owner[partition] != member) {
        moved[partition] = true;
      }
      owner[partition] = member;
    }
  }

  /** A queue object and its slots. */
  private final class Member {
    private final KafkaWorkQueue queue = open();
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final List<Thread> threads = new ArrayList<>();

    Member(int number) {
      for (int i = 0; i < SLOTS; i++) {
        Thread thread = new Thread(() -> run(number), "member-" + number + "-" + i);
        thread.start();
        threads.add(thread);
      }
    }

    private void run(int number) {
      while (!stopping.get()) {
        for (Delivery delivery : queue.poll(1, Duration.ofMillis(200))) {
          String key = delivery.message().key().orElseThrow();
          int id = Integer.parseInt(delivery.message().text());
          if (inHand.put(key, true) != null) {
            violations.increment();
          }
          int last = lastOf.getOrDefault(key, -1);
          if (id <= last) {
            repeated.increment();
          } else if (id != last + 1) {
            violations.increment();
          }
          lastOf.merge(key, id, Math::max);
          handled(key, number);
          inHand.remove(key);
          if (delivery.ack().join() == Settlement.OK) {
            done.increment();
          } else {
            notOk.increment();
          }
        }
      }
    }

    void close() throws InterruptedException {
      stopping.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
      queue.close();
    }
  }
}
