package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.fault.SqsFaults;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.OverLimitException;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

/** The requests stay within SQS's limits, and what is beyond them is refused or waited out. */
class SqsLimitsTest {

  private static final Duration SOON = Duration.ofSeconds(20);
  private static final int MEBIBYTE = 1 << 20;

  private final EmbeddedSqs server = SqsHarness.server();
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (int i = opened.size() - 1; i >= 0; i--) {
      opened.get(i).close();
    }
  }

  private <T extends AutoCloseable> T open(T resource) {
    opened.add(resource);
    return resource;
  }

  private SqsAsyncClient through(ExecutionInterceptor interceptor) {
    return open(server.newClient(interceptor));
  }

  private SqsWorkQueue queue(SqsAsyncClient client, String url) {
    return open(
        SqsWorkQueue.builder(client, url)
            .grace(Duration.ofSeconds(1))
            .pollWait(Duration.ofSeconds(20))
            .lease(Duration.ofHours(12))
            .build());
  }

  @Test
  void everyRequest_staysWithinTheLimits() {
    CallLog log = new CallLog();
    SqsWorkQueue queue = queue(through(log), server.createQueue("limits"));
    List<Message> messages =
        IntStream.range(0, 60)
            .mapToObj(i -> Message.text("x".repeat(i % 7 == 0 ? 300_000 : 10)).header("n", "" + i))
            .toList();
    queue.enqueueAll(messages).join().forEach(EnqueueOutcome::orThrow);
    List<Delivery> taken = new ArrayList<>();
    while (taken.size() < messages.size()) {
      taken.addAll(queue.poll(50, SOON));
    }
    List<CompletableFuture<Settlement>> settled = new ArrayList<>();
    taken.forEach(delivery -> settled.add(delivery.extend(Duration.ofHours(12))));
    taken.forEach(delivery -> settled.add(delivery.ack()));
    settled.forEach(CompletableFuture::join);

    var sends = log.requests(SendMessageBatchRequest.class);
    var deletes = log.requests(DeleteMessageBatchRequest.class);
    var changes = log.requests(ChangeMessageVisibilityBatchRequest.class);
    assertThat(sends).isNotEmpty().allSatisfy(SqsLimitsTest::assertFits);
    assertThat(log.requests(ReceiveMessageRequest.class))
        .isNotEmpty()
        .allSatisfy(
            receive -> {
              assertThat(receive.maxNumberOfMessages()).isBetween(1, 10);
              assertThat(receive.waitTimeSeconds()).isBetween(0, 20);
              assertThat(receive.visibilityTimeout()).isBetween(1, 43_200);
            });
    assertThat(deletes)
        .isNotEmpty()
        .allSatisfy(
            delete -> assertPositions(delete.entries().stream().map(each -> each.id()).toList()));
    assertThat(changes)
        .allSatisfy(
            change -> {
              assertPositions(change.entries().stream().map(each -> each.id()).toList());
              assertThat(change.entries())
                  .allSatisfy(each -> assertThat(each.visibilityTimeout()).isBetween(0, 43_200));
            });
  }

  private static void assertFits(SendMessageBatchRequest send) {
    assertPositions(send.entries().stream().map(SendMessageBatchRequestEntry::id).toList());
    assertThat(send.entries().stream().mapToLong(SqsLimitsTest::size).sum())
        .as("bytes of a batch, attributes included")
        .isLessThanOrEqualTo(MEBIBYTE);
    assertThat(send.entries())
        .allSatisfy(entry -> assertThat(entry.messageAttributes()).hasSizeLessThanOrEqualTo(10));
  }

  private static long size(SendMessageBatchRequestEntry entry) {
    long size = utf8(entry.messageBody());
    for (var attribute : entry.messageAttributes().entrySet()) {
      size += utf8(attribute.getKey());
      size += utf8(attribute.getValue().dataType());
      size += utf8(attribute.getValue().stringValue());
    }
    return size;
  }

  private static long utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  /** Never the message's id, which may be in a batch twice. */
  private static void assertPositions(List<String> ids) {
    assertThat(ids).hasSizeBetween(1, 10);
    assertThat(ids).isEqualTo(IntStream.range(0, ids.size()).mapToObj(Integer::toString).toList());
  }

  @Test
  void theLargestMessage_isTaken_andComesBack_andOneByteMoreIsRefused() {
    SqsWorkQueue queue = queue(server.client(), server.createQueue("largest"));
    // Headers count towards the size, with their names and the name of their type.
    int header = "h".length() + "String".length() + 100;
    int room = (int) queue.capabilities().maxMessageBytes() - header;
    Message largest = Message.text("x".repeat(room)).header("h", "v".repeat(100));
    queue.enqueue(largest).join().orThrow();
    Delivery delivery = queue.poll(SOON).orElseThrow();
    assertThat(delivery.message()).isEqualTo(largest);
    assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
    assertRefused(
        queue, Message.text("x".repeat(room + 1)).header("h", "v".repeat(100)), "the limit is");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\rb", "a\nb", "a\r\nSet: b", "a\0b", "\uD800", "b\uDC00", "\uFFFF"})
  void hostileText_isRefused_whereverItStands(String text) {
    CallLog log = new CallLog();
    SqsWorkQueue queue = queue(through(log), server.createQueue("hostile"));
    assertRefused(queue, Message.text("x").header("h", text), "header h");
    assertRefused(queue, Message.text("x").header(text, "v"), "header name");
    assertRefused(queue, Message.text("x").key(text), "A key");
    assertRefused(queue, Message.text("x").dedupId(text), "A dedup id");
    assertRefused(queue, Message.text("x").type(text), "A type");
    assertThat(log.requests(SendMessageBatchRequest.class)).isEmpty();
    // In a body it is data like any other.
    byte[] body = text.getBytes(StandardCharsets.UTF_16BE);
    queue.enqueue(Message.of(body)).join().orThrow();
    Delivery delivery = queue.poll(SOON).orElseThrow();
    assertThat(delivery.message().body()).isEqualTo(body);
    assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void tenHeaders_areRefused_andNineWithTheLibrarysOwnDataAreTaken() {
    SqsWorkQueue queue = queue(server.client(), server.createQueue("headers"));
    Message message = Message.text("x").key("k").type("t").dedupId("d");
    for (int i = 0; i < 9; i++) {
      message = message.header("h" + i, "v" + i);
    }
    queue.enqueue(message).join().orThrow();
    assertThat(queue.poll(SOON).orElseThrow().message()).isEqualTo(message);
    assertRefused(queue, message.header("h9", "v"), "the limit is 9");
  }

  private static void assertRefused(SqsWorkQueue queue, Message message, String why) {
    assertThat(queue.enqueue(message).join())
        .isInstanceOfSatisfying(
            EnqueueOutcome.Failed.class,
            failed -> {
              assertThat(failed.code()).isEqualTo(ErrorCode.INVALID_MESSAGE);
              assertThat(failed.message()).contains(why);
              assertThat(failed.retryable()).isFalse();
            });
  }

  @Test
  void tooManyInFlight_isWaitedOut() {
    AtomicBoolean full = new AtomicBoolean(true);
    AtomicInteger refused = new AtomicInteger();
    ExecutionInterceptor overLimit =
        new ExecutionInterceptor() {
          @Override
          public void beforeExecution(
              Context.BeforeExecution context, ExecutionAttributes attributes) {
            if (full.get() && context.request() instanceof ReceiveMessageRequest) {
              refused.incrementAndGet();
              throw OverLimitException.builder()
                  .message("Too many messages in flight")
                  .statusCode(403)
                  .awsErrorDetails(AwsErrorDetails.builder().errorCode("OverLimit").build())
                  .build();
            }
          }
        };
    SqsWorkQueue queue = queue(through(overLimit), server.createQueue("over-limit"));
    queue.enqueue(Message.text("x")).join().orThrow();
    assertThat(queue.poll(Duration.ofSeconds(1))).isEmpty();
    for (int i = 0; i < 100; i++) {
      assertThat(queue.poll(Duration.ZERO)).isEmpty();
    }
    assertThat(refused.get()).as("receives in a second").isBetween(2, 12);
    full.set(false);
    assertThat(queue.poll(SOON).orElseThrow().ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void permissionsThatAreMissing_areToldWhereTheyAreMissed() {
    String url = server.createQueue("denied");
    server.client().sendMessage(request -> request.queueUrl(url).messageBody("there")).join();
    SqsWorkQueue mute = queue(through(SqsFaults.seed(1).deny("SendMessageBatch").build()), url);
    assertThat(mute.enqueue(Message.text("x")).join())
        .isInstanceOfSatisfying(
            EnqueueOutcome.Failed.class,
            failed -> {
              assertThat(failed.code()).isEqualTo(ErrorCode.ACCESS_DENIED);
              assertThat(failed.retryable()).isFalse();
            });
    SqsFaults noReceives = SqsFaults.seed(1).deny("ReceiveMessage").build();
    SqsWorkQueue deaf = queue(through(noReceives), url);
    try (LogLines log = new LogLines(Receiver.class)) {
      assertThat(deaf.poll(Duration.ofMillis(1_500))).isEmpty();
      assertThat(noReceives.calls("ReceiveMessage")).isBetween(2L, 12L);
      assertThat(log.lines(Level.ERROR, url))
          .singleElement()
          .satisfies(line -> assertThat(line).contains("allow it sqs:ReceiveMessage"));
      assertThat(log.lines(Level.WARN, url)).as("said once").isEmpty();
    }
    SqsWorkQueue stuck =
        queue(
            through(
                SqsFaults.seed(1)
                    .deny("DeleteMessageBatch")
                    .deny("ChangeMessageVisibilityBatch")
                    .build()),
            url);
    try (LogLines log = new LogLines(Settler.class)) {
      Delivery delivery = stuck.poll(SOON).orElseThrow();
      for (int i = 0; i < 2; i++) {
        assertThat(delivery.ack().join()).isEqualTo(Settlement.UNKNOWN);
        assertThat(delivery.isLost()).as("nothing was changed, so it is held as before").isFalse();
        assertThat(delivery.extend(Duration.ofHours(1)).join()).isEqualTo(Settlement.UNKNOWN);
      }
      assertThat(log.lines(Level.ERROR, url)).hasSize(2);
      assertThat(log.lines(Level.ERROR, "allow it sqs:DeleteMessage")).hasSize(1);
      assertThat(log.lines(Level.ERROR, "allow it sqs:ChangeMessageVisibility")).hasSize(1);
    }
  }

  @Test
  void noReceive_isEverCancelled() {
    String url = server.createQueue("never-cancelled");
    List<CompletableFuture<?>> receives = new CopyOnWriteArrayList<>();
    SqsAsyncClient real = server.client();
    SqsAsyncClient watched =
        (SqsAsyncClient)
            Proxy.newProxyInstance(
                SqsAsyncClient.class.getClassLoader(),
                new Class<?>[] {SqsAsyncClient.class},
                (proxy, method, args) -> {
                  try {
                    Object result = method.invoke(real, args);
                    if (method.getName().equals("receiveMessage")) {
                      receives.add((CompletableFuture<?>) result);
                    }
                    return result;
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    SqsWorkQueue queue = SqsWorkQueue.builder(watched, url).pollWait(Duration.ofSeconds(2)).build();
    assertThat(queue.poll(Duration.ofMillis(10))).isEmpty();
    Thread.currentThread().interrupt();
    assertThat(queue.poll(SOON)).isEmpty();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(queue.poll(Duration.ofSeconds(1))).isEmpty();
    queue.close();
    assertThat(receives).isNotEmpty();
    await().atMost(SOON).until(() -> receives.stream().allMatch(CompletableFuture::isDone));
    assertThat(receives).noneMatch(CompletableFuture::isCompletedExceptionally);
  }
}
