package dev.forebay.queue.kafka;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.BrokerOutage;
import dev.forebay.queue.testkit.contract.QueueSettings;
import dev.forebay.queue.testkit.server.EmbeddedKafka;

/** A broker of its own that is stopped and started on the same data. */
final class KafkaOutage implements BrokerOutage {

  private final EmbeddedKafka kafka = EmbeddedKafka.start(1);

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    return KafkaShareHarness.open(kafka, name, settings);
  }

  @Override
  public void stop() {
    kafka.stopNode(0);
  }

  @Override
  public void start() {
    kafka.startNode(0);
  }

  @Override
  public void close() {
    kafka.close();
  }
}
