package dev.forebay.queue.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** One contender's scenarios in this JVM; tells its figures. */
@Command(name = "sqs-contender", hidden = true)
final class SqsContenderCommand implements Callable<Integer> {

  @Option(names = "--endpoint", required = true)
  private URI endpoint = URI.create("");

  @Option(names = "--contender", required = true)
  private String contender = "";

  @Option(names = "--scenarios", split = ",", required = true)
  private List<String> scenarios = List.of();

  @Option(names = "--small")
  private boolean small;

  @Override
  public Integer call() throws Exception {
    ChildJvm.answer(
        new ObjectMapper()
            .writeValueAsString(
                run(endpoint, contender, scenarios, small ? SqsSizes.SMALL : SqsSizes.FULL)));
    return 0;
  }

  /** The figures by scenario. */
  static Map<String, Map<String, Double>> run(
      URI endpoint, String contender, List<String> scenarios, SqsSizes sizes) throws Exception {
    Map<String, Map<String, Double>> figures = new LinkedHashMap<>();
    try (SqsTarget target = new SqsTarget(endpoint);
        SqsContender consumer = SqsContenders.create(contender, target)) {
      SqsRun run = new SqsRun(target, consumer, sizes);
      run.warmUp();
      for (String scenario : scenarios) {
        figures.put(scenario, SqsScenario.of(scenario).run(run));
      }
    }
    return figures;
  }
}
