package dev.forebay.queue.sqs;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.BrokerOutage;
import dev.forebay.queue.testkit.contract.QueueSettings;
import dev.forebay.queue.testkit.server.EmbeddedSqs;

/** A server of its own that goes off the network and comes back. */
final class SqsOutage implements BrokerOutage {

  private final EmbeddedSqs server;
  private final SqsHarness harness;

  SqsOutage(EmbeddedSqs server, boolean fifo) {
    this.server = server;
    this.harness = new SqsHarness(server, fifo);
  }

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    return harness.open(name, settings);
  }

  @Override
  public void stop() {
    server.stop();
  }

  @Override
  public void start() {
    server.restart();
  }

  @Override
  public void close() {
    server.close();
  }
}
