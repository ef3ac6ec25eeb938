package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.testkit.fault.SqsFaults;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/** Everything that is found out, and said, when a queue is opened (S2). */
class SqsBuildTest {

  private final EmbeddedSqs server = SqsHarness.server();

  private static QueueException failure(SqsWorkQueue.Builder builder) {
    QueueException failure = catchThrowableOfType(QueueException.class, builder::build);
    assertThat(failure).as("the build fails").isNotNull();
    return failure;
  }

  private SqsWorkQueue.Builder builder(String url) {
    return SqsWorkQueue.builder(server.client(), url);
  }

  @Test
  void missingQueue_isNotFound_andSaysWhere() {
    QueueException failure = failure(builder(server.endpoint() + "/000000000000/nobody-made-it"));
    assertThat(failure.code()).isEqualTo(ErrorCode.NOT_FOUND);
    assertThat(failure)
        .hasMessageContaining("nobody-made-it")
        .hasMessageContaining(server.endpoint().toString())
        .hasMessageContaining("Create it");
  }

  @Test
  void withoutPermission_isAccessDenied_andNamesTheAction() {
    try (SqsAsyncClient denied =
        server.newClient(SqsFaults.seed(1).deny("GetQueueAttributes").build())) {
      QueueException failure = failure(SqsWorkQueue.builder(denied, server.createQueue("denied")));
      assertThat(failure.code()).isEqualTo(ErrorCode.ACCESS_DENIED);
      assertThat(failure).hasMessageContaining("sqs:GetQueueAttributes");
    }
  }

  @Test
  void wrongEndpoint_isUnavailable_inBoundedTime_andNamed() {
    try (SqsAsyncClient lost =
        SqsAsyncClient.builder()
            .endpointOverride(URI.create("http://127.0.0.1:1"))
            .region(Region.US_EAST_1)
            .credentialsProvider(server.credentials())
            .build()) {
      QueueException failure =
          failure(SqsWorkQueue.builder(lost, "http://127.0.0.1:1/000000000000/queue"));
      assertThat(failure.code()).isEqualTo(ErrorCode.UNAVAILABLE);
      assertThat(failure)
          .hasMessageContaining("http://127.0.0.1:1")
          .hasMessageContaining("endpoint");
    }
  }

  @Test
  void leaseOutsideSqsLimits_isMisconfigured() {
    String url = server.createQueue("leases");
    for (Duration lease :
        new Duration[] {
          Duration.ZERO, Duration.ofMillis(999), Duration.ofHours(12).plusMillis(1)
        }) {
      QueueException failure = failure(builder(url).lease(lease));
      assertThat(failure.code()).isEqualTo(ErrorCode.MISCONFIGURED);
      assertThat(failure).hasMessageContaining("PT1S").hasMessageContaining("PT12H");
    }
    assertThat(failure(builder(url).pollWait(Duration.ofSeconds(21))).code())
        .isEqualTo(ErrorCode.MISCONFIGURED);
    builder(url).lease(Duration.ofHours(12)).build().close();
    builder(url).lease(Duration.ofSeconds(1)).build().close();
  }

  @Test
  void maxReceiveCountOfOne_isRefused() {
    String letters = server.createQueue("letters");
    String url = server.createQueue("once", server.redriveTo(letters, 1));
    QueueException failure = failure(builder(url));
    assertThat(failure.code()).isEqualTo(ErrorCode.MISCONFIGURED);
    assertThat(failure)
        .hasMessageContaining("maxReceiveCount of 1")
        .hasMessageContaining("at least 2");
  }

  @Test
  void missingDeadLetterQueue_isMisconfigured_orNotFoundWhenNamed() {
    String letters = server.createQueue("letters");
    String url = server.createQueue("orphan", server.redriveTo(letters, 3));
    server.deleteQueue(letters);
    QueueException byPolicy = failure(builder(url));
    assertThat(byPolicy.code()).isEqualTo(ErrorCode.MISCONFIGURED);
    assertThat(byPolicy).hasMessageContaining("redrive policy").hasMessageContaining("Create it");
    assertThat(failure(builder(url).deadLetterQueueUrl(letters)).code())
        .isEqualTo(ErrorCode.NOT_FOUND);
    builder(url).withoutDeadLetters().build().close();
  }

  @Test
  void deadLettersOfTheOtherKind_orToItself_areMisconfigured() {
    String standard = server.createQueue("kind");
    String fifo = server.createFifoQueue("kind");
    assertThat(failure(builder(fifo).deadLetterQueueUrl(standard)))
        .hasMessageContaining("same kind")
        .extracting(QueueException::code)
        .isEqualTo(ErrorCode.MISCONFIGURED);
    assertThat(failure(builder(standard).deadLetterQueueUrl(standard)).code())
        .isEqualTo(ErrorCode.MISCONFIGURED);
  }

  @Test
  void redrivePolicy_givesTheDeadLetterQueue() {
    String letters = server.createFifoQueue("letters");
    String url = server.createFifoQueue("source", server.redriveTo(letters, 5));
    try (SqsWorkQueue queue = builder(url).build()) {
      assertThat(queue.capabilities().deadLetters()).isTrue();
    }
    try (SqsWorkQueue queue = builder(url).withoutDeadLetters().build()) {
      assertThat(queue.capabilities().deadLetters()).isFalse();
    }
  }

  @Test
  void limits_areDeclaredAsNumbers() {
    try (SqsWorkQueue standard = builder(server.createQueue("numbers")).build();
        SqsWorkQueue fifo = builder(server.createFifoQueue("numbers")).build()) {
      Capabilities can = standard.capabilities();
      assertThat(can.backend()).isEqualTo("sqs");
      assertThat(can.maxEnqueueDelay()).isEqualTo(Duration.ofMinutes(15));
      assertThat(can.maxLeaseTotal()).isEqualTo(Duration.ofHours(12));
      assertThat(can.maxMessageBytes()).isEqualTo((1 << 20) - 4096);
      assertThat(can.maxHeaders()).isEqualTo(9);
      assertThat(can.enqueueBatch()).isEqualTo(10);
      assertThat(can.lateness()).isEqualTo(Duration.ofSeconds(7));
      assertThat(fifo.capabilities().dedupWindow()).isEqualTo(Duration.ofMinutes(5));
      assertThat(fifo.capabilities().maxEnqueueDelay()).isZero();
      assertThat(fifo.capabilities().ordering()).isEqualTo(Capabilities.Ordering.PER_KEY);
      assertThat(standard.unwrap(SqsAsyncClient.class)).isSameAs(server.client());
    }
  }

  @Test
  void sizeAndReceiveLimits_followTheQueuesOwnAttributes() {
    QueueFacts small =
        new QueueFacts("http://host/1/name.fifo", "name.fifo", true, 65_536, 5, null);
    assertThat(SqsCapabilities.of(small, Duration.ofSeconds(2), false).maxMessageBytes())
        .isEqualTo(65_536 - 4096);
    assertThat(SqsCapabilities.receiveBatch(small)).isEqualTo(3);
  }
}
