package dev.forebay.queue.benchmarks;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Forebay beside other ways to work off an SQS queue, on one ElasticMQ. */
@Command(
    name = "sqs-peers",
    mixinStandardHelpOptions = true,
    description =
        "Forebay beside other SQS consumers, on one ElasticMQ in a JVM of its own; each consumer in a"
            + " JVM of its own too.")
final class SqsPeers implements Callable<Integer> {

  private static final List<String> SERVER_JVM = ChildJvm.memory("1g", "-XX:+UseParallelGC");
  private static final List<String> CONTENDER_JVM = ChildJvm.memory("512m", "-XX:+UseSerialGC");
  private static final TypeReference<Map<String, Map<String, Double>>> FIGURES =
      new TypeReference<>() {};

  @Option(
      names = "--contenders",
      split = ",",
      description = "Which ones, separated by commas; all by default.")
  private List<String> contenders = SqsContenders.names();

  @Option(
      names = "--scenarios",
      split = ",",
      description =
          "noop, load, long-jobs, one-long, sparse-slow, stop-busy, stop-idle; all by default.")
  private List<String> scenarios = SqsScenario.labels();

  @Option(
      names = "--runs",
      description = "How often each contender runs, in turns; medians are printed. Default 1.")
  private int runs = 1;

  @Option(
      names = "--warm-up",
      description =
          "How often the first contender runs beforehand without being counted, to warm up the"
              + " server. Default 0.")
  private int warmUp;

  @Option(names = "--small", description = "Tiny sizes, to see that everything runs.")
  private boolean small;

  @Option(names = "--out", description = "Directory of sqs-peers.json. Default target/benchmarks.")
  private Path out = Path.of("target", "benchmarks");

  @Override
  public Integer call() throws IOException {
    Map<String, List<Map<String, Map<String, Double>>>> results = new LinkedHashMap<>();
    contenders.forEach(contender -> results.put(contender, new ArrayList<>()));
    try (ChildJvm server =
        ChildJvm.start(small ? ChildJvm.quick() : SERVER_JVM, List.of("sqs-server"))) {
      String endpoint = server.result();
      for (int run = 0; run < warmUp; run++) {
        System.err.println("not counted: " + measure(endpoint, contenders.get(0)));
      }
      for (int run = 0; run < runs; run++) {
        for (String contender : contenders) {
          Map<String, Map<String, Double>> figures = measure(endpoint, contender);
          System.err.println(contender + " " + figures);
          results.computeIfAbsent(contender, name -> new ArrayList<>()).add(figures);
        }
      }
    }
    publish(results);
    return 0;
  }

  private Map<String, Map<String, Double>> measure(String endpoint, String contender)
      throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "sqs-contender",
                "--endpoint=" + endpoint,
                "--contender=" + contender,
                "--scenarios=" + String.join(",", scenarios)));
    if (small) {
      arguments.add("--small");
    }
    try (ChildJvm child = ChildJvm.start(small ? ChildJvm.quick() : CONTENDER_JVM, arguments)) {
      return new ObjectMapper().readValue(child.result(), FIGURES);
    }
  }

  private void publish(Map<String, List<Map<String, Map<String, Double>>>> results)
      throws IOException {
    List<String> columns = new ArrayList<>(List.of("scenario", "figure"));
    columns.addAll(results.keySet());
    Report report = new Report("sqs-peers", columns);
    report.put("results", results);
    for (String scenario : scenarios) {
      Map<String, Double> shape =
          results.values().iterator().next().get(0).getOrDefault(scenario, Map.of());
      for (String figure : shape.keySet()) {
        List<Object> cells = new ArrayList<>(List.of(scenario, figure));
        for (List<Map<String, Map<String, Double>>> of : results.values()) {
          cells.add(Figures.spread(of.stream().map(run -> figure(run, scenario, figure)).toList()));
        }
        report.row(cells.toArray());
      }
    }
    report.publish(System.out, out);
  }

  private static Double figure(
      Map<String, Map<String, Double>> run, String scenario, String figure) {
    return run.getOrDefault(scenario, Map.of()).getOrDefault(figure, Double.NaN);
  }
}
