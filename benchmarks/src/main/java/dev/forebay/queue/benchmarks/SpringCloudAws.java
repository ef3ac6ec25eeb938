package dev.forebay.queue.benchmarks;

import io.awspring.cloud.sqs.listener.SqsMessageListenerContainer;
import io.awspring.cloud.sqs.operations.SqsTemplate;
import java.time.Duration;
import java.util.List;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/** Spring Cloud AWS: its listener container, with no more changed than slots and poll size. */
final class SpringCloudAws implements SqsContender {

  /** Spring's own default. */
  private static final Duration POLL = Duration.ofSeconds(10);

  private final SqsAsyncClient client;
  private final SqsTemplate template;
  private final int mostAPoll;

  /**
   * @param mostAPoll messages that one poll asks for at most
   */
  SpringCloudAws(SqsTarget target, int mostAPoll) {
    client = target.asyncClient();
    template = SqsTemplate.newTemplate(client);
    this.mostAPoll = mostAPoll;
  }

  @Override
  public void send(String queueUrl, List<String> bodies) {
    for (String body : bodies) {
      template.send(options -> options.queue(queueUrl).payload(body));
    }
  }

  @Override
  public Consumer start(Consumption consumption) {
    Duration poll = consumption.longPoll().compareTo(POLL) < 0 ? consumption.longPoll() : POLL;
    SqsMessageListenerContainer<Object> container =
        SqsMessageListenerContainer.builder()
            .sqsAsyncClient(client)
            .queueNames(consumption.queueUrl())
            .configure(
                options ->
                    options
                        .maxConcurrentMessages(consumption.slots())
                        .maxMessagesPerPoll(Math.min(mostAPoll, consumption.slots()))
                        .pollTimeout(poll))
            .messageListener(message -> handle(consumption, message.getPayload()))
            .build();
    container.start();
    return container::stop;
  }

  private static void handle(Consumption consumption, Object payload) {
    try {
      consumption.handler().handle((String) payload);
    } catch (Exception e) {
      throw new IllegalStateException("A handler failed", e);
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
