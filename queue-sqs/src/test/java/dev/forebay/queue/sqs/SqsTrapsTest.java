package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.fault.SqsFault;
import dev.forebay.queue.testkit.fault.SqsFaults;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;

/** The traps of SQS that the contract's tests cannot set, one by one. */
class SqsTrapsTest extends SqsQueueTest {

  private ReceiveMessageResponse receive(String url, int waitSeconds) {
    return plain
        .receiveMessage(
            request ->
                request
                    .queueUrl(url)
                    .maxNumberOfMessages(10)
                    .waitTimeSeconds(waitSeconds)
                    .messageAttributeNames("All")
                    .messageSystemAttributeNames(MessageSystemAttributeName.ALL))
        .join();
  }

  private static long count(SqsFaults calls, String operation) {
    return calls.calls(operation);
  }

  @Test
  void staleAck_isNeverSent() {
    SqsFaults calls = SqsFaults.seed(1).staleReceiptsAsAws().build();
    String url = server.createQueue("stale");
    SqsWorkQueue queue = queue(through(calls), url, 1);
    queue.enqueue(Message.text("late")).join().orThrow();
    Delivery late = take(queue);
    await().atMost(SOON).until(late::isLost);
    long before = count(calls, "DeleteMessageBatch");
    assertThat(late.ack().join()).isEqualTo(Settlement.STALE);
    assertThat(late.extend(Duration.ofSeconds(1)).join()).isEqualTo(Settlement.STALE);
    assertThat(count(calls, "DeleteMessageBatch")).isEqualTo(before);
    // A lease that outlasts a slow answer, or the ack below would rightly be UNKNOWN.
    Delivery again = take(queue(through(calls), url, 30));
    assertThat(again.id()).isEqualTo(late.id());
    assertThat(again.attempt()).isEqualTo(2);
    assertThat(again.attempts().leaseLost()).isEqualTo(1);
    assertThat(again.ack().join()).isEqualTo(Settlement.OK);
  }

  /** Else it would stay hidden for all of the extension, with nobody at work on it. */
  @Test
  void extensionAnsweredAfterTheLease_isStale_andItsMessageComesBack() {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    String url = server.createQueue("late-answer");
    SqsWorkQueue queue = queue(LateAnswers.of(plain, "changeMessageVisibilityBatch", gate), url, 2);
    queue.enqueue(Message.text("extended")).join().orThrow();
    Delivery late = take(queue);
    CompletableFuture<Settlement> extension = late.extend(Duration.ofHours(1));
    await().atMost(SOON).until(late::isLost);
    assertThat(extension).isNotDone();
    gate.complete(null);
    assertThat(extension.join()).isEqualTo(Settlement.STALE);
    Delivery again = take(queue);
    assertThat(again.id()).isEqualTo(late.id());
    assertThat(again.ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void R2_returnsUntilLater_areKnownToOtherProcesses() {
    String url = server.createQueue("returned");
    List<SqsWorkQueue> processes = List.of(queue(plain, url, 30), queue(plain, url, 30));
    String id =
        processes
            .get(0)
            .enqueue(Message.text("throttled").header("trace", "7").type("kind"))
            .join()
            .orThrow();
    for (int returned = 0; returned < 3; returned++) {
      Delivery delivery = take(processes.get(returned % 2));
      assertThat(delivery.id()).isEqualTo(id);
      assertThat(delivery.attempts()).isEqualTo(new Attempts(0, 0, returned));
      assertThat(release(delivery, ReleaseCause.RETURNED)).isEqualTo(Settlement.OK);
    }
    Delivery last = take(processes.get(1));
    assertThat(last.attempt()).isEqualTo(1);
    assertThat(last.message().headers()).containsEntry("trace", "7");
    assertThat(last.message().type()).hasValue("kind");
    assertThat(last.ack().join()).isEqualTo(Settlement.OK);
    assertThat(processes.get(0).depth().visible()).hasValue(0);
    assertThat(processes.get(0).depth().inFlight()).hasValue(0);
  }

  @Test
  void R2_returnOfAnotherProducersMessage_leavesItsNumbersAsTheyAre() {
    String url = server.createQueue("numbers");
    SqsWorkQueue queue = queue(plain, url, 30);
    plain
        .sendMessage(
            request ->
                request
                    .queueUrl(url)
                    .messageBody("foreign")
                    .messageAttributes(
                        Map.of(
                            "tokens",
                            MessageAttributeValue.builder()
                                .dataType("Number")
                                .stringValue("7")
                                .build())))
        .join();
    assertThat(release(take(queue), ReleaseCause.RETURNED)).isEqualTo(Settlement.OK);
    queue.close();
    await()
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(receive(url, 2).messages())
                    .singleElement()
                    .satisfies(
                        message ->
                            assertThat(message.messageAttributes().get("tokens").dataType())
                                .isEqualTo("Number")));
  }

  private static Settlement release(Delivery delivery, ReleaseCause cause) {
    return delivery.queue().release(delivery, Duration.ofSeconds(1), cause).join();
  }

  @Test
  void messageThatArrivesAfterItsPollEnded_isHeldForTheNext_orGivenBack() throws Exception {
    SqsFaults late = SqsFaults.seed(1).delays(1, Duration.ofMillis(400)).build();
    String url = server.createQueue("late");
    SqsWorkQueue queue = queue(through(late), url, 30);
    queue.enqueue(Message.text("one")).join().orThrow();
    assertThat(queue.poll(Duration.ofMillis(1))).isEmpty();
    late.enable(false);
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> {
              var received = receive(url, 0);
              assertThat(received.messages()).hasSize(1);
            });
  }

  @Test
  void closingDuringALongPoll_endsWithinItsWait_andSwallowsNothing() throws Exception {
    String url = server.createQueue("idle");
    SqsWorkQueue queue = queue(plain, url, 30);
    var pool = Executors.newSingleThreadExecutor();
    try {
      var polled = pool.submit(() -> queue.poll(10, Duration.ofSeconds(20)));
      await().atMost(SOON).until(() -> queue.depth().visible().orElse(-1) == 0);
      var closing = CompletableFuture.runAsync(queue::close);
      assertThat(polled.get(10, TimeUnit.SECONDS)).isEmpty();
      plain.sendMessage(request -> request.queueUrl(url).messageBody("arrives at close")).join();
      closing.get(12, TimeUnit.SECONDS);
      // Whether the dying long poll got it or not, it is there for the next one at once.
      assertThat(receive(url, 2).messages()).hasSize(1);
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void duplicateWhileHeld_isSuppressed_andTheNewerReceiptUsed() {
    SqsFaults doubled =
        SqsFaults.seed(1).duplicateDeliveries(1, plain).staleReceiptsAsAws().build();
    String url = server.createQueue("doubled");
    SqsWorkQueue queue = queue(through(doubled), url, 30);
    queue.enqueue(Message.text("once")).join().orThrow();
    Delivery first = take(queue);
    for (int i = 0; i < 3; i++) {
      assertThat(queue.poll(Duration.ofMillis(300))).isEmpty();
    }
    assertThat(doubled.fired(SqsFault.DUPLICATE_DELIVERY)).isGreaterThan(1);
    assertThat(queue.suppressedDuplicates()).isPositive();
    doubled.enable(false);
    assertThat(first.isLost()).isFalse();
    assertThat(first.leaseRemaining()).isGreaterThan(Duration.ofSeconds(15));
    assertThat(first.ack().join()).isEqualTo(Settlement.OK);
    assertThat(queue.poll(Duration.ofMillis(300))).isEmpty();
    // A receive that was under way may have brought it once more; that one is deleted again.
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> assertThat(queue.depth().backlog()).as("the newest receipt deleted it").isZero());
  }

  @Test
  void finishedMessageThatComesBack_isDeletedAgain_andNotDelivered() {
    SqsFaults lossy = SqsFaults.seed(3).unlistedEntries(1).build();
    String url = server.createQueue("finished");
    SqsAsyncClient client = through(lossy);
    lossy.enable(false);
    SqsWorkQueue queue = queue(client, url, 3);
    queue.enqueue(Message.text("copy me")).join().orThrow();
    Delivery first = take(queue);
    // A client that retries a send whose answer was lost stores such a second copy.
    SqsDelivery own = (SqsDelivery) first;
    plain
        .sendMessage(
            request ->
                request
                    .queueUrl(url)
                    .messageBody(own.received().body())
                    .messageAttributes(own.received().messageAttributes()))
        .join();
    assertThat(queue.suppressedDuplicates()).isZero();
    assertThat(queue.poll(Duration.ofSeconds(1))).as("the copy while the first is held").isEmpty();
    assertThat(queue.suppressedDuplicates()).isEqualTo(1);
    assertThat(first.ack().join()).isEqualTo(Settlement.OK);
    await()
        .atMost(SOON)
        .until(() -> queue.poll(Duration.ofMillis(200)).isEmpty() && queue.depth().backlog() == 0);
  }

  @Test
  void unlistedEntries_areAmbiguous_andSettlementsAreTriedAgain() {
    SqsFaults lossy = SqsFaults.seed(5).unlistedEntries(1).staleReceiptsAsAws().build();
    String url = server.createQueue("unlisted");
    SqsWorkQueue queue = queue(through(lossy), url, 30);
    EnqueueOutcome outcome = queue.enqueue(Message.text("unlisted")).join();
    assertThat(outcome)
        .isInstanceOfSatisfying(
            EnqueueOutcome.Failed.class,
            failed -> {
              assertThat(failed.code()).isEqualTo(ErrorCode.AMBIGUOUS);
              assertThat(failed.retryable()).isTrue();
            });
    Delivery delivery = take(queue);
    long before = count(lossy, "DeleteMessageBatch");
    assertThat(delivery.ack().join()).isEqualTo(Settlement.UNKNOWN);
    assertThat(count(lossy, "DeleteMessageBatch") - before).as("tries").isEqualTo(5);
    assertThat(queue.depth().backlog()).isZero();
  }

  @Test
  void failedEntries_areTriedAgain_untilTheyPass() {
    SqsFaults failing = SqsFaults.seed(5).failedEntries(0.5).build();
    String url = server.createQueue("failing");
    SqsWorkQueue queue = queue(through(failing), url, 30);
    failing.enable(false);
    enqueue(queue, 20);
    failing.enable(true);
    List<CompletableFuture<Settlement>> acks = new ArrayList<>();
    while (acks.size() < 20) {
      queue.poll(10, SOON).forEach(delivery -> acks.add(delivery.ack()));
    }
    for (CompletableFuture<Settlement> ack : acks) {
      assertThat(ack.join()).isIn(Settlement.OK, Settlement.UNKNOWN);
    }
    assertThat(acks.stream().filter(ack -> ack.join() == Settlement.OK)).hasSizeGreaterThan(15);
    assertThat(failing.fired(SqsFault.FAILED_ENTRY)).isPositive();
  }

  @Test
  void oneMessageTwiceInABatch_doesNotSpoilIt() {
    String url = server.createQueue("twice");
    SqsWorkQueue queue = queue(plain, url, 30);
    enqueue(queue, 2);
    List<Delivery> held = new ArrayList<>();
    while (held.size() < 2) {
      held.addAll(queue.poll(2, SOON));
    }
    // The ids in a batch are positions, so two requests for one message may travel together.
    CompletableFuture<Settlement> first = held.get(0).extend(Duration.ofSeconds(30));
    CompletableFuture<Settlement> second = held.get(1).release(Duration.ofSeconds(60));
    CompletableFuture<Settlement> third = held.get(0).extend(Duration.ofSeconds(40));
    assertThat(List.of(first.join(), second.join(), third.join())).containsOnly(Settlement.OK);
    assertThat(held.get(0).leaseRemaining()).isGreaterThan(Duration.ofSeconds(31));
    assertThat(held.get(0).ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void batchesStayBelowOneMebibyte() {
    String url = server.createQueue("large");
    SqsWorkQueue queue = queue(plain, url, 30);
    Message large = Message.text("x".repeat(400_000)).header("h", "y".repeat(1_000));
    List<EnqueueOutcome> outcomes =
        queue.enqueueAll(List.of(large, large, large, large, large)).join();
    assertThat(outcomes).allMatch(EnqueueOutcome.Enqueued.class::isInstance);
    List<Delivery> taken = new ArrayList<>();
    while (taken.size() < 5) {
      List<Delivery> some = queue.poll(5, SOON);
      assertThat(some).isNotEmpty();
      some.forEach(delivery -> assertThat(delivery.message()).isEqualTo(large));
      taken.addAll(some);
    }
    taken.forEach(delivery -> assertThat(delivery.ack().join()).isEqualTo(Settlement.OK));
  }

  @Test
  void oversizeMessagesAndReservedHeaders_areRefusedBeforeAnythingIsSent() {
    SqsFaults calls = SqsFaults.seed(1).build();
    SqsWorkQueue queue = queue(through(calls), server.createQueue("refused"), 30);
    int limit = (int) queue.capabilities().maxMessageBytes();
    assertRefused(queue, Message.text("x".repeat(limit + 1)), String.valueOf(limit));
    assertRefused(queue, Message.of(new byte[limit]), String.valueOf(limit));
    assertRefused(queue, Message.text("x").header("AWS.trace", "1"), "AWS.");
    assertRefused(queue, Message.text("x").header("amazon.x", "1"), "Amazon.");
    assertRefused(queue, Message.text("x").header("a..b", "1"), "header name");
    assertRefused(queue, Message.text("x").header("h", "a\r\nb"), "control character");
    assertRefused(queue, Message.text("x").header("h", "\uD83D"), "surrogate");
    assertThat(queue.enqueue(Message.text("x").delay(Duration.ofSeconds(901))).join())
        .isInstanceOfSatisfying(
            EnqueueOutcome.Failed.class,
            failed -> assertThat(failed.code()).isEqualTo(ErrorCode.UNSUPPORTED));
    assertThat(calls.calls("SendMessageBatch")).isZero();
  }

  private static void assertRefused(SqsWorkQueue queue, Message message, String why) {
    assertThat(queue.enqueue(message).join())
        .isInstanceOfSatisfying(
            EnqueueOutcome.Failed.class,
            failed -> {
              assertThat(failed.code()).isEqualTo(ErrorCode.INVALID_MESSAGE);
              assertThat(failed.message()).contains(why);
            });
  }

  @Test
  void throttling_isWaitedOut_withoutABusyLoop() {
    SqsFaults throttled = SqsFaults.seed(1).throttles(1).build();
    String url = server.createQueue("throttled");
    SqsWorkQueue queue = queue(through(throttled), url, 30);
    assertThat(queue.enqueue(Message.text("no")).join())
        .isInstanceOfSatisfying(
            EnqueueOutcome.Failed.class,
            failed -> assertThat(failed.code()).isEqualTo(ErrorCode.THROTTLED));
    assertThat(queue.poll(Duration.ofSeconds(2))).isEmpty();
    for (int i = 0; i < 100; i++) {
      assertThat(queue.poll(Duration.ZERO)).isEmpty();
    }
    assertThat(throttled.calls("ReceiveMessage")).as("receives in two seconds").isLessThan(12);
    throttled.enable(false);
    queue.enqueue(Message.text("yes")).join().orThrow();
    assertThat(take(queue).ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void twelveHoursCountFromTheReceive() {
    String url = server.createQueue("long");
    SqsWorkQueue queue = queue(plain, url, 30);
    queue.enqueue(Message.text("long")).join().orThrow();
    SqsDelivery delivery = (SqsDelivery) take(queue);
    assertThat(delivery.extend(Duration.ofHours(12)).join()).isEqualTo(Settlement.OK);
    long end = LeaseTimes.hardEnd(delivery.receivedNanos());
    assertThat(delivery.deadlineNanos()).as("cut to SQS's limit").isLessThanOrEqualTo(end);
    assertThat(delivery.leaseRemaining())
        .isBetween(Duration.ofHours(12).minusMinutes(5), Duration.ofHours(12).minusSeconds(1));
    assertThat(delivery.extend(Duration.ofHours(12)).join())
        .as("an extension that gains nothing")
        .isEqualTo(Settlement.STALE);
    assertThat(delivery.isLost()).isFalse();
    assertThatThrownBy(() -> delivery.release(Duration.ofHours(12)))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED));
    assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void shorterLease_holdsAtOnce() {
    String url = server.createQueue("shorter");
    SqsWorkQueue queue = queue(plain, url, 30);
    queue.enqueue(Message.text("short")).join().orThrow();
    Delivery delivery = take(queue);
    CompletableFuture<Settlement> shorter = delivery.extend(Duration.ofSeconds(2));
    assertThat(delivery.leaseRemaining()).isLessThanOrEqualTo(Duration.ofSeconds(2));
    assertThat(shorter.join()).isEqualTo(Settlement.OK);
    Delivery again = take(queue);
    assertThat(delivery.isLost()).isTrue();
    assertThat(again.ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void keysOfStandardQueues_becomeGroups_andOddKeysSurvive() {
    String url = server.createQueue("tenants");
    SqsWorkQueue queue = queue(plain, url, 30);
    queue.enqueue(Message.text("a").key("tenant-1")).join().orThrow();
    queue.enqueue(Message.text("b").key("ein Schlüssel")).join().orThrow();
    for (int i = 0; i < 2; i++) {
      SqsDelivery delivery = (SqsDelivery) take(queue);
      String key = delivery.message().key().orElseThrow();
      assertThat(delivery.received().attributes())
          .containsEntry(MessageSystemAttributeName.MESSAGE_GROUP_ID, SqsText.id(key));
      assertThat(key).isIn("tenant-1", "ein Schlüssel");
      assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
    }
  }

  @Test
  void returnedInThisProcess_burnsNoAttempt_andCausesAreKept() {
    SqsWorkQueue queue = queue(plain, server.createQueue("causes"), 30);
    queue.enqueue(Message.text("x")).join().orThrow();
    assertThat(take(queue).release().join()).isEqualTo(Settlement.OK);
    assertThat(take(queue).giveBack().join()).isEqualTo(Settlement.OK);
    assertThat(queue.release(take(queue), Duration.ZERO, ReleaseCause.FAILED).join())
        .isEqualTo(Settlement.OK);
    Delivery last = take(queue);
    assertThat(last.attempts().failed()).isEqualTo(2);
    assertThat(last.attempts().returned()).isEqualTo(1);
    assertThat(last.attempts().leaseLost()).isZero();
    assertThat(last.attempt()).isEqualTo(3);
    assertThat(last.ack().join()).isEqualTo(Settlement.OK);
  }

  private static void enqueue(SqsWorkQueue queue, int count) {
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      messages.add(Message.text("message " + i));
    }
    queue.enqueueAll(messages).join().forEach(EnqueueOutcome::orThrow);
  }
}
