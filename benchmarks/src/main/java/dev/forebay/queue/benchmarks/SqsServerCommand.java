package dev.forebay.queue.benchmarks;

import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** An ElasticMQ in this JVM until standard input ends; tells its endpoint. */
@Command(name = "sqs-server", hidden = true)
final class SqsServerCommand implements Callable<Integer> {

  @Override
  public Integer call() throws IOException {
    try (EmbeddedSqs server = EmbeddedSqs.start()) {
      ChildJvm.answer(server.endpoint().toString());
      while (System.in.read() >= 0) {
        // Only the end matters.
      }
    }
    return 0;
  }
}
