package dev.forebay.queue.sqs;

import static dev.forebay.queue.DeadLetterFilter.all;
import static dev.forebay.queue.DeadLetterFilter.byCause;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.fault.SqsFault;
import dev.forebay.queue.testkit.fault.SqsFaults;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/** D3 where SQS could spoil it: other writers, lost replies, FIFO's groups and dedup window. */
class SqsRedriveTest {

  private static final Duration SOON = Duration.ofSeconds(20);

  private final EmbeddedSqs server = SqsHarness.server();
  private final SqsAsyncClient plain = server.client();
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

  private SqsWorkQueue queue(SqsAsyncClient client, String url) {
    return open(SqsWorkQueue.builder(client, url).grace(Duration.ofSeconds(2)).build());
  }

  private SqsWorkQueue queue(SqsAsyncClient client, String url, String letters) {
    return open(
        SqsWorkQueue.builder(client, url)
            .deadLetterQueueUrl(letters)
            .grace(Duration.ofSeconds(2))
            .build());
  }

  @Test
  void D3_whatSqsMovedByItself_isShownAndBroughtBack() {
    String letters = server.createQueue("letters");
    SqsWorkQueue queue = queue(plain, server.createQueue("source", server.redriveTo(letters, 2)));
    String id = queue.enqueue(Message.text("poison").header("h", "v").key("k")).join().orThrow();
    for (int i = 0; i < 2; i++) {
      assertThat(take(queue).release().join()).isEqualTo(Settlement.OK);
    }
    assertThat(queue.poll(Duration.ofSeconds(1))).isEmpty();
    DeadLetters.Item item = queue.deadLetters().list(all()).items().get(0);
    assertThat(item.id()).isEqualTo(id);
    assertThat(item.message()).isEqualTo(Message.text("poison").header("h", "v").key("k"));
    assertThat(item.letter().cause().type()).isEqualTo(DeadLetterCause.MAX_RECEIVES);
    assertThat(item.letter().cause().message()).contains("after 2 receives");
    assertThat(item.letter().attempts().leaseLost()).isEqualTo(2);
    assertThat(item.letter().origin()).isEqualTo(queue.name());
    assertThat(
            queue
                .deadLetters()
                .redrive(byCause(DeadLetterCause.MAX_RECEIVES), RedriveOptions.unlimited())
                .done())
        .isEqualTo(1);
    Delivery again = take(queue);
    assertThat(again.id()).isEqualTo(id);
    assertThat(again.attempt()).isEqualTo(1);
    assertThat(again.enqueuedAt()).isEqualTo(item.enqueuedAt());
    assertThat(again.ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void D3_messageOfAnotherProducer_andOneWithBrokenData_areShown() {
    String letters = server.createQueue("letters");
    SqsWorkQueue queue = queue(plain, server.createQueue("source"), letters);
    plain.sendMessage(request -> request.queueUrl(letters).messageBody("foreign")).join();
    plain
        .sendMessage(
            request ->
                request
                    .queueUrl(letters)
                    .messageBody("broken")
                    .messageAttributes(
                        Map.of(
                            SqsWire.METADATA,
                            software.amazon.awssdk.services.sqs.model.MessageAttributeValue
                                .builder()
                                .dataType("String")
                                .stringValue("id=%zz")
                                .build())))
        .join();
    assertThat(queue.deadLetters().list(all()))
        .extracting(item -> item.message().text() + " " + item.letter().cause().type())
        .containsExactlyInAnyOrder(
            "foreign " + DeadLetterCause.MAX_RECEIVES, "broken " + DeadLetterCause.UNDECODABLE);
    assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done()).isEqualTo(2);
    assertThat(List.of(take(queue), take(queue)))
        .extracting(delivery -> delivery.message().text())
        .containsExactlyInAnyOrder("foreign", "broken");
  }

  /** The process dies between the two steps, as far as SQS can tell. */
  @Test
  void D3_deadLetterThatCannotBeRemoved_leavesOneMoreCopy_neverNone() {
    String letters = server.createQueue("letters");
    String url = server.createQueue("source");
    SqsFaults noDeletes = SqsFaults.seed(1).deny("DeleteMessageBatch").build();
    SqsWorkQueue dying = queue(open(server.newClient(noDeletes)), url, letters);
    SqsWorkQueue queue = queue(plain, url, letters);
    String id = die(queue, Message.text("dies"), "Test");
    assertThat(dying.deadLetters().redrive(all(), RedriveOptions.unlimited()))
        .isEqualTo(new DeadLetters.Report(1, 0, 0, Map.of(ErrorCode.AMBIGUOUS, 1L), true));
    assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done()).isEqualTo(1);
    assertThat(queue.deadLetters().summary(all()).count()).isZero();
    // Two copies of one message: both are there, and a queue object suppresses the second.
    assertThat(queue.depth().visible()).hasValue(2);
    Delivery first = take(queue);
    assertThat(first.id()).isEqualTo(id);
    assertThat(first.ack().join()).isEqualTo(Settlement.OK);
    assertThat(queue.poll(Duration.ofSeconds(2))).isEmpty();
  }

  @Test
  void D3_fifo_redriveTriedAgain_isStoredOnce_andTheNextDeathIsNotSwallowed() {
    String letters = server.createFifoQueue("letters");
    String url = server.createFifoQueue("source");
    SqsFaults noDeletes = SqsFaults.seed(1).deny("DeleteMessageBatch").build();
    SqsWorkQueue dying = queue(open(server.newClient(noDeletes)), url, letters);
    SqsWorkQueue queue = queue(plain, url, letters);
    String id = die(queue, Message.text("dies").dedupId("d").key("k"), "Test");
    assertThat(dying.deadLetters().redrive(all(), RedriveOptions.unlimited()).failures())
        .isEqualTo(1);
    assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done()).isEqualTo(1);
    for (int death = 0; death < 2; death++) {
      Delivery again = take(queue);
      assertThat(again.id()).isEqualTo(id);
      assertThat(again.message().dedupId()).contains("d");
      assertThat(queue.poll(Duration.ofMillis(500))).as("a second copy").isEmpty();
      assertThat(again.deadLetter(new DeadLetterCause("Again", "")).join())
          .isEqualTo(Settlement.OK);
      assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done())
          .isEqualTo(1);
    }
  }

  /** SQS shows ten messages of a group at a time; the library's own have a group each. */
  @Test
  void D3_fifo_crowdedGroupOfAnotherWriter_isSaidToBeCut_andCanBeRedriven() {
    String letters = server.createFifoQueue("letters");
    SqsWorkQueue queue = queue(plain, server.createFifoQueue("source"), letters);
    for (int i = 0; i < 13; i++) {
      String body = "m-" + i;
      plain
          .sendMessage(
              request ->
                  request
                      .queueUrl(letters)
                      .messageBody(body)
                      .messageGroupId("crowd")
                      .messageDeduplicationId(body))
          .join();
    }
    DeadLetters.Listing some = queue.deadLetters().list(all());
    assertThat(some.items()).hasSizeLessThan(13).isNotEmpty();
    assertThat(some.cut()).isTrue();
    long done = 0;
    for (int run = 0; run < 5 && done < 13; run++) {
      done += queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done();
    }
    assertThat(done).isEqualTo(13);
    assertThat(queue.deadLetters().summary(all()).count()).isZero();
  }

  @Test
  void D3_deadLetterQueueWithAPolicyOfItsOwn_isRefused() {
    String letters =
        server.createQueue("letters", server.redriveTo(server.createQueue("further"), 3));
    SqsWorkQueue queue = queue(plain, server.createQueue("source"), letters);
    assertThatThrownBy(() -> queue.deadLetters().list(all()))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.MISCONFIGURED))
        .hasMessageContaining("Take the policy off");
  }

  @Test
  void D3_withoutPermission_saysWhichOne() {
    String letters = server.createQueue("letters");
    SqsFaults denied = SqsFaults.seed(1).deny("ReceiveMessage").build();
    SqsWorkQueue queue =
        queue(open(server.newClient(denied)), server.createQueue("source"), letters);
    assertThatThrownBy(() -> queue.deadLetters().list(all()))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ACCESS_DENIED))
        .hasMessageContaining("sqs:ReceiveMessage");
  }

  @Test
  void D3_closedQueue_isRefused() {
    SqsWorkQueue queue = queue(plain, server.createQueue("source"), server.createQueue("letters"));
    queue.close();
    assertThatThrownBy(() -> queue.deadLetters().list(all()))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
  }

  /** Requests and replies get lost all the way; runs are repeated until nothing is left. */
  @Test
  void D3_redriveThroughFaults_losesNothing() {
    String letters = server.createQueue("letters");
    String url = server.createQueue("source");
    SqsWorkQueue queue = queue(plain, url, letters);
    Set<String> ids = new HashSet<>();
    for (int round = 0; round < 12; round++) {
      List<Message> messages = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        messages.add(Message.text("m-" + round + "-" + i));
      }
      queue.enqueueAll(messages).join().forEach(outcome -> ids.add(outcome.orThrow()));
    }
    List<CompletableFuture<Settlement>> deaths = new ArrayList<>();
    while (deaths.size() < ids.size()) {
      for (Delivery delivery : queue.poll(10, SOON)) {
        deaths.add(delivery.deadLetter(new DeadLetterCause("Test", "")));
      }
    }
    deaths.forEach(each -> assertThat(each.join()).isEqualTo(Settlement.OK));

    // Receives lose nothing here: what a lost reply holds is out of sight for half a minute.
    SqsFaults faults =
        SqsFaults.seed(7).failedEntries(0.1).unlistedEntries(0.15).throttles(0.05).build();
    DeadLetters through = queue(open(server.newClient(faults)), url, letters).deadLetters();
    SqsWorkQueue dead = queue(plain, letters);
    long ambiguous = 0;
    for (int run = 0; run < 100 && dead.depth().backlog() > 0; run++) {
      try {
        DeadLetters.Report report = through.redrive(all(), RedriveOptions.perSecond(1_000).max(25));
        ambiguous += report.failed().getOrDefault(ErrorCode.AMBIGUOUS, 0L);
      } catch (QueueException e) {
        assertThat(e.retryable()).isTrue();
      }
    }
    assertThat(dead.depth().backlog()).isZero();
    assertThat(ambiguous).isPositive();
    assertThat(faults.fired(SqsFault.UNLISTED_ENTRY)).isPositive();
    assertThat(faults.fired(SqsFault.FAILED_ENTRY)).isPositive();
    Map<String, Integer> copies = new HashMap<>();
    SqsWorkQueue fresh = queue(plain, url, letters);
    while (copies.size() < ids.size()) {
      Delivery delivery = take(fresh);
      copies.merge(delivery.id(), 1, Integer::sum);
      assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
    }
    assertThat(copies.keySet()).isEqualTo(ids);
  }

  private static String die(SqsWorkQueue queue, Message message, String cause) {
    String id = queue.enqueue(message).join().orThrow();
    assertThat(take(queue).deadLetter(new DeadLetterCause(cause, "")).join())
        .isEqualTo(Settlement.OK);
    return id;
  }

  private static Delivery take(SqsWorkQueue queue) {
    return queue.poll(SOON).orElseThrow();
  }
}
