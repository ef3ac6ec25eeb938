package dev.forebay.queue.examples.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.testkit.server.RedisServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Runs the examples as their reader would, on a real Redis. */
class RedisExamplesTest {

  @Test
  void redisDedupRunsARequestOnceInAFleet() throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      RedisDedup.main(new String[] {RedisServer.shared().uri().toString()});
    } finally {
      System.setOut(before);
    }
    assertThat(bytes.toString(StandardCharsets.UTF_8))
        .containsSubsequence(
            "first worker: answer to why is the sky blue?",
            "second worker: again, answer to why is the sky blue?",
            "the model ran 1 time");
  }
}
