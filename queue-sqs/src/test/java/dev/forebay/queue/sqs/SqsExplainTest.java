package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Explanation.State;
import dev.forebay.queue.Message;
import org.junit.jupiter.api.Test;

/** S4: what an SQS queue object can know of a message, and that it says so when it cannot. */
class SqsExplainTest extends SqsQueueTest {

  @Test
  void S4_standard_knowsWhatItHoldsAndWhatItAcked() {
    SqsWorkQueue queue = queue(plain, server.createQueue("explain"), 30);
    String id = queue.enqueue(Message.text("m")).join().orThrow();
    Delivery held = take(queue);
    Explanation leased = queue.explain(id);
    assertThat(leased.state()).isEqualTo(State.LEASED);
    assertThat(leased.until()).isPresent();
    assertThat(leased.sentence()).contains("attempt 1");
    held.ack().join();
    assertThat(queue.explain(id).state()).isEqualTo(State.ABSENT);
    Explanation unknown = queue.explain("somebody else's");
    assertThat(unknown.state()).isEqualTo(State.UNKNOWN);
    assertThat(unknown.sentence()).contains("Unknown here");
  }

  @Test
  void S4_fifo_knowsThatTheNextOfAGroupItHoldsWaits() {
    SqsWorkQueue queue = queue(plain, server.createFifoQueue("explain"), 30);
    String first = queue.enqueue(Message.text("a").key("k")).join().orThrow();
    String second = queue.enqueue(Message.text("b").key("k")).join().orThrow();
    Delivery held = take(queue);
    assertThat(held.id()).isEqualTo(first);
    assertThat(queue.explain(first).state()).isEqualTo(State.LEASED);
    Explanation next = queue.explain(second);
    // Received together with the first, or not received at all.
    assertThat(next.state()).isIn(State.WAITING_FOR_KEY, State.UNKNOWN);
    held.ack().join();
  }
}
