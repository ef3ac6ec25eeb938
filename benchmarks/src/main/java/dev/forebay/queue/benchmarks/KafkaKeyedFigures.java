package dev.forebay.queue.benchmarks;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.forebay.queue.Message;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.function.IntToLongFunction;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The keyed mode beside a raw consumer and Parallel Consumer, broker and contenders each in a JVM
 * of its own.
 */
@Command(
    name = "kafka-keyed",
    description = "Keyed Kafka queue against a raw consumer and Parallel Consumer.",
    mixinStandardHelpOptions = true)
final class KafkaKeyedFigures implements Callable<Integer> {

  private static final List<String> BROKER_JVM = ChildJvm.memory("1g", "-XX:+UseSerialGC");
  private static final List<String> CONTENDER_JVM = ChildJvm.memory("768m", "-XX:+UseSerialGC");

  /** Work without time that comes first, so that the JVM has compiled what is measured. */
  private static final int WARM_UP = 40_000;

  private static final TypeReference<Map<String, Double>> FIGURES = new TypeReference<>() {};

  @Option(
      names = "--contenders",
      split = ",",
      description =
          "raw, raw-modern, forebay, forebay-classic, pc-unordered, pc-key, and pc-key-200ms, which"
              + " commits every 200 ms rather than every 5 s. Default raw,forebay.")
  private List<String> contenders = List.of("raw", "forebay");

  @Option(
      names = "--scenarios",
      split = ",",
      description = "noop, slow, uneven, zipf, kill, churn, members; all by default.")
  private List<String> scenarios =
      List.of("noop", "slow", "uneven", "zipf", "kill", "churn", "members");

  @Option(names = "--noop-count", description = "Messages without work. Default 800000.")
  private int noopCount = 800_000;

  @Option(names = "--keys", split = ",", description = "distinct, zipf for noop; both by default.")
  private List<String> keys = List.of("distinct", "zipf");

  @Option(names = "--partitions", split = ",", description = "For noop. Default 1,3.")
  private List<Integer> partitions = List.of(1, 3);

  @Option(names = "--slow", split = ",", description = "MILLISxSLOTS, for slow.")
  private List<String> slow =
      List.of("10x64", "10x256", "100x64", "100x256", "1000x64", "1000x256");

  @Option(names = "--runs", description = "How often each, in turns; medians. Default 1.")
  private int runs = 1;

  @Option(names = "--small", hidden = true, description = "Tiny but for noop, to see that it runs.")
  private boolean small;

  @Option(names = "--parallel-consumer-lib", description = "Jars of Parallel Consumer 0.5.3.3.")
  private Path parallelConsumerLib = Path.of("target", "parallel-consumer");

  @Option(names = "--parallel-consumer-source", description = "ParallelConsumerPeer.java.")
  private Path parallelConsumerSource =
      Path.of("src", "parallel-consumer", "ParallelConsumerPeer.java");

  @Option(names = "--out", description = "Directory of kafka-keyed.json.")
  private Path out = Path.of("target", "benchmarks");

  private final Report report =
      new Report(
          "kafka-keyed",
          List.of(
              "scenario",
              "contender",
              "messages/s",
              "CPU µs/msg",
              "repeated",
              "violations",
              "note"));
  private String bootstrap = "";
  private String warmTopic = "";
  private int topics;

  @Override
  public Integer call() throws Exception {
    try (ChildJvm server = ChildJvm.start(jvm(BROKER_JVM), List.of("kafka-server"))) {
      bootstrap = server.result();
      warmTopic = fill(12, warmCount(), 200, id -> "key-" + id, id -> 0);
      for (String scenario : scenarios) {
        switch (scenario) {
          case "noop" -> noop();
          case "slow" -> slow();
          case "uneven" -> uneven();
          case "zipf" -> zipf();
          case "kill" -> kill();
          case "churn" -> churn();
          case "members" -> members();
          default -> throw new IllegalArgumentException("No scenario " + scenario);
        }
      }
    }
    report.publish(System.out, out);
    return 0;
  }

  private List<String> jvm(List<String> full) {
    return small ? ChildJvm.quick() : full;
  }

  private int warmCount() {
    return small ? 500 : WARM_UP;
  }

  private void noop() throws Exception {
    for (int count : partitions) {
      for (String kind : keys) {
        IntFunction<String> key = kind.equals("zipf") ? zipfKeys(noopCount) : id -> "key-" + id;
        String topic = fill(count, noopCount, 1024, key, id -> 0);
        run("no-op, " + count + " partitions, " + kind, topic, noopCount, noopCount / 2, 2, 0);
      }
    }
  }

  private void slow() throws Exception {
    for (String each : slow) {
      String[] parts = each.split("x", 2);
      long millis = Long.parseLong(parts[0]);
      int slots = Integer.parseInt(parts[1]);
      int count = (int) Math.max(4L * slots, 10_000L * slots / millis);
      String topic = fill(12, count, 200, id -> "key-" + id, id -> millis);
      // As long as it is short, so that the compiler does not take part in what is measured.
      int warmUp = millis < 100 ? count / 2 : 0;
      double best = slots * 1000.0 / millis;
      run(millis + " ms, " + slots + " slots", topic, count, warmUp, slots, best);
    }
  }

  private void uneven() throws Exception {
    int count = small ? 40 : 200;
    List<Job> jobs = small ? Job.every(count, 10, 20, 600) : Job.every(count, 100, 20, 6_000);
    String topic = fill(3, count, 200, id -> "key-" + id, id -> jobs.get(id).millis());
    double ideal = IdealSchedule.seconds(jobs, 8);
    String scenario = small ? "uneven" : "200 x 100 ms, every 20th 6 s, 8 slots";
    run(scenario, topic, count, 0, 8, count / ideal);
  }

  private void zipf() throws Exception {
    int count = 10_000;
    IntFunction<String> key = zipfKeys(count);
    Map<String, Integer> frequency = new HashMap<>();
    for (int id = 0; id < count; id++) {
      frequency.merge(key.apply(id), 1, Integer::sum);
    }
    int hottest = frequency.values().stream().mapToInt(n -> n).max().orElse(0);
    String topic = fill(12, count, 200, key, id -> 5);
    run("Zipf(1.0), 1,000 keys, 5 ms, 64 slots", topic, count, 0, 64, count / (hottest * 0.005));
  }

  /** SIGKILL with half of 5,000 x 20 ms done on 64 slots. */
  private void kill() throws Exception {
    int count = small ? 500 : 5_000;
    IntFunction<String> key = id -> "key-" + id;
    String topic = fill(12, count, 200, key, id -> 20);
    processes(topic, "kill", count).kill("SIGKILL in " + count + " x 20 ms, 64 slots", key);
  }

  /** Members join and leave while keys by Zipf's law are handled. */
  private void churn() throws Exception {
    int count = small ? 2_000 : 40_000;
    IntFunction<String> key = zipfKeys(count);
    // Long enough for a third process to come while there is work.
    int millis = small ? 30 : 5;
    String topic = fill(12, count, 200, key, id -> millis);
    processes(topic, "churn", count)
        .comeAndGo("Zipf(1.0), " + millis + " ms, 64 slots in each of 2, 3, 2 processes", key);
  }

  private KafkaKeyedProcesses processes(String topic, String group, int count) {
    return new KafkaKeyedProcesses(
        report,
        contenders.stream().filter(contender -> !contender.startsWith("raw")).toList(),
        contender -> start(contender, topic, group, count, 0, 64),
        count);
  }

  private void members() throws Exception {
    String topic = topic(12);
    try (ChildJvm child =
        ChildJvm.start(
            CONTENDER_JVM,
            List.of("kafka-keyed-members", "--bootstrap=" + bootstrap, "--topic=" + topic))) {
      Map<String, Double> figures = new ObjectMapper().readValue(child.result(), FIGURES);
      report.put("members", figures);
      report.row(
          "2, 3, 2 members, 12 partitions",
          "forebay",
          "",
          "",
          figure(figures, "repeated"),
          figure(figures, "violations"),
          figures);
    }
  }

  private void run(String scenario, String topic, int count, int warmUp, int slots, double best)
      throws Exception {
    for (String contender : contenders) {
      if (contender.startsWith("raw") && best > 0) {
        continue;
      }
      List<Map<String, Double>> all = new ArrayList<>();
      for (int run = 0; run < runs; run++) {
        Map<String, Double> figures = measure(contender, topic, "run" + run, count, warmUp, slots);
        System.err.println(scenario + " " + contender + " " + figures);
        all.add(figures);
      }
      report.put(scenario + " " + contender, all);
      double speed = median(all, "perSecond");
      report.row(
          scenario,
          contender,
          Figures.spread(all.stream().map(figures -> figure(figures, "perSecond")).toList()),
          median(all, "cpuMicros"),
          median(all, "repeated"),
          median(all, "violations"),
          best > 0 ? String.format("%.1f %% of the best", 100 * speed / best) : "");
    }
  }

  private static double median(List<Map<String, Double>> all, String name) {
    return Figures.median(all.stream().map(figures -> figure(figures, name)).toList());
  }

  private static Double figure(Map<String, Double> figures, String name) {
    return figures.getOrDefault(name, Double.NaN);
  }

  private Map<String, Double> measure(
      String contender, String topic, String group, int count, int warmUp, int slots)
      throws IOException {
    try (ChildJvm child = start(contender, topic, group, count, warmUp, slots)) {
      return new ObjectMapper().readValue(child.result(), FIGURES);
    }
  }

  /** A consumer of a topic in a process of its own. In groups that share work each tells of it. */
  private ChildJvm start(
      String contender, String topic, String group, int count, int warmUp, int slots)
      throws IOException {
    boolean telling = List.of("kill", "churn").contains(group);
    boolean warm = slots > 2 && !telling;
    String fullGroup = topic + "-" + contender + "-" + group;
    if (contender.startsWith("pc-")) {
      return ChildJvm.startSource(
          jvm(CONTENDER_JVM),
          parallelConsumerLib + "/*",
          parallelConsumerSource,
          List.of(
              bootstrap,
              topic,
              fullGroup,
              contender.startsWith("pc-key") ? "KEY" : "UNORDERED",
              Integer.toString(count),
              // Its threads are what handles; for work without time two are too few.
              Integer.toString(slots > 2 ? slots : 16),
              Integer.toString(warmUp),
              warm ? warmTopic : "",
              Integer.toString(warmCount()),
              // Its default, or what Forebay promises: a crash repeats what it has not committed.
              contender.endsWith("-200ms") ? "200" : "5000",
              Boolean.toString(telling)));
    }
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "kafka-keyed-contender",
                "--bootstrap=" + bootstrap,
                "--topic=" + topic,
                "--group=" + fullGroup,
                "--contender=" + contender,
                "--count=" + count,
                "--warm-up=" + warmUp,
                "--slots=" + slots));
    if (warm) {
      arguments.add("--warm-topic=" + warmTopic);
      arguments.add("--warm-count=" + warmCount());
    }
    if (telling) {
      arguments.add("--tell");
    }
    return ChildJvm.start(jvm(CONTENDER_JVM), arguments);
  }

  /** A key for each id, by Zipf's law with exponent 1 over 1,000 keys; the same in every run. */
  private static IntFunction<String> zipfKeys(int count) {
    double[] cumulated = new double[1_000];
    double sum = 0;
    for (int i = 0; i < cumulated.length; i++) {
      sum += 1.0 / (i + 1);
      cumulated[i] = sum;
    }
    Random random = new Random(1);
    String[] keys = new String[count];
    for (int id = 0; id < count; id++) {
      double at = random.nextDouble() * sum;
      int found = Arrays.binarySearch(cumulated, at);
      keys[id] = "key-" + (found < 0 ? -found - 1 : found);
    }
    return id -> keys[id];
  }

  private String topic(int partitionCount) throws Exception {
    String topic = "keyed-" + ++topics;
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      admin
          .createTopics(List.of(new NewTopic(topic, partitionCount, (short) 1)))
          .all()
          .get(30, TimeUnit.SECONDS);
    }
    TimeUnit.MILLISECONDS.sleep(500);
    return topic;
  }

  /** A topic with messages enqueued by the library: id, duration, filler. */
  private String fill(
      int partitionCount, int count, int bytes, IntFunction<String> key, IntToLongFunction millis)
      throws Exception {
    String topic = topic(partitionCount);
    String filler = "x".repeat(Math.max(0, bytes - 16));
    try (KafkaWorkQueue queue =
        KafkaWorkQueue.keyed(Map.of("bootstrap.servers", bootstrap), topic)
            .withoutDeadLetters()
            .withoutDelays()
            .grace(Duration.ofSeconds(30))
            .build()) {
      List<CompletableFuture<?>> stored = new ArrayList<>();
      for (int id = 0; id < count; id++) {
        String body = String.format("%08d %d %s", id, millis.applyAsLong(id), filler);
        stored.add(queue.enqueue(Message.text(body).key(key.apply(id))));
      }
      CompletableFuture.allOf(stored.toArray(CompletableFuture[]::new)).get(120, TimeUnit.SECONDS);
    }
    Files.createDirectories(out);
    return topic;
  }
}
