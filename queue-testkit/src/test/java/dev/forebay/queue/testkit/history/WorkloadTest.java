package dev.forebay.queue.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.testkit.broken.BrokenQueue;
import dev.forebay.queue.testkit.contract.BrokenHarness;
import dev.forebay.queue.testkit.contract.MemoryHarness;
import dev.forebay.queue.testkit.fault.QueueFault;
import dev.forebay.queue.testkit.history.Event.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Random runs on the in-memory queue; many more of them with -Psoak. */
class WorkloadTest {

  private static final int SEEDS = Boolean.getBoolean("forebay.soak") ? 2_500 : 60;

  private static Workload memory(long seed) {
    return Workload.on(MemoryHarness.manual()).seed(seed);
  }

  @Test
  @Timeout(900)
  void memory_manySeeds_areGood() {
    for (long seed = 0; seed < SEEDS; seed++) {
      memory(seed).keyPolicy(KeyPolicy.values()[(int) (seed % 2)]).run().assertGood();
    }
  }

  @Test
  @Timeout(900)
  void memory_manySeeds_withFaults_areGood() {
    for (long seed = 0; seed < SEEDS; seed++) {
      memory(seed).faults(true).keyPolicy(KeyPolicy.values()[(int) (seed % 2)]).run().assertGood();
    }
  }

  @Test
  void memory_realThreads_areGood() {
    for (boolean faults : List.of(false, true)) {
      Workload.Run run =
          Workload.on(MemoryHarness.real())
              .seed(7)
              .messages(300)
              .processes(3)
              .threads(3)
              .keys(20)
              .faults(faults)
              .run();
      run.assertGood();
      assertThat(run.verdict().messages()).isGreaterThan(200);
    }
  }

  /** What a run must have done to have shown anything. */
  @Test
  void runs_doEverything() {
    Set<String> done =
        memory(3).messages(2_000).run().history().events().stream()
            .map(event -> event.kind() + " " + event.result())
            .collect(Collectors.toSet());
    assertThat(done)
        .contains(
            "ENQUEUE OK",
            "ENQUEUE DUPLICATE",
            "ENQUEUE FAILED",
            "ACK OK",
            "ACK STALE",
            "RELEASE OK",
            "RELEASE STALE",
            "RETURN OK",
            "EXTEND OK",
            "EXTEND STALE",
            "DEAD OK",
            "LOST OK",
            "CLOSE OK",
            "CRASH OK",
            "FOUND OK",
            "POLL OK",
            "POLL FAILED");
    Workload.Run faulty = memory(3).messages(2_000).faults(true).run();
    for (QueueFault fault :
        List.of(QueueFault.LOST_REQUEST, QueueFault.LOST_REPLY, QueueFault.THROTTLE)) {
      assertThat(faulty.faults().get(fault)).as(fault.name()).isGreaterThan(20);
    }
  }

  @Test
  void sameSeed_sameHistory() {
    assertThat(outline(memory(5).restarts(false).faults(true).run().history()))
        .isEqualTo(outline(memory(5).restarts(false).faults(true).run().history()))
        .isNotEqualTo(outline(memory(6).restarts(false).faults(true).run().history()));
  }

  /** Ids are new in every run; everything else is not. */
  private static List<String> outline(History history) {
    Map<String, Integer> ids = new HashMap<>();
    return history.events().stream()
        .map(
            event ->
                event.kind()
                    + " "
                    + event.result()
                    + " "
                    + event.process()
                    + " "
                    + (event.id() == null ? 0 : ids.computeIfAbsent(event.id(), id -> ids.size()))
                    + " "
                    + (event.invoked() - history.origin())
                    + " "
                    + event.amount()
                    + " "
                    + event.told().content())
        .toList();
  }

  @Test
  void violation_saysHowToSeeItAgain() throws IOException {
    Workload.Run run =
        Workload.on(new BrokenHarness(BrokenQueue.FENCES_WITH_A_CONSTANT)).seed(11).run();
    assertThatThrownBy(run::assertGood)
        .isInstanceOf(AssertionError.class)
        .hasMessageContainingAll("Seed 11", "-Dforebay.history.seed=11", "L5 (I8)", "DELIVER");
    History written = History.read(Path.of("target", "history", "seed-11.history"));
    assertThat(written).isEqualTo(run.history());
    assertThat(written.events()).anyMatch(event -> event.kind() == Kind.DELIVER);
  }
}
