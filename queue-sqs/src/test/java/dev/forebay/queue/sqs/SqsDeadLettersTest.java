package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.fault.SqsFaults;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/** Dead letters on SQS: ours, those that SQS moves itself, and those of other producers. */
class SqsDeadLettersTest extends SqsQueueTest {

  @Test
  void fifoDeadLetters_holdUpNoOther_andAreWrittenOnce() {
    String letters = server.createFifoQueue("letters");
    String url = server.createFifoQueue("source", server.redriveTo(letters, 10));
    SqsFaults lossy = SqsFaults.seed(11).lostReplies(0.4).staleReceiptsAsAws().build();
    lossy.enable(false);
    SqsWorkQueue queue = queue(through(lossy), url, 30);
    queue.enqueue(Message.text("first").key("k")).join().orThrow();
    queue.enqueue(Message.text("second").key("k")).join().orThrow();
    for (int i = 0; i < 2; i++) {
      Delivery delivery = take(queue);
      lossy.enable(true);
      assertThat(delivery.deadLetter(new DeadLetterCause("Test", "why")).join())
          .isIn(Settlement.OK, Settlement.UNKNOWN);
      lossy.enable(false);
    }
    SqsWorkQueue dead = queue(plain, letters, 30);
    List<Delivery> both = List.of(take(dead), take(dead));
    assertThat(both)
        .extracting(letter -> letter.message().text())
        .containsExactlyInAnyOrder("first", "second");
    for (Delivery letter : both) {
      assertThat(letter.message().key()).contains("k");
      assertThat(letter.deadLetter().orElseThrow().origin()).isEqualTo(queue.name());
      assertThat(letter.ack().join()).isEqualTo(Settlement.OK);
    }
    assertThat(dead.poll(Duration.ofSeconds(1))).isEmpty();
  }

  @Test
  void whatSqsItselfMovedToTheDeadLetters_canBeRead() {
    String letters = server.createQueue("letters");
    String url = server.createQueue("source", server.redriveTo(letters, 2));
    SqsWorkQueue queue = queue(plain, url, 30);
    queue.enqueue(Message.text("poison").header("h", "v")).join().orThrow();
    for (int i = 0; i < 2; i++) {
      assertThat(take(queue).release().join()).isEqualTo(Settlement.OK);
    }
    assertThat(queue.poll(Duration.ofSeconds(1))).isEmpty();
    Delivery moved = take(queue(plain, letters, 30));
    assertThat(moved.message().text()).isEqualTo("poison");
    assertThat(moved.message().headers()).isEqualTo(Map.of("h", "v"));
    assertThat(moved.deadLetter()).isEmpty();
    assertThat(moved.ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void otherProducersMessages_ofAnySizeAndTenAttributes_canBeDeadLettered() {
    String letters = server.createQueue("letters");
    String url = server.createQueue("foreign", server.redriveTo(letters, 10));
    Map<String, MessageAttributeValue> attributes = new HashMap<>();
    for (int i = 0; i < 10; i++) {
      attributes.put(
          "h" + i, MessageAttributeValue.builder().dataType("Number").stringValue("" + i).build());
    }
    int attributeBytes = 10 * (2 + "Number".length() + 1);
    List<String> bodies = List.of("small", "x".repeat((1 << 20) - attributeBytes));
    SqsWorkQueue queue = queue(plain, url, 30);
    SqsWorkQueue dead = queue(plain, letters, 30);
    for (String body : bodies) {
      plain
          .sendMessage(
              request -> request.queueUrl(url).messageBody(body).messageAttributes(attributes))
          .join();
      Delivery delivery = take(queue);
      assertThat(delivery.message().text()).isEqualTo(body);
      assertThat(delivery.deadLetter(new DeadLetterCause("Test", "why")).join())
          .isEqualTo(Settlement.OK);
      Delivery letter = take(dead);
      assertThat(letter.message()).isEqualTo(delivery.message());
      assertThat(letter.message().headers()).hasSize(10);
      // What fills SQS's limit leaves no room for a cause.
      assertThat(letter.deadLetter().isPresent()).isEqualTo(body.equals("small"));
      assertThat(letter.ack().join()).isEqualTo(Settlement.OK);
    }
  }

  @Test
  void undecodable_withoutDeadLetters_isDeliveredAsThePlainMessageItIs_andBlocksNothing() {
    String url = server.createQueue("undecodable");
    SqsWorkQueue queue = queue(plain, url, 30);
    for (String body : List.of("broken", "whole")) {
      plain
          .sendMessage(
              request -> {
                request.queueUrl(url).messageBody(body);
                if (body.equals("broken")) {
                  request.messageAttributes(
                      Map.of(
                          SqsWire.METADATA,
                          MessageAttributeValue.builder()
                              .dataType("String")
                              .stringValue("id=%zz")
                              .build(),
                          "h",
                          MessageAttributeValue.builder()
                              .dataType("String")
                              .stringValue("v")
                              .build()));
                }
              })
          .join();
    }
    List<String> bodies = new ArrayList<>();
    while (bodies.size() < 2) {
      Delivery delivery = take(queue);
      String body = delivery.message().text();
      bodies.add(body);
      assertThat(delivery.message().headers())
          .isEqualTo(body.equals("broken") ? Map.of("h", "v") : Map.of());
      assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
    }
    assertThat(bodies).containsExactlyInAnyOrder("broken", "whole");
    assertThat(queue.undecodable()).isEqualTo(1);
  }
}
