package dev.forebay.queue.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each benchmark runs end to end at tiny sizes and says what has to be true at any size. */
class BenchmarksSmokeTest {

  @TempDir private Path out;

  @Test
  void sqsPeers() throws Exception {
    JsonNode report =
        run(
            "sqs-peers",
            "sqs-peers",
            "--small",
            "--contenders=forebay",
            "--scenarios=noop,load,one-long,stop-busy");
    JsonNode figures = report.at("/results/forebay/0");
    assertThat(figures.at("/noop/messagesPerSecond").asDouble()).isPositive();
    assertThat(figures.at("/noop/cpuMicrosPerMessage").asDouble()).isPositive();
    assertThat(figures.at("/load/requestsPerMessage").asDouble()).isBetween(0.2, 3.0);
    assertThat(figures.at("/one-long/timesIdeal").asDouble()).isGreaterThan(0.99);
    assertThat(figures.at("/stop-busy/lost").asDouble()).isZero();
    assertThat(figures.at("/stop-busy/stranded").asDouble()).isZero();
    assertThat(figures.at("/stop-busy/finishedYetRedelivered").asDouble()).isZero();
  }

  @Test
  void memoryScale() throws Exception {
    JsonNode report =
        run("memory-scale", "memory-scale", "--depths=200", "--rounds=1", "--kinds=KEYED");
    assertThat(report.at("/keyed-200/perSecond/0").asDouble()).isPositive();
    assertThat(report.at("/keyed-200/bytesAMessage").asDouble()).isGreaterThan(100);
  }

  @Test
  void concurrency() throws Exception {
    JsonNode report = run("concurrency", "concurrency", "--slots=20", "--millis=50", "--waves=2");
    assertThat(report.at("/shareOfBest").asDouble()).isBetween(0.0, 1.01);
    assertThat(report.at("/table/0/most at once").asText()).isEqualTo("20");
  }

  @Test
  void concurrencyOnKeyedKafka() throws Exception {
    JsonNode report =
        run(
            "concurrency",
            "concurrency",
            "--backend=kafka-keyed",
            "--slots=20",
            "--millis=200",
            "--waves=2");
    assertThat(report.at("/shareOfBest").asDouble()).isBetween(0.0, 1.01);
    assertThat(report.at("/table/0/most at once").asText()).isEqualTo("20");
  }

  @Test
  void workerOverhead() throws Exception {
    JsonNode report =
        run("worker-overhead", "worker-overhead", "--messages=500", "--slots=2", "--rounds=1");
    assertThat(report.at("/worker-2/0").asDouble()).isPositive();
  }

  @Test
  void lease() throws Exception {
    JsonNode report = run("lease", "lease", "--lease-millis=300", "--times=4", "--backends=memory");
    assertThat(report.at("/table/0/starts").asText()).isEqualTo("1");
    assertThat(report.at("/table/0/hung: back after s").asDouble()).isGreaterThanOrEqualTo(0.299);
  }

  @Test
  void kafkaShare() throws Exception {
    JsonNode report =
        run("kafka-share", "kafka-share", "--rounds=1", "--messages=500", "--percent=10");
    assertThat(report.at("/uneven-1/0").asDouble()).isGreaterThanOrEqualTo(6.0);
    assertThat(report.at("/uneven-1/3").asInt()).isZero();
    assertThat(report.at("/slots-1/3").asInt()).isZero();
    assertThat(report.at("/noop-1/2").asDouble()).isPositive();
  }

  @Test
  void theIdealIsListScheduling() {
    List<Job> jobs = List.of(new Job(0, 1_000), new Job(1, 100), new Job(2, 100), new Job(3, 950));
    assertThat(IdealSchedule.seconds(jobs, 2)).isEqualTo(1.15);
    assertThat(IdealSchedule.seconds(jobs, 2, job -> job.millis() < 200)).isEqualTo(0.2);
  }

  private JsonNode run(String file, String... arguments) throws Exception {
    String[] all = Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = "--out=" + out;
    assertThat(Benchmarks.commandLine().execute(all)).isZero();
    return new ObjectMapper().readTree(out.resolve(file + ".json").toFile());
  }
}
