package dev.forebay.queue.kafka;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.BrokerOutage;
import dev.forebay.queue.testkit.contract.QueueSettings;
import dev.forebay.queue.testkit.server.EmbeddedKafka;

/** A broker of its own that is stopped and started on the same data. */
final class KafkaOutage implements BrokerOutage {

  /** Opens a queue on a broker, in one of the modes. */
  interface Opener {
    WorkQueue open(EmbeddedKafka kafka, String name, QueueSettings settings);
  }

  private final EmbeddedKafka kafka = EmbeddedKafka.start(1);
  private final Opener opener;

  KafkaOutage(Opener opener) {
    this.opener = opener;
  }

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    return opener.open(kafka, name, settings);
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
