package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** R4: a delayed, failing or held message never blocks another one. */
public interface FlowRules {

  /** So long that whoever waits for it fails the test. */
  Duration LONG_DELAY = Duration.ofSeconds(60);

  /** A message that fails at every attempt leaves the way free. */
  @Test
  default void R4_messageThatAlwaysFails_blocksNoOther(Trial trial) {
    WorkQueue queue = trial.open();
    String poison = trial.enqueue(queue, Message.text("poison"));
    Set<String> others = new HashSet<>(trial.enqueueMany(queue, 20));
    int failures = 0;
    while (!others.isEmpty()) {
      Delivery delivery = trial.take(queue);
      if (delivery.id().equals(poison)) {
        failures++;
        assertThat(failures).as("attempts of the poison while others wait").isLessThan(200);
        assertThat(delivery.attempt()).isEqualTo(failures);
        assertThat(trial.get(delivery.release())).isEqualTo(Settlement.OK);
      } else {
        assertThat(others.remove(delivery.id())).as("handled once").isTrue();
        trial.ack(delivery);
      }
    }
    trial.ack(trial.take(queue));
  }

  /** Many messages that wait for their next attempt do not hold up what comes after them. */
  @Test
  @WhenOffered(Ability.RELEASE_DELAY)
  default void R4_releasedMessagesThatWait_blockNoOther(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 20);
    Duration max = trial.capabilities().maxReleaseDelay();
    Duration delay = max.compareTo(LONG_DELAY) < 0 ? max : LONG_DELAY;
    Set<String> waiting = new HashSet<>();
    for (Delivery delivery : trial.take(queue, 20)) {
      waiting.add(delivery.id());
      assertThat(trial.get(delivery.release(delay))).isEqualTo(Settlement.OK);
    }
    assertOthersFlow(trial, queue, waiting);
  }

  /** The same for messages that were enqueued with a delay. */
  @Test
  @WhenOffered(Ability.ENQUEUE_DELAY)
  default void R4_delayedMessages_blockNoOther(Trial trial) {
    WorkQueue queue = trial.open();
    Duration max = trial.capabilities().maxEnqueueDelay();
    Duration delay = max.compareTo(LONG_DELAY) < 0 ? max : LONG_DELAY;
    List<String> waiting =
        trial.enqueueMany(queue, 20, i -> Message.text("waits " + i).delay(delay));
    assertOthersFlow(trial, queue, new HashSet<>(waiting));
  }

  /**
   * Handlers that take long do not hold up the others: not those of their batch, nor later ones.
   */
  @Test
  default void R4_heldMessages_blockNoOther(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 8);
    List<Delivery> held = trial.take(queue, 8);
    Set<String> ids = new HashSet<>();
    held.forEach(delivery -> ids.add(delivery.id()));
    assertOthersFlow(trial, queue, ids);
    assertThat(held).noneMatch(Delivery::isLost);
    trial.ackAll(held);
  }

  private static void assertOthersFlow(Trial trial, WorkQueue queue, Set<String> waiting) {
    long began = trial.timing().nanoTime();
    Set<String> others = new HashSet<>(trial.enqueueMany(queue, 20));
    while (!others.isEmpty()) {
      Delivery delivery = trial.take(queue);
      assertThat(waiting).as("ids that must not be delivered now").doesNotContain(delivery.id());
      assertThat(others.remove(delivery.id())).as("handled once").isTrue();
      trial.ack(delivery);
    }
    assertThat(trial.timing().since(began))
        .as("time for 20 messages beside those that wait")
        .isLessThan(trial.timing().arrival());
  }
}
