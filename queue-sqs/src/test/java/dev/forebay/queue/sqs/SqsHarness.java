package dev.forebay.queue.sqs;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.BrokerOutage;
import dev.forebay.queue.testkit.contract.Crash;
import dev.forebay.queue.testkit.contract.Misconfiguration;
import dev.forebay.queue.testkit.contract.QueueSettings;
import dev.forebay.queue.testkit.contract.RawRecords;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Queues of one kind on an SQS server. Each object can be killed as if it had its own process. */
final class SqsHarness implements WorkQueueHarness {

  private final EmbeddedSqs server;
  private final boolean fifo;
  private final Map<String, MortalClient> senders = new ConcurrentHashMap<>();
  private final Map<WorkQueue, MortalClient> clients = new ConcurrentHashMap<>();

  SqsHarness(EmbeddedSqs server, boolean fifo) {
    this.server = server;
    this.fifo = fifo;
  }

  /** On the shared server, which has done all kinds of calls once: the first ones take seconds. */
  static SqsHarness shared(boolean fifo) {
    return new SqsHarness(Warm.SERVER, fifo);
  }

  /** The shared server, warmed up. */
  static EmbeddedSqs server() {
    return Warm.SERVER;
  }

  private static final class Warm {
    static final EmbeddedSqs SERVER = warm(EmbeddedSqs.shared());

    private static EmbeddedSqs warm(EmbeddedSqs server) {
      try (WorkQueue queue =
          SqsWorkQueue.builder(server.client(), server.createQueue("warm-up")).build()) {
        var unused = queue.enqueue(Message.text("warm-up"));
        for (int attempt = 1; attempt <= 2; attempt++) {
          Delivery delivery = queue.poll(Duration.ofSeconds(20)).orElseThrow();
          (attempt == 1 ? delivery.release() : delivery.ack()).join();
        }
      }
      return server;
    }
  }

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    MortalClient client = new MortalClient(server.client());
    SqsWorkQueue.Builder builder =
        SqsWorkQueue.builder(client.client(), create(name))
            .lease(settings.lease())
            .grace(settings.grace());
    WorkQueue queue =
        (settings.deadLetters()
                ? builder.deadLetterQueueUrl(create(name + "-dlq"))
                : builder.withoutDeadLetters())
            .build();
    clients.put(queue, client);
    senders.putIfAbsent(name, client);
    return queue;
  }

  @Override
  public WorkQueue openDeadLetters(String name, QueueSettings settings) {
    return SqsWorkQueue.builder(server.client(), create(name + "-dlq"))
        .lease(settings.lease())
        .grace(settings.grace())
        .build();
  }

  @Override
  public void delete(String name) {
    server.deleteQueue(create(name));
    server.deleteQueue(create(name + "-dlq"));
  }

  /** Creating a queue that exists already gives its URL. */
  private String create(String name) {
    return server
        .client()
        .createQueue(
            request -> {
              request.queueName(fifo ? name + ".fifo" : name);
              if (fifo) {
                request.attributes(Map.of(QueueAttributeName.FIFO_QUEUE, "true"));
              }
            })
        .join()
        .queueUrl();
  }

  @Override
  public Duration shortLease() {
    return Duration.ofSeconds(3);
  }

  @Override
  public Duration longLease() {
    return Duration.ofSeconds(60);
  }

  @Override
  public boolean isClientThread(String threadName) {
    return threadName.startsWith("sdk-")
        || threadName.startsWith("aws-java-sdk-")
        || threadName.startsWith("idle-connection-reaper");
  }

  @Override
  public Optional<Crash> crash() {
    return Optional.of(
        queue -> {
          MortalClient client = clients.get(queue);
          if (client == null) {
            throw new IllegalArgumentException("not a queue of this harness: " + queue.name());
          }
          client.kill();
          queue.close();
        });
  }

  @Override
  public Optional<RawRecords> rawRecords() {
    return Optional.of(
        new RawRecords() {
          @Override
          public void putUndecodable(String name) {
            put(name, "broken", Map.of(SqsWire.METADATA, string("id=%zz&&=")));
          }

          @Override
          public void putForeign(String name, byte[] body) {
            put(name, new String(body, StandardCharsets.UTF_8), Map.of());
          }
        });
  }

  private void put(String name, String body, Map<String, MessageAttributeValue> attributes) {
    server
        .client()
        .sendMessage(
            request -> {
              request.queueUrl(create(name)).messageBody(body).messageAttributes(attributes);
              if (fifo) {
                request
                    .messageGroupId(SqsText.hash(body))
                    .messageDeduplicationId(SqsText.hash(body));
              }
            })
        .join();
  }

  private static MessageAttributeValue string(String value) {
    return MessageAttributeValue.builder().dataType("String").stringValue(value).build();
  }

  @Override
  public Optional<LongSupplier> enqueueRequests(String name) {
    return Optional.of(
        () -> {
          MortalClient client = senders.get(name);
          return client == null ? 0 : client.sends();
        });
  }

  @Override
  public Optional<Supplier<BrokerOutage>> outage() {
    return Optional.of(() -> new SqsOutage(EmbeddedSqs.start(), fifo));
  }

  @Override
  public List<Misconfiguration> misconfigurations() {
    return List.of(
        new Misconfiguration(
            "no such queue",
            ErrorCode.NOT_FOUND,
            "Create it",
            () ->
                SqsWorkQueue.builder(server.client(), server.endpoint() + "/000000000000/none")
                    .build()),
        new Misconfiguration(
            "a lease of half a second",
            ErrorCode.MISCONFIGURED,
            "between PT1S and PT12H",
            () ->
                SqsWorkQueue.builder(server.client(), server.endpoint() + "/000000000000/none")
                    .lease(Duration.ofMillis(500))
                    .build()));
  }
}
