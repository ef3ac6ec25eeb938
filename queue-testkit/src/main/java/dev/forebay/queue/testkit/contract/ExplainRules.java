package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Explanation.State;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * S4: what a queue says about one message is true. A backend that cannot know says UNKNOWN, which
 * is right everywhere; the tests of the backends say what each of them has to know.
 */
public interface ExplainRules {

  /** A message in hand is leased; a settled one and one never heard of are not there. */
  @Test
  default void S4_explain_tellsWhoHoldsAMessage(Trial trial) {
    WorkQueue queue = trial.open();
    assertTrue(queue.explain("no-such-id"), "no-such-id", State.ABSENT);
    String id = trial.enqueue(queue, Message.text("held"));
    Delivery held = trial.take(queue);
    Explanation leased = queue.explain(id);
    assertTrue(leased, id, State.LEASED);
    leased
        .until()
        .ifPresent(end -> assertThat(gap(end, held.leaseUntil())).isLessThan(tolerance(trial)));
    trial.ack(held);
    assertTrue(queue.explain(id), id, State.ABSENT);
  }

  /** One that was released with a delay is delayed until then. */
  @Test
  @WhenOffered(Ability.RELEASE_DELAY)
  default void S4_explain_tellsUntilWhenAMessageIsDelayed(Trial trial) {
    WorkQueue queue = trial.open();
    String id = trial.enqueue(queue, Message.text("later"));
    Delivery first = trial.take(queue);
    Duration delay = Duration.ofSeconds(60);
    Instant due = now(first).plus(delay);
    assertThat(trial.get(first.release(delay))).isEqualTo(Settlement.OK);
    Explanation delayed = queue.explain(id);
    assertTrue(delayed, id, State.DELAYED);
    delayed.until().ifPresent(end -> assertThat(gap(end, due)).isLessThan(tolerance(trial)));
  }

  /** One that died is among the dead letters, and its cause is told. */
  @Test
  @WhenOffered(Ability.DEAD_LETTERS)
  default void S4_explain_tellsWhyAMessageDied(Trial trial) {
    WorkQueue queue = trial.open();
    String id = trial.enqueue(queue, Message.text("poison"));
    DeadLetterCause cause = new DeadLetterCause("Unspeakable", "it cannot be said");
    assertThat(trial.get(trial.take(queue).deadLetter(cause))).isEqualTo(Settlement.OK);
    Explanation dead = queue.explain(id);
    assertTrue(dead, id, State.DEAD_LETTERED);
    if (dead.state() == State.DEAD_LETTERED) {
      assertThat(dead.sentence()).contains(cause.type());
    }
  }

  /** One behind another of its key waits for that; without an order it may be ready. */
  @Test
  default void S4_explain_tellsThatAMessageWaitsForItsKey(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 2, i -> Message.text("m" + i).key("k"));
    Delivery held = trial.take(queue);
    String other = ids.get(held.id().equals(ids.get(0)) ? 1 : 0);
    assertTrue(
        queue.explain(other),
        other,
        trial.offers(Ability.KEY_ORDER) ? State.WAITING_FOR_KEY : State.READY);
    trial.ack(held);
  }

  private static void assertTrue(Explanation said, String id, State state) {
    assertThat(said.id()).isEqualTo(id);
    assertThat(said.state()).as(said.sentence()).isIn(state, State.UNKNOWN);
    assertThat(said.sentence()).isNotBlank();
  }

  /** The clock that leases end by. */
  private static Instant now(Delivery held) {
    return held.leaseUntil().minus(held.leaseRemaining());
  }

  private static Duration gap(Instant one, Instant other) {
    return Duration.between(one, other).abs();
  }

  /** Between two looks at a clock a machine may stand still for a while. */
  private static Duration tolerance(Trial trial) {
    return Duration.ofSeconds(5).plus(trial.timing().tolerance());
  }
}
