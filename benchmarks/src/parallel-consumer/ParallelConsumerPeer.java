import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Confluent's Parallel Consumer on a filled topic, run from source with its own class path, since
 * it does not work with the clients that Forebay uses. Arguments: bootstrap, topic, group, KEY or
 * UNORDERED, count, slots, warm-up, topic and count of a run that comes before, commit interval in
 * ms, and whether to tell of each start and finish. Counts and tells as KeyedTally does.
 */
public final class ParallelConsumerPeer {

  public static void main(String[] args) throws Exception {
    if (!args[7].isEmpty()) {
      // Work without time that comes first, so that the JVM has compiled what is measured.
      String unused = run(args, args[7], Integer.parseInt(args[8]), 0);
    }
    System.out.println(
        "RESULT " + run(args, args[1], Integer.parseInt(args[4]), Integer.parseInt(args[6])));
    System.out.flush();
    System.exit(0);
  }

  private static String run(String[] args, String topic, int count, int warmUp)
      throws InterruptedException {
    com.sun.management.OperatingSystemMXBean system =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers", args[0],
                "group.id", args[2],
                "auto.offset.reset", "earliest",
                "session.timeout.ms", "10000",
                "enable.auto.commit", "false"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    ParallelStreamProcessor<byte[], byte[]> processor =
        ParallelStreamProcessor.createEosStreamProcessor(
            ParallelConsumerOptions.<byte[], byte[]>builder()
                .consumer(consumer)
                .ordering(ProcessingOrder.valueOf(args[3]))
                .maxConcurrency(Integer.parseInt(args[5]))
                .commitInterval(Duration.ofMillis(Long.parseLong(args[9])))
                .build());
    processor.subscribe(List.of(topic));
    boolean telling = Boolean.parseBoolean(args[10]);
    if (telling) {
      Runtime.getRuntime().addShutdownHook(new Thread(processor::close, "end"));
    }
    AtomicInteger all = new AtomicInteger();
    AtomicIntegerArray starts = new AtomicIntegerArray(count);
    CountDownLatch open = new CountDownLatch(count);
    AtomicLong first = new AtomicLong();
    AtomicLong last = new AtomicLong();
    AtomicLong cpu = new AtomicLong();
    AtomicLong compilers = new AtomicLong();
    LongAdder repeated = new LongAdder();
    LongAdder violations = new LongAdder();
    Map<String, Integer> lastStarted = new ConcurrentHashMap<>();
    Map<String, Integer> inHand = new ConcurrentHashMap<>();
    processor.poll(
        context -> {
          byte[] body = context.getSingleConsumerRecord().value();
          String key = new String(context.getSingleConsumerRecord().key(), StandardCharsets.UTF_8);
          String[] parts = new String(body, 0, 20, StandardCharsets.UTF_8).split(" ");
          int id = Integer.parseInt(parts[0]);
          long millis = Long.parseLong(parts[1]);
          if (all.getAndIncrement() == warmUp) {
            first.set(System.nanoTime());
            cpu.set(system.getProcessCpuTime());
            compilers.set(compilerNanos());
          }
          boolean again = starts.incrementAndGet(id) > 1;
          if (again) {
            repeated.increment();
          }
          if (telling) {
            tell("S " + id);
          }
          if (millis > 0) {
            if (inHand.put(key, id) != null) {
              violations.increment();
            }
            Integer before = lastStarted.put(key, id);
            if (before != null && before >= id && !again) {
              violations.increment();
            }
            try {
              TimeUnit.MILLISECONDS.sleep(millis);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            inHand.remove(key);
          }
          if (telling) {
            tell("F " + id);
          }
          if (!again) {
            last.set(System.nanoTime());
            open.countDown();
          }
        });
    open.await(150, TimeUnit.SECONDS);
    int handled = count - (int) open.getCount() - warmUp;
    double seconds = (last.get() - first.get()) / 1e9;
    long compiling = compilerNanos() - compilers.get();
    long working = system.getProcessCpuTime() - cpu.get() - compiling;
    String figures =
        String.format(
        java.util.Locale.ROOT,
        "{\"handled\":%d,\"seconds\":%f,\"perSecond\":%f,\"cpuMicros\":%f,\"compilerMicros\":%f,\"repeated\":%d,"
            + "\"violations\":%d}",
        handled,
        seconds,
        handled / seconds,
        working / 1e3 / handled,
        compiling / 1e3 / handled,
        repeated.sum(),
        violations.sum());
    processor.close();
    return figures;
  }

  /** As the benchmarks' KeyedStory wants it. */
  private static void tell(String what) {
    String line = what + " " + System.nanoTime();
    synchronized (System.out) {
      System.out.println(line);
      System.out.flush();
    }
  }

  /** As the benchmarks' CompilerTime does for the others. */
  private static long compilerNanos() {
    long nanos = 0;
    for (File task : new File("/proc/self/task").listFiles()) {
      try {
        if (Files.readString(task.toPath().resolve("comm")).matches("C[12] Compiler.*\\s*")) {
          nanos +=
              Long.parseLong(Files.readString(task.toPath().resolve("schedstat")).split(" ")[0]);
        }
      } catch (IOException e) {
        // The thread has ended meanwhile.
      }
    }
    return nanos;
  }
}
