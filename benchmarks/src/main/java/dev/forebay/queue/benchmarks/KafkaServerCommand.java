package dev.forebay.queue.benchmarks;

import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * One Kafka broker in this JVM, until standard input ends. It notices a dead member of a group
 * after ten seconds, like classic consumers told so.
 */
@Command(name = "kafka-server", hidden = true)
final class KafkaServerCommand implements Callable<Integer> {

  @Override
  public Integer call() throws IOException {
    try (EmbeddedKafka kafka =
        EmbeddedKafka.builder()
            .property("group.consumer.min.session.timeout.ms", "6000")
            .property("group.consumer.session.timeout.ms", "10000")
            .property("group.consumer.heartbeat.interval.ms", "1000")
            .start()) {
      ChildJvm.answer(kafka.bootstrapServers());
      while (System.in.read() >= 0) {
        // Only the end matters.
      }
    }
    return 0;
  }
}
