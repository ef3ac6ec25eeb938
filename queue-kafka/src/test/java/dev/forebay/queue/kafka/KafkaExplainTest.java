package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Explanation.State;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.QueueSettings;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** S4: what a Kafka queue object can know of a message, and that it says so when it cannot. */
class KafkaExplainTest {

  private static final Duration LONG = Duration.ofSeconds(90);
  private static final QueueSettings SETTINGS =
      new QueueSettings(Duration.ofSeconds(60), Duration.ofSeconds(5), true, KeyPolicy.STRICT);

  private static Delivery take(WorkQueue queue) {
    return queue.poll(LONG).orElseThrow();
  }

  @Test
  void S4_keyed_knowsWhatItHasFetched() {
    KafkaKeyedHarness harness = new KafkaKeyedHarness();
    try (WorkQueue queue = harness.open("explain-keyed", SETTINGS)) {
      String first = queue.enqueue(Message.text("a").key("k")).join().orThrow();
      String second = queue.enqueue(Message.text("b").key("k")).join().orThrow();
      Delivery held = take(queue);
      assertThat(held.id()).isEqualTo(first);
      assertThat(queue.explain(first).state()).isEqualTo(State.LEASED);
      Awaitility.await("the second is fetched")
          .atMost(LONG)
          .until(() -> queue.explain(second).state() == State.WAITING_FOR_KEY);
      held.release(Duration.ofSeconds(60)).join();
      assertThat(queue.explain(first).state()).isEqualTo(State.DELAYED);
      assertThat(queue.explain(first).until()).isPresent();
      assertThat(queue.explain("nobody's").state()).isEqualTo(State.UNKNOWN);
    } finally {
      harness.delete("explain-keyed");
    }
  }

  @Test
  void S4_share_knowsWhatItHasInHand() {
    KafkaShareHarness harness = new KafkaShareHarness();
    try (WorkQueue queue = harness.open("explain-share", SETTINGS)) {
      String id = queue.enqueue(Message.text("a")).join().orThrow();
      Delivery held = take(queue);
      assertThat(queue.explain(id).state()).isEqualTo(State.LEASED);
      assertThat(queue.explain(id).until()).isPresent();
      held.ack().join();
      assertThat(queue.explain(id).state()).isEqualTo(State.UNKNOWN);
    } finally {
      harness.delete("explain-share");
    }
  }
}
