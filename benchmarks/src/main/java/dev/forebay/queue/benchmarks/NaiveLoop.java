package dev.forebay.queue.benchmarks;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** The loop of the first tutorial, once per slot: receive one, handle it, delete it. */
final class NaiveLoop implements SqsContender {

  private static final Logger LOG = LoggerFactory.getLogger(NaiveLoop.class);
  private static final long STOP_SECONDS = 60;

  private final SqsClient client;

  NaiveLoop(SqsTarget target) {
    client = target.syncClient();
  }

  @Override
  public void send(String queueUrl, List<String> bodies) {
    for (String body : bodies) {
      client.sendMessage(request -> request.queueUrl(queueUrl).messageBody(body));
    }
  }

  @Override
  public Consumer start(Consumption consumption) {
    ExecutorService threads = Executors.newFixedThreadPool(consumption.slots());
    AtomicBoolean stopping = new AtomicBoolean();
    for (int slot = 0; slot < consumption.slots(); slot++) {
      threads.execute(() -> loop(consumption, stopping));
    }
    return () -> {
      stopping.set(true);
      threads.shutdown();
      threads.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
    };
  }

  private void loop(Consumption consumption, AtomicBoolean stopping) {
    while (!stopping.get()) {
      List<Message> received =
          client
              .receiveMessage(
                  request ->
                      request
                          .queueUrl(consumption.queueUrl())
                          .maxNumberOfMessages(1)
                          .waitTimeSeconds((int) consumption.longPoll().toSeconds()))
              .messages();
      for (Message message : received) {
        try {
          consumption.handler().handle(message.body());
          client.deleteMessage(
              request ->
                  request.queueUrl(consumption.queueUrl()).receiptHandle(message.receiptHandle()));
        } catch (SqsException e) {
          LOG.debug("Too late to delete", e);
        } catch (Exception e) {
          LOG.warn("A handler failed", e);
        }
      }
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
