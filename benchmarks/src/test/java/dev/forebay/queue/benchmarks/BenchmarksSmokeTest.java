package dev.forebay.queue.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each benchmark runs end to end at tiny sizes and says what has to be true at any size and on any
 * machine, however busy: what was handled, nothing twice, nothing lost, no better than the best.
 */
class BenchmarksSmokeTest {

  @TempDir private Path out;

  @Test
  void sqsPeers() throws Exception {
    List<String> contenders = List.of("hand-tuned", "forebay");
    List<String> scenarios = List.of("noop", "load", "one-long", "stop-busy");
    JsonNode report =
        run(
            "sqs-peers",
            "--small",
            "--contenders=" + String.join(",", contenders),
            "--scenarios=" + String.join(",", scenarios));
    assertThat(names(report.get("results"))).isEqualTo(contenders);
    for (String contender : contenders) {
      JsonNode runs = report.at("/results/" + contender);
      assertThat(runs).as(contender).hasSize(1);
      JsonNode figures = runs.get(0);
      assertThat(names(figures)).as(contender).isEqualTo(scenarios);
      assertThat(figures.at("/noop/finished").asInt()).as(contender).isEqualTo(150);
      assertThat(figures.at("/load/finished").asInt()).as(contender).isEqualTo(100);
      // Ten messages a request at most: one to receive and one to delete each ten, one to send.
      assertThat(figures.at("/noop/consumerRequestsPerMessage").asDouble())
          .isGreaterThanOrEqualTo(0.2);
      assertThat(figures.at("/load/requestsPerMessage").asDouble()).isGreaterThanOrEqualTo(0.3);
      // One row of the table for each figure, with this run's value.
      for (String scenario : scenarios) {
        for (Map.Entry<String, JsonNode> figure : figures.get(scenario).properties()) {
          assertThat(cell(report, contender, "scenario", scenario, "figure", figure.getKey()))
              .as("%s of %s", figure.getKey(), scenario)
              .isEqualTo(Figures.number(figure.getValue().asDouble()));
        }
      }
    }
    JsonNode ours = report.at("/results/forebay/0");
    assertThat(ours.at("/noop/repeated").asInt()).isZero();
    assertThat(ours.at("/load/repeated").asInt()).isZero();
    // All the short ones, and the long one, which is cut short.
    assertThat(ours.at("/one-long/finished").asInt()).isIn(20, 21);
    assertThat(ours.at("/one-long/timesIdeal").asDouble()).isGreaterThan(0.99);
    assertThat(ours.at("/one-long/repeatedStarts").asInt()).isZero();
    assertThat(ours.at("/stop-busy/finished").asInt()).isBetween(8, 24);
    assertThat(ours.at("/stop-busy/lost").asInt()).isZero();
    assertThat(ours.at("/stop-busy/stranded").asInt()).isZero();
    assertThat(ours.at("/stop-busy/finishedYetRedelivered").asInt()).isZero();
  }

  @Test
  void memoryScale() throws Exception {
    JsonNode report = run("memory-scale", "--small", "--depths=200", "--rounds=1", "--kinds=KEYED");
    JsonNode figures = report.get("keyed-200");
    List<Double> perSecond = doubles(figures.get("perSecond"));
    List<Double> perCpuSecond = doubles(figures.get("perCpuSecond"));
    assertThat(perSecond).hasSize(1);
    assertThat(perCpuSecond).hasSize(1);
    // A thread has no more processor time than there is time.
    assertThat(perCpuSecond.get(0)).isGreaterThanOrEqualTo(0.99 * perSecond.get(0));
    assertThat(perSecond.get(0)).isPositive();
    assertThat(figures.get("collecting").asDouble()).isBetween(0.0, 1.0);
    // The bodies alone are a hundred.
    assertThat(figures.get("bytesAMessage").asDouble()).isGreaterThan(100);
    assertThat(report.get("table")).hasSize(1);
    assertThat(cell(report, "standing", "messages", "keyed")).isEqualTo("200");
    assertThat(report.at("/flatness").properties())
        .as("of a single depth")
        .hasSize(3)
        .allSatisfy(ratio -> assertThat(ratio.getValue().asDouble()).isEqualTo(1));
  }

  @Test
  void concurrency() throws Exception {
    assertEachRanOnce(
        run("concurrency", "--slots=20", "--millis=500", "--waves=2"), "memory", 500, 40);
  }

  @Test
  void concurrencyOnKeyedKafka() throws Exception {
    assertEachRanOnce(
        run("concurrency", "--backend=kafka-keyed", "--slots=20", "--millis=500", "--waves=2"),
        "kafka-keyed",
        500,
        40);
  }

  /** On twenty slots. */
  private static void assertEachRanOnce(JsonNode report, String backend, int millis, int count) {
    assertThat(report.get("handled").asInt()).isEqualTo(count);
    assertThat(report.get("leasesLost").asInt()).isZero();
    assertThat(report.get("table")).hasSize(1);
    JsonNode row = report.get("table").get(0);
    assertThat(row.get("backend").asText()).isEqualTo(backend);
    assertThat(row.get("messages").asText()).isEqualTo(Integer.toString(count));
    assertThat(row.get("most at once").asText()).isEqualTo("20");
    double share = report.get("shareOfBest").asDouble();
    assertThat(share).isGreaterThan(0).isLessThanOrEqualTo(1);
    double best = 20 * 1000.0 / millis;
    assertThat(report.get("perSecond").asDouble()).isCloseTo(share * best, within(1e-6));
    assertThat(row.get("% of best").asText()).isEqualTo(Figures.number(100 * share));
  }

  @Test
  void workerOverhead() throws Exception {
    JsonNode report = run("worker-overhead", "--messages=500", "--slots=2", "--rounds=3");
    assertThat(report.get("table")).hasSize(2);
    for (String consumer : List.of("worker", "poll() loops")) {
      List<Double> perSecond = doubles(report.get(consumer + "-2"));
      List<Double> bytes = doubles(report.get(consumer + "-2-bytes"));
      assertThat(perSecond).as(consumer).hasSize(3).allMatch(speed -> speed > 0);
      assertThat(bytes).as(consumer).hasSize(3);
      assertThat(cell(report, "messages per second", "consumer", consumer))
          .startsWith(Figures.number(middle(perSecond)));
      assertThat(cell(report, "bytes per message", "consumer", consumer))
          .startsWith(Figures.number(middle(bytes)));
    }
  }

  @Test
  void lease() throws Exception {
    JsonNode report = run("lease", "--lease-millis=300", "--times=4", "--backends=memory");
    assertThat(report.get("table")).hasSize(1);
    JsonNode row = report.get("table").get(0);
    assertThat(row.get("backend").asText()).isEqualTo("memory");
    assertThat(row.get("work s").asText()).isEqualTo(Figures.number(1.2));
    assertThat(row.get("starts").asText()).isEqualTo("1");
    assertThat(row.get("hung: back after s").asDouble()).isGreaterThanOrEqualTo(0.299);
    assertThat(row.get("allowed s (lease + lateness)").asText()).isEqualTo(Figures.number(0.4));
  }

  @Test
  void kafkaShare() throws Exception {
    JsonNode report = run("kafka-share", "--rounds=1", "--messages=500", "--percent=10");
    // Seconds, seconds of the ideal, repeated, lost.
    JsonNode uneven = report.get("uneven-1");
    assertThat(uneven.get(1).asDouble()).isEqualTo(6.0);
    assertThat(uneven.get(0).asDouble()).isGreaterThanOrEqualTo(6.0);
    assertThat(uneven.get(2).asInt()).as("repeated").isZero();
    assertThat(uneven.get(3).asInt()).as("lost").isZero();
    JsonNode slots = report.get("slots-1");
    assertThat(slots.get(1).asDouble()).isEqualTo(3.0);
    assertThat(slots.get(0).asDouble()).isGreaterThanOrEqualTo(3.0);
    assertThat(slots.get(2).asInt()).as("repeated").isZero();
    assertThat(slots.get(3).asInt()).as("lost").isZero();
    // Of bare, one loop and eight slots; zero where not every message was acked.
    assertThat(doubles(report.get("noop-1"))).hasSize(3).allMatch(speed -> speed > 0);
    assertThat(report.get("table")).hasSize(4);
  }

  @Test
  void kafkaKeyed() throws Exception {
    JsonNode report =
        run(
            "kafka-keyed",
            "--small",
            "--scenarios=noop,uneven,churn",
            "--contenders=raw,forebay",
            "--noop-count=2000",
            "--partitions=1",
            "--keys=distinct");
    // Half of them warm up.
    for (String contender : List.of("raw", "forebay")) {
      JsonNode noop = report.get("no-op, 1 partitions, distinct " + contender);
      assertKeyed(noop, 1_000);
    }
    JsonNode uneven = report.get("uneven forebay");
    assertKeyed(uneven, 40);
    assertThat(uneven.get(0).get("seconds").asDouble())
        .as("the longest alone takes so long")
        .isGreaterThanOrEqualTo(0.6);
    assertThat(report.get("table")).hasSize(4);
    String churn = "Zipf(1.0), 30 ms, 64 slots in each of 2, 3, 2 processes";
    assertThat(cell(report, "repeated", "scenario", churn)).isEqualTo("0");
    assertThat(cell(report, "violations", "scenario", churn)).isEqualTo("0");
    assertThat(cell(report, "note", "scenario", churn)).endsWith("lost 0");
    assertThat(cell(report, "messages/s", "scenario", "uneven", "contender", "forebay"))
        .isEqualTo(Figures.number(uneven.get(0).get("perSecond").asDouble()));
  }

  private static void assertKeyed(JsonNode runs, int handled) {
    assertThat(runs).hasSize(1);
    JsonNode figures = runs.get(0);
    assertThat(figures.get("handled").asInt()).isEqualTo(handled);
    assertThat(figures.get("repeated").asInt()).isZero();
    assertThat(figures.get("violations").asInt()).isZero();
    assertThat(figures.get("perSecond").asDouble())
        .isCloseTo(handled / figures.get("seconds").asDouble(), withinPercentage(0.1));
  }

  @Test
  void theIdealIsListScheduling() {
    List<Job> jobs = List.of(new Job(0, 1_000), new Job(1, 100), new Job(2, 100), new Job(3, 950));
    assertThat(IdealSchedule.seconds(jobs, 2)).isEqualTo(1.15);
    assertThat(IdealSchedule.seconds(jobs, 2, job -> job.millis() < 200)).isEqualTo(0.2);
  }

  @Test
  void medians_areInTheMiddle_andStandBeforeTheExtremes() {
    assertThat(Figures.median(List.of(3.0, 1.0, 2.0))).isEqualTo(2);
    assertThat(Figures.median(List.of(4.0, 1.0, 2.0, 3.0))).isEqualTo(2.5);
    assertThat(Figures.median(List.of())).isNaN();
    assertThat(Figures.spread(List.of(300.0, 100.0, 200.0))).isEqualTo("200 (100–300)");
    assertThat(Figures.spread(List.of(7.0))).isEqualTo("7");
    assertThat(Figures.ratio(List.of(2.0, 6.0, 3.0))).isEqualTo(3);
  }

  private JsonNode run(String benchmark, String... options) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(benchmark));
    arguments.addAll(Arrays.asList(options));
    arguments.add("--out=" + out);
    assertThat(Benchmarks.commandLine().execute(arguments.toArray(String[]::new))).isZero();
    JsonNode report = new ObjectMapper().readTree(out.resolve(benchmark + ".json").toFile());
    assertThat(report.get("benchmark").asText()).isEqualTo(benchmark);
    assertThat(report.get("command").asText()).isEqualTo(String.join(" ", arguments));
    assertThat(report.get("java").asText()).isEqualTo(Runtime.version().toString());
    assertThat(report.get("jvm").asText()).isEqualTo(System.getProperty("java.vm.name"));
    assertThat(report.get("heapBytes").asLong()).isEqualTo(Runtime.getRuntime().maxMemory());
    assertThat(report.get("processors").asInt())
        .isEqualTo(Runtime.getRuntime().availableProcessors());
    return report;
  }

  /** What stands in this column of the one row that has these cells. */
  private static String cell(JsonNode report, String column, String... where) {
    List<String> found = new ArrayList<>();
    for (JsonNode row : report.get("table")) {
      boolean here = true;
      for (int i = 0; i < where.length; i += 2) {
        here &= row.get(where[i]).asText().equals(where[i + 1]);
      }
      if (here) {
        found.add(row.get(column).asText());
      }
    }
    assertThat(found).as("rows with %s", Arrays.toString(where)).hasSize(1);
    return found.get(0);
  }

  private static List<String> names(JsonNode object) {
    return object.properties().stream().map(Map.Entry::getKey).toList();
  }

  private static List<Double> doubles(JsonNode array) {
    List<Double> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asDouble()));
    return values;
  }

  private static double middle(List<Double> three) {
    return three.stream().sorted().toList().get(1);
  }
}
