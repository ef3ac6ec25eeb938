package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.testkit.fault.SqsFaults;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import dev.forebay.queue.worker.Worker;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/**
 * Bodies, header values and credentials show up in no log line of the library at TRACE, in no text
 * it makes of a failure, and in no {@code toString}, however a message fares.
 */
class SqsSecrecyTest {

  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String ACCESS_KEY = "AKIACANARYACCESSKEY0";
  private static final String SECRET_KEY = "canary-secret-key/9f86d081884c7d65";
  private static final String BODY = "canary-body-2c26b46b68ffc68f";
  private static final String HEADER = "canary-header-fcde2b2edba56bf4";
  private static final List<String> CANARIES = List.of(ACCESS_KEY, SECRET_KEY, BODY, HEADER);

  private final EmbeddedSqs server = SqsHarness.server();
  private final List<String> texts = new CopyOnWriteArrayList<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger("dev.forebay");
  private final Level level = logger.getLevel();
  private final AppenderBase<ILoggingEvent> listener =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          texts.add(event.getFormattedMessage());
          IThrowableProxy thrown = event.getThrowableProxy();
          if (thrown != null) {
            texts.add(ThrowableProxyUtil.asString(thrown));
          }
        }
      };

  @BeforeEach
  void listen() {
    listener.start();
    logger.setLevel(Level.TRACE);
    logger.addAppender(listener);
  }

  @AfterEach
  void stopListening() {
    logger.detachAppender(listener);
    logger.setLevel(level);
  }

  private SqsAsyncClient client(URI endpoint, ExecutionInterceptor... interceptors) {
    return SqsAsyncClient.builder()
        .endpointOverride(endpoint)
        .region(server.region())
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create(ACCESS_KEY, SECRET_KEY)))
        .overrideConfiguration(
            config -> List.of(interceptors).forEach(config::addExecutionInterceptor))
        .build();
  }

  private static Message message() {
    return Message.text(BODY).header("token", HEADER).type("canary").key("key");
  }

  /** Notes everything that somebody might log of a failure. */
  private void note(Throwable failure) {
    for (Throwable each = failure; each != null; each = each.getCause()) {
      texts.add(each.toString());
    }
  }

  private void note(EnqueueOutcome outcome) {
    texts.add(outcome.toString());
    if (outcome instanceof EnqueueOutcome.Failed failed) {
      texts.add(failed.message());
      note(failed.cause());
      try {
        outcome.orThrow();
      } catch (QueueException e) {
        note(e);
      }
    }
  }

  private void assertNoCanary() {
    assertThat(texts)
        .allSatisfy(text -> assertThat(Objects.toString(text)).doesNotContain(CANARIES));
  }

  @Test
  void aMessageThatFares_badly() {
    SqsFaults faults =
        SqsFaults.seed(1)
            .lostReplies(1)
            .lostRequests(0.2)
            .throttles(0.2)
            .failedEntries(0.2)
            .build();
    faults.enable(false);
    String letters = server.createQueue("secret-letters");
    String url = server.createQueue("secret", server.redriveTo(letters, 10));
    try (SqsAsyncClient client = client(server.endpoint(), faults);
        SqsWorkQueue queue =
            SqsWorkQueue.builder(client, url)
                .lease(Duration.ofSeconds(2))
                .grace(Duration.ofSeconds(3))
                .build()) {
      note(queue.enqueue(message()).join());
      Delivery late = queue.poll(SOON).orElseThrow();
      texts.add(late.toString());
      texts.add(late.message().toString());
      await().atMost(SOON).until(late::isLost);
      assertThat(late.ack().join()).isEqualTo(Settlement.STALE);
      Delivery again = queue.poll(SOON).orElseThrow();
      faults.enable(true);
      for (int i = 0; i < 20; i++) {
        note(queue.enqueue(message()).join());
      }
      assertThat(again.release().join()).isNotEqualTo(Settlement.OK);
      texts.add(again.toString());
      assertThat(queue.poll(Duration.ofSeconds(2))).isEmpty();
      faults.enable(false);
      note(queue.enqueue(message().header("evil", HEADER + "\r\nX: y")).join());
      note(queue.enqueue(Message.text(BODY + "x".repeat(2 << 20)).header("h", HEADER)).join());
      note(queue.enqueue(message().delay(Duration.ofDays(1))).join());
      server
          .client()
          .sendMessage(
              request ->
                  request
                      .queueUrl(url)
                      .messageBody(BODY)
                      .messageAttributes(
                          Map.of(
                              SqsWire.METADATA,
                              MessageAttributeValue.builder()
                                  .dataType("String")
                                  .stringValue("id=%zz&" + HEADER)
                                  .build())))
          .join();
      try (Worker worker =
          Worker.builder(queue)
              .slots(2)
              .handler(
                  (delivery, context) -> {
                    if (delivery.attempt() > 1) {
                      throw new IllegalStateException("the handler's own text");
                    }
                  })
              .start()) {
        await().atMost(SOON).until(() -> worker.stats().handled() > 0);
        await()
            .atMost(SOON)
            .until(() -> texts.stream().anyMatch(text -> text.contains("such messages so far")));
      }
    }
    assertThat(texts.size()).as("texts that were looked at").isGreaterThan(50);
    assertNoCanary();
  }

  @Test
  void aQueueThatCannotBeOpened() {
    try (SqsAsyncClient lost = client(URI.create("http://127.0.0.1:1"));
        SqsAsyncClient denied =
            client(server.endpoint(), SqsFaults.seed(1).deny("GetQueueAttributes").build())) {
      for (SqsWorkQueue.Builder builder :
          List.of(
              SqsWorkQueue.builder(lost, "http://127.0.0.1:1/000000000000/queue"),
              SqsWorkQueue.builder(denied, server.createQueue("secret")))) {
        texts.add(builder.toString());
        try {
          builder.build().close();
          throw new AssertionError("it was opened");
        } catch (QueueException e) {
          note(e);
        }
      }
    }
    assertNoCanary();
  }

  @Test
  void whatTheLibraryPassesRound() {
    Envelope envelope = Envelope.fresh("an-id", message(), Instant.EPOCH);
    SqsWire.Encoded encoded = SqsWire.encode(envelope);
    texts.add(envelope.toString());
    texts.add(
        envelope.dead(new DeadLetterCause("Type", "text"), Instant.EPOCH, "origin").toString());
    texts.add(encoded.toString());
    texts.add(
        new Sender.Parcel("id", encoded, null, null, 0, false, new CompletableFuture<>())
            .toString());
    assertNoCanary();
  }
}
