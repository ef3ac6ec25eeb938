package dev.forebay.queue.benchmarks;

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

/** How the in-memory queue scales with its depth: speed and bytes a message. */
@Command(
    name = "memory-scale",
    mixinStandardHelpOptions = true,
    description =
        "Operations per second and bytes a message of the in-memory queue at several depths, each"
            + " in a JVM of its own.")
final class MemoryScale implements Callable<Integer> {

  /**
   * Everything that stands in a queue is copied by each collection of the young generation, which
   * therefore is many times as large: else the collector is measured, not the queue.
   */
  private static final List<String> CHILD_JVM =
      ChildJvm.memory("10g", "-Xmn8g", "-XX:+UseParallelGC");

  @Option(
      names = "--depths",
      split = ",",
      description = "Messages standing in the queue. Default 1000,100000,1000000.")
  private List<Integer> depths = List.of(1_000, 100_000, 1_000_000);

  @Option(
      names = "--kinds",
      split = ",",
      description = "plain, keyed (ten messages a key), delayed; all by default.")
  private List<MemoryKind> kinds = List.of(MemoryKind.values());

  @Option(names = "--rounds", description = "Measured rounds of a second each. Default 7.")
  private int rounds = 7;

  @Option(names = "--small", hidden = true, description = "A small heap, to see that it runs.")
  private boolean small;

  @Option(names = "--out", description = "Directory of memory-scale.json.")
  private Path out = Path.of("target", "benchmarks");

  @Override
  public Integer call() throws IOException {
    Report report =
        new Report(
            "memory-scale",
            List.of(
                "messages",
                "standing",
                "enqueue+poll+ack per second",
                "per second of the thread's processor time",
                "time in collections",
                "bytes a message"));
    Map<String, Object> flatness = new LinkedHashMap<>();
    for (MemoryKind kind : kinds) {
      List<Double> speeds = new ArrayList<>();
      List<Double> byTheClock = new ArrayList<>();
      List<Double> sizes = new ArrayList<>();
      for (int depth : depths) {
        MemoryScaleCommand.Figures figures = measure(kind, depth);
        speeds.add(Figures.median(figures.perCpuSecond()));
        byTheClock.add(Figures.median(figures.perSecond()));
        sizes.add(figures.bytesAMessage());
        report.row(
            kind.label(),
            depth,
            Figures.spread(figures.perSecond()),
            Figures.spread(figures.perCpuSecond()),
            Figures.number(100 * figures.collecting()) + " %",
            figures.bytesAMessage());
        report.put(kind.label() + "-" + depth, figures);
        System.err.println(kind.label() + " " + depth + " " + figures);
      }
      flatness.put(kind.label() + ": fastest / slowest by processor time", Figures.ratio(speeds));
      flatness.put(kind.label() + ": fastest / slowest by the clock", Figures.ratio(byTheClock));
      flatness.put(kind.label() + ": largest / smallest", Figures.ratio(sizes));
    }
    report.put("flatness", flatness);
    report.publish(System.out, out);
    flatness.forEach(
        (what, ratio) -> System.out.println(what + " = " + Figures.number((Double) ratio)));
    return 0;
  }

  private MemoryScaleCommand.Figures measure(MemoryKind kind, int depth) throws IOException {
    List<String> arguments =
        List.of("memory-scale-one", "--kind=" + kind, "--depth=" + depth, "--rounds=" + rounds);
    try (ChildJvm child = ChildJvm.start(small ? ChildJvm.quick() : CHILD_JVM, arguments)) {
      return new ObjectMapper().readValue(child.result(), MemoryScaleCommand.Figures.class);
    }
  }
}
