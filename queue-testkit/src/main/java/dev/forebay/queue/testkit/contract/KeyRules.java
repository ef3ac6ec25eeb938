package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** K1, K2, K3: what a key does. */
public interface KeyRules {

  /**
   * Two processes with two threads each, failing some of what they get: of each key one at a time,
   * and in the order of the enqueues.
   */
  @Test
  @WhenOffered(Ability.KEY_ORDER)
  default void K1_messagesOfOneKey_areHandledOneAtATimeInOrder(Trial trial) {
    WorkQueue one = trial.open();
    WorkQueue two = trial.open();
    List<String> ids = trial.enqueueMany(one, 40, i -> Message.text("m" + i).key("key-" + i % 4));
    Drain drain =
        new Drain(
            trial,
            40,
            delivery ->
                delivery.attempt() == 1 && delivery.message().text().endsWith("3")
                    ? Drain.Choice.RELEASE
                    : Drain.Choice.ACK,
            delivery -> delivery.message().key().orElseThrow());
    drain.start(one, 2);
    drain.start(two, 2);
    drain.finish();
    List<String> handled = drain.handled();
    assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
    for (int key = 0; key < 4; key++) {
      int of = key;
      assertThat(handled.stream().filter(id -> ids.indexOf(id) % 4 == of))
          .as("order of key-%s", key)
          .containsExactlyElementsOf(ids.stream().filter(id -> ids.indexOf(id) % 4 == of).toList());
    }
  }

  /** A lost lease does not let the next one overtake. */
  @Test
  @WhenOffered(Ability.KEY_ORDER)
  default void K1_lostLease_keepsTheOrder(Trial trial) {
    trial.useShortLease();
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 3, i -> Message.text("m" + i).key("k"));
    Delivery hangs = trial.take(queue);
    assertThat(hangs.id()).isEqualTo(ids.get(0));
    Delivery again = trial.take(queue);
    assertThat(again.id()).isEqualTo(ids.get(0));
    assertThat(again.attempt()).isEqualTo(2);
    trial.ack(again);
    assertInOrder(trial, queue, ids.subList(1, 3));
  }

  /** Nor does a restart. */
  @Test
  @WhenOffered(Ability.KEY_ORDER)
  default void K1_restart_keepsTheOrder(Trial trial) {
    trial.useShortLease();
    WorkQueue before = trial.open();
    List<String> ids = trial.enqueueMany(before, 4, i -> Message.text("m" + i).key("k"));
    trial.ack(trial.take(before));
    trial.take(before);
    trial.close(before);
    assertInOrder(trial, trial.open(), ids.subList(1, 4));
  }

  /** A message that goes to the dead letters makes way for the next. */
  @Test
  @WhenOffered({Ability.KEY_ORDER, Ability.DEAD_LETTERS})
  default void K1_deadLetter_makesWayForTheNext(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 3, i -> Message.text("m" + i).key("k"));
    Delivery dies = trial.take(queue);
    assertThat(trial.get(dies.deadLetter(new DeadLetterCause("Test", "makes way"))))
        .isEqualTo(Settlement.OK);
    assertInOrder(trial, queue, ids.subList(1, 3));
  }

  private static void assertInOrder(Trial trial, WorkQueue queue, List<String> ids) {
    List<String> handled = new ArrayList<>();
    while (handled.size() < ids.size()) {
      Delivery delivery = trial.take(queue);
      handled.add(delivery.id());
      trial.ack(delivery);
    }
    assertThat(handled).containsExactlyElementsOf(ids);
  }

  /** Different keys do not wait for each other: the first of each can be held at once. */
  @Test
  @WhenOffered(Ability.KEY_ORDER)
  default void K1_differentKeys_goInParallel(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 18, i -> Message.text("m" + i).key("key-" + i % 6));
    List<Delivery> heads = trial.take(queue, 6);
    assertThat(heads)
        .extracting(Delivery::id)
        .containsExactlyInAnyOrderElementsOf(ids.subList(0, 6));
    trial.nothingArrives(queue, Duration.ofMillis(500));
    trial.ackAll(heads);
    List<Delivery> next = trial.take(queue, 6);
    assertThat(next)
        .extracting(Delivery::id)
        .containsExactlyInAnyOrderElementsOf(ids.subList(6, 12));
    trial.ackAll(next);
  }

  /** Without order a key is just carried: it neither holds up nor drops anything. */
  @Test
  @WhenAbsent(Ability.KEY_ORDER)
  default void K1_key_whereOrderIsAbsent_holdsNothingUp(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 6, i -> Message.text("m" + i).key("k"));
    List<Delivery> held = trial.take(queue, 6);
    assertThat(held).extracting(delivery -> delivery.message().key().orElse("")).containsOnly("k");
    trial.ackAll(held);
  }

  /** Strict: the later ones of a failing key wait for it, and only they. */
  @Test
  @WhenOffered({Ability.KEY_ORDER, Ability.RELEASE_DELAY})
  default void K2_strict_laterOnesOfAFailingKeyWait(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 3, i -> Message.text("m" + i).key("failing"));
    Delivery fails = trial.take(queue);
    assertThat(fails.id()).isEqualTo(ids.get(0));
    assertThat(trial.get(fails.release(Duration.ofSeconds(2)))).isEqualTo(Settlement.OK);
    String other = trial.enqueue(queue, Message.text("other").key("well"));
    Delivery well = trial.take(queue);
    assertThat(well.id()).isEqualTo(other);
    trial.ack(well);
    assertInOrder(trial, queue, ids);
  }

  /** Relaxed: a failing message steps aside, later ones go on, still one at a time. */
  @Test
  @WhenOffered({Ability.RELAXED_KEYS, Ability.RELEASE_DELAY})
  default void K2_relaxed_aFailingMessageStepsAside(Trial trial) {
    trial.use(trial.settings().withKeyPolicy(KeyPolicy.RELAXED));
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 3, i -> Message.text("m" + i).key("failing"));
    Delivery fails = trial.take(queue);
    assertThat(fails.id()).isEqualTo(ids.get(0));
    assertThat(trial.get(fails.release(Duration.ofSeconds(5)))).isEqualTo(Settlement.OK);
    Delivery second = trial.take(queue);
    assertThat(second.id()).isEqualTo(ids.get(1));
    trial.nothingArrives(queue, Duration.ofMillis(500));
    trial.ack(second);
    Delivery third = trial.take(queue);
    assertThat(third.id()).isEqualTo(ids.get(2));
    trial.ack(third);
    Delivery again = trial.take(queue);
    assertThat(again.id()).isEqualTo(ids.get(0));
    trial.ack(again);
  }

  /** A hot key with a long backlog: the others come long before it is worked off. */
  @Test
  @WhenOffered(Ability.KEY_ORDER)
  default void K3_hotKey_starvesNoOther(Trial trial) {
    WorkQueue queue = trial.open();
    Map<String, Integer> position = new HashMap<>();
    trial.enqueueMany(queue, 60, i -> Message.text("hot " + i).key("hot"));
    List<String> cold =
        trial.enqueueMany(queue, 10, i -> Message.text("cold " + i).key("cold-" + i));
    while (position.size() < 70) {
      Delivery delivery = trial.take(queue);
      position.put(delivery.id(), position.size());
      trial.ack(delivery);
    }
    assertThat(cold.stream().map(position::get))
        .as("places of the ten cold keys among 70")
        .allMatch(place -> place < 40);
  }

  /** While the hot key's message is held, all others still flow. */
  @Test
  @WhenOffered(Ability.KEY_ORDER)
  default void K3_heldHotKey_leavesTheOthersFree(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 30, i -> Message.text("hot " + i).key("hot"));
    Delivery held = trial.take(queue);
    trial.enqueueMany(queue, 10, i -> Message.text("cold " + i).key("cold-" + i));
    List<Delivery> others = trial.take(queue, 10);
    assertThat(others.stream().flatMap(delivery -> Stream.of(delivery.message().text())))
        .allMatch(text -> text.startsWith("cold"));
    trial.ackAll(others);
    trial.ack(held);
  }
}
