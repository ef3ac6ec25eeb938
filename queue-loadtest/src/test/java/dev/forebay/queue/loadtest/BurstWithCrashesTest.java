package dev.forebay.queue.loadtest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** A small burst with everything that goes wrong. Nothing here depends on how fast it went. */
class BurstWithCrashesTest {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  private int run(String... more) {
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--requests=300",
                "--speedup=100",
                "--workers=16",
                "--failures=5",
                "--hangs=10",
                "--max-run=50",
                "--seed=11"));
    arguments.addAll(List.of(more));
    return new CommandLine(new BurstWithCrashes(out)).execute(arguments.toArray(String[]::new));
  }

  private String said() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void W2_failuresHangsAndTwoCrashes_loseNothingAndDoNothingTwice() {
    assertThat(run()).as(said()).isZero();
    assertThat(said()).contains("lost 0, effects 300, done twice 0", "left 0, dead 0");
    assertThat(said()).contains("Not scaled: all queues: lease 2 s instead of 0.200 s, so that");
    // About thirty hang, of which the two that died can have had eight; else nothing was tried.
    assertThat(said()).containsPattern("leases lost otherwise [1-9]");
    // Each hang that leaves its result behind has it written when another delivery is at work.
    assertThat(said()).containsPattern("too late and refused [1-9]");
    assertThat(said()).containsPattern("carried to their end 3(0[1-9]|[1-9][0-9]),");
  }

  @Test
  void L5_withoutFencing_someAreDoneTwiceAndTheProgramSaysSo() {
    assertThat(run("--no-fencing")).as(said()).isEqualTo(1);
    assertThat(said()).contains("lost 0, effects 300", "refused 0", "NOT CLEAN");
    assertThat(said()).containsPattern("done twice [1-9]");
  }
}
