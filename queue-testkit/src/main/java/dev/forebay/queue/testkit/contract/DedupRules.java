package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** U1: what a dedup id does at the queue itself. */
public interface DedupRules {

  /** The second enqueue of an id is told so and gives no second delivery, also after the ack. */
  @Test
  @WhenOffered(Ability.DEDUP)
  default void U1_sameDedupId_givesOneDelivery(Trial trial) {
    WorkQueue one = trial.open();
    WorkQueue two = trial.open();
    String id = trial.enqueue(one, Message.text("once").dedupId("request-1"));
    assertDuplicate(trial, one, "request-1", id);
    assertDuplicate(trial, two, "request-1", id);
    Delivery delivery = trial.take(two);
    assertThat(delivery.id()).isEqualTo(id);
    assertThat(delivery.message().dedupId()).contains("request-1");
    assertDuplicate(trial, one, "request-1", id);
    trial.ack(delivery);
    assertDuplicate(trial, two, "request-1", id);
    trial.nothingArrives(one, Duration.ofMillis(500));
    trial.nothingArrives(two, Duration.ofMillis(500));
  }

  /** A broker that answers both alike leaves it at the id of the first. */
  private static void assertDuplicate(Trial trial, WorkQueue queue, String dedupId, String id) {
    EnqueueOutcome outcome = trial.get(queue.enqueue(Message.text("again").dedupId(dedupId)));
    assertThat(outcome.orThrow()).as("id that %s tells", outcome).isEqualTo(id);
  }

  /** In one list, and from many threads at once. */
  @Test
  @WhenOffered(Ability.DEDUP)
  default void U1_sameDedupId_atOnce_givesOneDelivery(Trial trial) {
    WorkQueue queue = trial.open();
    List<EnqueueOutcome> list =
        trial.get(
            queue.enqueueAll(
                List.of(
                    Message.text("a").dedupId("list"),
                    Message.text("b"),
                    Message.text("c").dedupId("list"))));
    assertThat(list.get(0)).isInstanceOf(EnqueueOutcome.Enqueued.class);
    assertThat(list.get(1)).isInstanceOf(EnqueueOutcome.Enqueued.class);
    assertThat(list.get(2).orThrow()).isEqualTo(list.get(0).orThrow());

    List<Background<EnqueueOutcome>> rivals = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      rivals.add(
          Background.start(
              trial.timing(),
              "rival",
              () -> queue.enqueue(Message.text("rival").dedupId("threads")).join()));
    }
    List<EnqueueOutcome> outcomes = rivals.stream().map(Background::result).toList();
    assertThat(outcomes)
        .extracting(EnqueueOutcome::orThrow)
        .containsOnly(outcomes.get(0).orThrow());

    List<Delivery> taken = trial.take(queue, 3);
    assertThat(taken)
        .extracting(delivery -> delivery.message().text())
        .containsExactlyInAnyOrder("a", "b", "rival");
    trial.ackAll(taken);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** Same body, other id or none: each is work of its own. Also ids that look alike. */
  @Test
  default void U1_differentDedupIds_areNeverDropped(Trial trial) {
    WorkQueue queue = trial.open();
    List<Message> messages = new ArrayList<>();
    for (String id :
        List.of("request-1", "request-10", "Request-1", "request-1 ", "r\u0435quest-1")) {
      messages.add(Message.text("same body").dedupId(id));
    }
    messages.add(Message.text("same body"));
    messages.add(Message.text("same body"));
    messages.add(Message.text("same body").key("request-1"));
    List<String> ids = trial.enqueueAll(queue, messages);
    assertThat(ids).doesNotHaveDuplicates();
    List<Delivery> taken = trial.take(queue, messages.size());
    assertThat(taken).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    trial.ackAll(taken);
  }

  /** What was refused was not stored, so its dedup id is still free. */
  @Test
  @WhenOffered(Ability.DEDUP)
  default void U1_refusedMessage_leavesItsDedupIdFree(Trial trial) {
    WorkQueue queue = trial.open();
    Message refused = Message.text("work").dedupId("request-1").header("bad name", "x");
    assertThat(trial.get(queue.enqueue(refused))).isInstanceOf(EnqueueOutcome.Failed.class);
    trial.enqueue(queue, Message.text("work").dedupId("request-1"));
    trial.ack(trial.take(queue));
  }

  /** After the window the id is free again; waited for only where that is soon. */
  @Test
  @WhenOffered(Ability.DEDUP)
  default void U1_afterTheWindow_theDedupIdIsFree(Trial trial) {
    WorkQueue queue = trial.open();
    String first = trial.enqueue(queue, Message.text("work").dedupId("request-1"));
    trial.ack(trial.take(queue));
    Duration window = trial.capabilities().dedupWindow();
    boolean soon =
        trial.timing().granularity().isZero() || window.compareTo(Duration.ofSeconds(10)) < 0;
    if (soon) {
      trial.timing().pass(window.minusMillis(100));
      assertDuplicate(trial, queue, "request-1", first);
      trial.timing().pass(trial.late(Duration.ofMillis(100)));
      assertThat(trial.enqueue(queue, Message.text("work").dedupId("request-1")))
          .isNotEqualTo(first);
      trial.ack(trial.take(queue));
    } else {
      assertDuplicate(trial, queue, "request-1", first);
    }
  }

  /** Without dedup, nothing is dropped, and the id travels for those who look at it later. */
  @Test
  @WhenAbsent(Ability.DEDUP)
  default void U1_sameDedupId_whereAbsent_isDeliveredEachTime(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids =
        trial.enqueueMany(queue, 3, i -> Message.text("again " + i).dedupId("request-1"));
    assertThat(ids).doesNotHaveDuplicates();
    List<Delivery> taken = trial.take(queue, 3);
    assertThat(taken).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(taken)
        .extracting(delivery -> delivery.message().dedupId().orElse(""))
        .containsOnly("request-1");
    trial.ackAll(taken);
  }
}
