package dev.forebay.queue.loadtest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportsTest {
  @TempDir Path directory;

  @Test
  void json_hasExactlyThePromisedFields() throws Exception {
    JsonNode json = json(Runs.clean());

    assertThat(names(json)).containsExactly("trace", "timeouts", "ideal", "queues");
    assertThat(names(json.get("trace"))).containsExactly("source", "requests", "speedup", "seed");
    assertThat(names(json.get("timeouts")))
        .containsExactly(
            "leaseMs", "backoffMs", "backoffCapMs", "maxRunTimeMs", "pollWaitMs", "floors");
    for (JsonNode floor : json.at("/timeouts/floors")) {
      assertThat(names(floor)).containsExactly("queue", "timeout", "wantedMs", "appliedMs", "why");
    }
    assertThat(names(json.get("ideal"))).containsExactly("ageP50Ms", "ageP99Ms", "drainMs");
    assertThat(json.get("queues")).hasSize(3);
    for (JsonNode queue : json.get("queues")) {
      assertThat(names(queue))
          .containsExactly(
              "name",
              "sent",
              "handled",
              "lost",
              "duplicates",
              "ageP50Ms",
              "ageP99Ms",
              "queueToStartP99Ms",
              "handledPerSecond",
              "slotUse",
              "leaseExtensions",
              "wastedSeconds",
              "requestsPerMessage");
    }
  }

  @Test
  void json_hasTheFiguresOfTheRun() throws Exception {
    Comparison run = Runs.clean();
    JsonNode json = json(run);

    assertThat(json.at("/trace/source").asText()).isEqualTo("generated code-like traffic, seed 42");
    assertThat(json.at("/trace/requests").asInt()).isEqualTo(1_000);
    assertThat(json.at("/trace/speedup").asDouble()).isEqualTo(10);
    assertThat(json.at("/trace/seed").asLong()).isEqualTo(42);
    assertThat(json.at("/ideal/ageP99Ms").asDouble())
        .isEqualTo(Math.round(run.ideal().ageMillis(99).orElseThrow() * 1e3) / 1e3);
    JsonNode sqs = json.get("queues").get(1);
    assertThat(sqs.get("name").asText()).isEqualTo("sqs");
    assertThat(sqs.get("sent").asInt()).isEqualTo(1_000);
    assertThat(sqs.get("handled").asInt()).isEqualTo(1_000);
    assertThat(sqs.get("lost").asInt()).isZero();
    assertThat(sqs.get("queueToStartP99Ms").asDouble()).isEqualTo(321.5);
    assertThat(sqs.get("leaseExtensions").asInt()).isEqualTo(17);
    assertThat(sqs.get("wastedSeconds").asDouble()).isEqualTo(1.5);
    assertThat(sqs.get("requestsPerMessage").asDouble()).isEqualTo(1.234);
    assertThat(sqs.get("slotUse").asDouble()).isBetween(0.1, 1.0);
  }

  /** 25 s of the trace at ×10, on queues that count whole seconds. */
  @Test
  void reports_sayWhichTimeOutsCouldNotBeScaled() throws Exception {
    JsonNode timeOuts = json(Runs.clean()).get("timeouts");

    assertThat(timeOuts.get("leaseMs").asDouble()).isEqualTo(3_000);
    assertThat(timeOuts.get("backoffMs").asDouble()).isEqualTo(100);
    assertThat(timeOuts.get("backoffCapMs").asDouble()).isEqualTo(2_500);
    assertThat(timeOuts.get("maxRunTimeMs").asDouble()).isEqualTo(360_000);
    assertThat(timeOuts.get("pollWaitMs").asDouble()).isEqualTo(2_000);
    assertThat(timeOuts.get("floors"))
        .extracting(
            floor -> floor.get("queue").asText(),
            floor -> floor.get("timeout").asText(),
            floor -> floor.get("wantedMs").asDouble(),
            floor -> floor.get("appliedMs").asDouble())
        .containsExactly(
            tuple("all queues", "lease", 2_500.0, 3_000.0),
            tuple("sqs", "backoff", 100.0, 1_000.0));
    assertThat(html(Runs.clean()))
        .contains("Lease 3 s: 25 s of the trace")
        .contains("<h3>Longer than the speed-up asks for</h3>")
        .contains("all queues: lease 3 s instead of 2.500 s, since SQS counts whole seconds.")
        .contains("sqs: backoff 1 s instead of 0.100 s, since it has &lt;s&gt; only.");
  }

  @Test
  void json_saysNullWhereThereIsNoFigure() throws Exception {
    JsonNode dead = json(Runs.dead()).get("queues").get(0);

    assertThat(dead.get("ageP50Ms").isNull()).isTrue();
    assertThat(dead.get("ageP99Ms").isNull()).isTrue();
    assertThat(dead.get("queueToStartP99Ms").isNull()).isTrue();
    assertThat(dead.get("requestsPerMessage").isNull()).isTrue();
    assertThat(dead.get("lost").asInt()).isEqualTo(10);
    JsonNode clean = json(Runs.clean()).get("queues");
    assertThat(clean.get(0).get("requestsPerMessage").isNull()).isTrue();
    assertThat(clean.get(2).get("requestsPerMessage").isNull()).isTrue();
  }

  @Test
  void html_isOneFileThatAsksForNothing() throws Exception {
    String html = html(Runs.clean());

    assertThat(html).startsWith("<!DOCTYPE html>").endsWith("</html>\n");
    assertThat(html).doesNotContain("http:", "https:", "<script", "@import", "url(", "src=");
    assertThat(html).containsOnlyOnce("<table>");
    assertThat(html)
        .contains("Nothing lost, nothing handled twice")
        .contains("never show the latency of AWS")
        .contains("sqs: 1.23 requests a message, $0.49 a million messages.")
        .contains("Computed, not billed");
    // Arrivals, and age, backlog and in flight for each queue.
    assertThat(html.split("<svg", -1)).hasSize(1 + 1 + 3 * 3);
  }

  @Test
  void html_neverTakesANameForMarkup() throws Exception {
    assertThat(html(Runs.broken()))
        .doesNotContain("<script>")
        .contains("&lt;script&gt;alert(1)&lt;/script&gt;.csv")
        .contains("<td class=\"bad\">1</td>");
  }

  @Test
  void html_ofARunThatHandledNothing_isStillAPage() throws Exception {
    assertThat(html(Runs.dead())).contains("started nothing").doesNotContain("NaN", "Infinity");
  }

  @Test
  void table_hasAColumnPerQueueAndEqualWidths() {
    List<String> lines = Reports.table(Runs.clean()).lines().toList();

    assertThat(lines.get(0).strip().split(" +")).containsExactly("ideal", "memory", "sqs", "kafka");
    assertThat(lines).extracting(String::length).containsOnly(lines.get(0).length());
    assertThat(lines).anySatisfy(line -> assertThat(line).matches("sent +– +1,000 +1,000 +1,000"));
    assertThat(lines).anySatisfy(line -> assertThat(line).matches("lost +0 +0 +0 +0"));
    assertThat(lines)
        .anySatisfy(line -> assertThat(line).matches("requests a message +– +– +1.23 +–"));
  }

  @Test
  void verdict_namesTheQueueThatBrokeItsPromise() {
    assertThat(Reports.verdict(Runs.broken())).isEqualTo("memory: 1 lost, 1 handled twice");
    assertThat(Reports.verdict(Runs.clean())).isEqualTo("Nothing lost, nothing handled twice");
    assertThat(Runs.broken().anyLost()).isTrue();
    assertThat(Runs.clean().anyLost()).isFalse();
  }

  @Test
  void subject_saysWhatWasReplayedOnWhat() {
    assertThat(Reports.subject(Runs.clean()))
        .matches(
            "1,000 requests of generated code-like traffic, seed 42, [0-9]+ min [0-9]+ s replayed at ×10;"
                + " 12 slots on each queue \\(6 fast, 6 slow\\); 15 fail once, seed 42");
  }

  @Test
  void axis_hasRoundLabels() {
    assertThat(Axis.upTo(7.3, 4).toLabel().labels()).containsExactly(0.0, 2.0, 4.0, 6.0, 8.0);
    assertThat(Axis.upTo(0.3, 3).labels()).hasSize(4);
    assertThat(Axis.upTo(0, 4).labels()).startsWith(0.0).hasSizeGreaterThan(1);
    assertThat(Axis.upTo(360, 6).labels()).containsExactly(0.0, 100.0, 200.0, 300.0);
    assertThat(Format.axis(0.1 + 0.2)).isEqualTo("0.3");
    assertThat(Format.axis(12_000)).isEqualTo("12,000");
  }

  @Test
  void figures_areWrittenForPeople() {
    assertThat(Format.time(Duration.ofMillis(41_600))).isEqualTo("42 s");
    assertThat(Format.time(Duration.ofSeconds(600))).isEqualTo("10 min");
    assertThat(Format.time(Duration.ofSeconds(3_424))).isEqualTo("57 min 4 s");
    assertThat(Format.millis(0.0)).isEqualTo("0 ms");
    assertThat(Format.millis(9.96)).isEqualTo("10.0 ms");
    assertThat(Format.millis(999.4)).isEqualTo("999 ms");
    assertThat(Format.millis(999.5)).isEqualTo("1.00 s");
    assertThat(Format.millis(1_234.4)).isEqualTo("1.23 s");
    assertThat(Format.millis(12_345.6)).isEqualTo("12.3 s");
    assertThat(Format.percent(0.9996)).isEqualTo("100.0 %");
  }

  private JsonNode json(Comparison run) throws Exception {
    Reports.write(run, directory.resolve("new"));
    return new ObjectMapper().readTree(directory.resolve("new").resolve(Reports.JSON).toFile());
  }

  private String html(Comparison run) throws Exception {
    Reports.write(run, directory);
    return Files.readString(directory.resolve(Reports.HTML));
  }

  private static List<String> names(JsonNode object) {
    return object.properties().stream().map(Map.Entry::getKey).toList();
  }
}
