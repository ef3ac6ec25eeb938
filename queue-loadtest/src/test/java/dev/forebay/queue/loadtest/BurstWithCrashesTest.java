package dev.forebay.queue.loadtest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** A small burst with everything that goes wrong. Nothing here depends on how fast it went. */
class BurstWithCrashesTest {

  @Test
  void W2_failuresHangsAndTwoCrashes_loseNothingAndDoNothingTwice() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    int code =
        new CommandLine(new BurstWithCrashes(out))
            .execute(
                "--requests=300",
                "--speedup=100",
                "--workers=16",
                "--failures=5",
                "--hangs=10",
                "--max-run=50",
                "--seed=11");
    String said = bytes.toString(StandardCharsets.UTF_8);
    assertThat(code).as(said).isZero();
    assertThat(said).contains("lost 0, effects 300, done twice 0", "left 0, dead 0");
    // About thirty hang, of which the two that died can have had eight; else nothing was tried.
    assertThat(said).containsPattern("leases lost otherwise [1-9]");
  }
}
