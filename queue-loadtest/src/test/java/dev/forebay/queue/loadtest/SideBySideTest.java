package dev.forebay.queue.loadtest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the program as its users do, on small traces. */
class SideBySideTest {
  @TempDir Path directory;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void memory_losesNothing_andStaysCloseToTheIdeal() throws Exception {
    assertThat(run("--queues=memory", "--requests=300", "--speedup=60", "--seed=4"))
        .as(err.toString(StandardCharsets.UTF_8))
        .isEqualTo(SideBySide.OK);

    JsonNode json = report();
    assertThat(json.at("/trace/source").asText()).isEqualTo("generated code-like traffic, seed 4");
    assertThat(json.at("/trace/requests").asInt()).isEqualTo(300);
    assertThat(json.at("/trace/speedup").asDouble()).isEqualTo(60);
    assertThat(json.get("queues")).hasSize(1);
    JsonNode memory = json.get("queues").get(0);
    assertKeepsItsPromise(memory, "memory", 300);
    assertThat(memory.get("requestsPerMessage").isNull()).isTrue();
    // Far apart on an idle machine: the queue's own cost is below a millisecond.
    assertThat(memory.get("ageP99Ms").asDouble())
        .isBetween(
            json.at("/ideal/ageP99Ms").asDouble() * 0.5,
            json.at("/ideal/ageP99Ms").asDouble() * 2 + 500);
    assertThat(text(out))
        .contains("300 requests of generated code-like traffic, seed 4")
        .contains("memory 300 of 300 handled, 0 waiting, 0 in flight")
        .contains("Nothing lost, nothing handled twice.")
        .contains("report.html");
    assertThat(Files.readString(directory.resolve("report.html"))).contains("<svg");
    assertThat(text(err)).isEmpty();
    // 30 s and 20 s of the trace would be 0.5 s and 0.333 s.
    assertThat(floors(json))
        .containsExactly(
            "all queues lease 500 2000", "all queues poll wait 333 1000", "memory lateness 2 100");
    assertThat(json.at("/timeouts/backoffMs").asDouble()).isEqualTo(16.667);
  }

  private static List<String> floors(JsonNode json) {
    List<String> floors = new ArrayList<>();
    for (JsonNode floor : json.at("/timeouts/floors")) {
      floors.add(
          String.format(
              "%s %s %.0f %.0f",
              floor.get("queue").asText(),
              floor.get("timeout").asText(),
              floor.get("wantedMs").asDouble(),
              floor.get("appliedMs").asDouble()));
    }
    return floors;
  }

  @Test
  void allThreeQueues_loseNothing_onATraceFromAFile() throws Exception {
    Path trace = directory.resolve("burst.csv");
    List<String> rows = new ArrayList<>(List.of("t_ms,input_tokens,output_tokens"));
    for (int i = 0; i < 120; i++) {
      // Two bursts with a pause of 20 s between them; every twentieth request is a long one.
      rows.add((i < 60 ? 0 : 20_000) + i * 40 + ",900," + (i % 20 == 0 ? 900 : 20));
    }
    Files.write(trace, rows);

    assertThat(run("--trace=" + trace, "--speedup=10", "--workers=8", "--failures=5"))
        .as(text(err))
        .isEqualTo(SideBySide.OK);

    JsonNode json = report();
    assertThat(json.at("/trace/source").asText()).isEqualTo("burst.csv");
    List<String> names = List.of("memory", "sqs", "kafka");
    for (int i = 0; i < names.size(); i++) {
      JsonNode queue = json.get("queues").get(i);
      assertKeepsItsPromise(queue, names.get(i), 120);
      // The long ones take 2.9 s and 9.6 s under a lease of 3 s.
      assertThat(queue.get("leaseExtensions").asInt()).isPositive();
      assertThat(queue.get("slotUse").asDouble()).isBetween(0.3, 1.0);
    }
    // At this speed the lease of 3 s and the poll wait of 2 s are what they should be.
    assertThat(floors(json))
        .containsExactly(
            "memory lateness 10 100",
            "sqs backoff 100 1000",
            "sqs lateness 300 3000",
            "kafka lateness 100 1000");
    assertThat(json.get("queues").get(1).get("requestsPerMessage").asDouble()).isBetween(0.3, 4.0);
    assertThat(json.get("queues").get(2).get("requestsPerMessage").isNull()).isTrue();
  }

  @Test
  void poissonControl_saysSo() throws Exception {
    assertThat(run("--queues=memory", "--requests=50", "--speedup=100", "--poisson", "--workers=1"))
        .isEqualTo(SideBySide.OK);

    assertThat(report().at("/trace/source").asText()).endsWith(", Poisson control");
  }

  @Test
  void badTrace_isOneLineWithItsRow_andExitCode2() throws Exception {
    Path trace = directory.resolve("bad.csv");
    Files.writeString(trace, "t_ms,input_tokens,output_tokens\n1,2,3\n4,five,6\n");

    assertThat(run("--trace=" + trace)).isEqualTo(SideBySide.BAD_INPUT);
    assertThat(text(err).lines().toList())
        .containsExactly(
            "side-by-side: "
                + trace
                + ", row 3: input_tokens is not a whole number from 0 to 10000000: '4,five,6'");
    assertThat(text(out)).isEmpty();
  }

  @Test
  void badOption_isOneLine_andExitCode2() throws Exception {
    assertThat(run("--queues=rabbit")).isEqualTo(SideBySide.BAD_INPUT);
    assertThat(run("--workers=none")).isEqualTo(SideBySide.BAD_INPUT);
    assertThat(run("--wrkers=1")).isEqualTo(SideBySide.BAD_INPUT);
    Path file = Files.writeString(directory.resolve("file"), "");
    assertThat(run("--out=" + file)).isEqualTo(SideBySide.BAD_INPUT);

    assertThat(text(err).lines().toList())
        .hasSize(4)
        .allMatch(line -> line.startsWith("side-by-side: "))
        .element(3)
        .asString()
        .contains("cannot write to the directory");
  }

  @Test
  void help_listsTheOptions() throws Exception {
    assertThat(run("--help")).isEqualTo(SideBySide.OK);
    assertThat(text(out))
        .contains(
            "--trace",
            "--speedup",
            "--queues",
            "--workers",
            "--seed",
            "--out",
            "--requests",
            "--help",
            "Exit code");
  }

  private static void assertKeepsItsPromise(JsonNode queue, String name, int requests) {
    assertThat(queue.get("name").asText()).isEqualTo(name);
    assertThat(queue.get("sent").asInt()).as(name).isEqualTo(requests);
    assertThat(queue.get("handled").asInt()).as(name).isEqualTo(requests);
    assertThat(queue.get("lost").asInt()).as(name).isZero();
    assertThat(queue.get("duplicates").asInt()).as(name).isZero();
    assertThat(queue.get("wastedSeconds").asDouble()).as(name).isZero();
  }

  private int run(String... args) throws InterruptedException {
    List<String> all = new ArrayList<>(List.of(args));
    if (all.stream().noneMatch(arg -> arg.startsWith("--out="))) {
      all.add("--out=" + directory);
    }
    return new SideBySide(print(out), print(err), false).run(all.toArray(String[]::new));
  }

  private JsonNode report() throws Exception {
    return new ObjectMapper().readTree(directory.resolve("report.json").toFile());
  }

  private static PrintStream print(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }

  private static String text(ByteArrayOutputStream bytes) {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
