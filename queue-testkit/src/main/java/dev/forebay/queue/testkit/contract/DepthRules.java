package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** W7, as far as the queue itself tells it: how much is waiting. */
public interface DepthRules {

  /** What waits, what is held and what is done. */
  @Test
  @WhenOffered({Ability.VISIBLE_DEPTH, Ability.IN_FLIGHT_DEPTH})
  default void W7_depth_countsWhatWaitsAndWhatIsHeld(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 6);
    eventually(trial, queue, depth -> depth.backlog() == 6);
    List<Delivery> held = trial.take(queue, 2);
    eventually(trial, queue, depth -> depth.backlog() == 6 && depth.inFlight().orElse(0) >= 2);
    trial.ackAll(held);
    trial.ackAll(trial.take(queue, 4));
    eventually(trial, queue, depth -> depth.backlog() == 0);
  }

  /** What waits for its time. */
  @Test
  @WhenOffered({Ability.ENQUEUE_DELAY, Ability.DELAYED_DEPTH})
  default void W7_depth_countsWhatIsDelayed(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 3, i -> Message.text("later " + i).delay(Duration.ofSeconds(30)));
    trial.enqueue(queue, Message.text("now"));
    eventually(
        trial, queue, depth -> depth.delayed().orElse(0) == 3 && depth.visible().orElse(1) == 1);
  }

  /** The age of the oldest counts from its first enqueue, through retries, until it is settled. */
  @Test
  @WhenOffered(Ability.OLDEST_AGE)
  default void W7_oldestAge_countsFromTheFirstEnqueue(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("old"));
    trial.timing().pass(Duration.ofMillis(600));
    trial.enqueue(queue, Message.text("new"));
    Delivery old = trial.take(queue);
    assertThat(old.message().text()).isEqualTo("old");
    eventually(trial, queue, depth -> age(depth).compareTo(Duration.ofMillis(500)) > 0);
    trial.get(old.release());
    eventually(trial, queue, depth -> age(depth).compareTo(Duration.ofMillis(500)) > 0);
    trial.ackAll(trial.take(queue, 2));
    eventually(trial, queue, depth -> age(depth).isZero());
  }

  private static Duration age(QueueDepth depth) {
    return depth.oldestAge().orElse(Duration.ZERO);
  }

  /** A broker's figures are approximate for a while. */
  private static void eventually(Trial trial, WorkQueue queue, Predicate<QueueDepth> expected) {
    QueueDepth[] last = new QueueDepth[1];
    boolean met =
        trial
            .timing()
            .until(
                trial.timing().arrival(),
                () -> {
                  last[0] = queue.depth();
                  if (!expected.test(last[0])) {
                    trial.timing().pass(Duration.ofMillis(50));
                    return false;
                  }
                  return true;
                });
    assertThat(met).as("the figures come true; the last were %s", last[0]).isTrue();
  }
}
