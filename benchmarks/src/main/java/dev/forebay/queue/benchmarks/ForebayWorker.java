package dev.forebay.queue.benchmarks;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.sqs.SqsWorkQueue;
import dev.forebay.queue.worker.Worker;
import java.util.List;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/** A Forebay worker on a Forebay SQS queue, with no more changed than slots and lease. */
final class ForebayWorker implements SqsContender {

  private final SqsAsyncClient client;

  ForebayWorker(SqsAsyncClient client) {
    this.client = client;
  }

  @Override
  public void send(String queueUrl, List<String> bodies) {
    try (WorkQueue queue = SqsWorkQueue.builder(client, queueUrl).build()) {
      List<EnqueueOutcome> outcomes =
          queue.enqueueAll(bodies.stream().map(Message::text).toList()).join();
      for (EnqueueOutcome outcome : outcomes) {
        if (!(outcome instanceof EnqueueOutcome.Enqueued)) {
          throw new IllegalStateException("Not enqueued: " + outcome);
        }
      }
    }
  }

  @Override
  public Consumer start(Consumption consumption) {
    SqsWorkQueue queue =
        SqsWorkQueue.builder(client, consumption.queueUrl())
            .lease(consumption.visibility())
            .build();
    Worker worker =
        Worker.builder(queue)
            .slots(consumption.slots())
            .handler((delivery, context) -> consumption.handler().handle(delivery.message().text()))
            .start();
    return () -> {
      worker.close();
      queue.close();
    };
  }

  @Override
  public void close() {
    client.close();
  }
}
