package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** P1, P2: how poll behaves; {@link DeliveryRules} has P3 to P5. */
public interface PollRules {

  /** A wait that no test sits out, unless poll fails to wake. */
  Duration LONG_WAIT = Duration.ofSeconds(60);

  /** Never more than asked for, and all of them in the end. */
  @Test
  default void P1_poll_returnsAtMostTheMaximum(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 30);
    List<Delivery> taken = new ArrayList<>();
    for (int max : new int[] {1, 7, 3, 100}) {
      List<Delivery> some = trial.arrivals(List.of(queue), max, trial.late(LONG_WAIT));
      assertThat(some).hasSizeBetween(1, max);
      taken.addAll(some);
    }
    taken.addAll(trial.take(queue, 30 - taken.size()));
    assertThat(taken).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    trial.ackAll(taken);
  }

  /** An empty queue: an empty list, not null or an exception, after the wait and not before. */
  @Test
  default void P1_emptyQueue_givesAnEmptyListAfterTheWait(Trial trial) {
    WorkQueue queue = trial.open();
    Duration wait = Duration.ofSeconds(1);
    long began = trial.timing().nanoTime();
    List<Delivery> none =
        Background.start(trial.timing(), "poll", () -> queue.poll(4, wait))
            .result(wait.plus(trial.timing().tolerance()));
    assertThat(none).isNotNull().isEmpty();
    assertThat(trial.timing().since(began))
        .as("an early return makes callers spin")
        .isGreaterThanOrEqualTo(wait.minus(trial.timing().granularity()));
    assertThat(queue.poll(Duration.ZERO)).isEmpty();
  }

  /** No wait: returns at once, and finds what is there sooner or later. */
  @Test
  default void P1_zeroWait_returnsAtOnceAndFindsWhatIsThere(Trial trial) {
    WorkQueue queue = trial.open();
    List<Delivery> none =
        Background.start(trial.timing(), "poll", () -> queue.poll(1, Duration.ZERO))
            .result(trial.timing().tolerance());
    assertThat(none).isEmpty();
    trial.enqueue(queue, Message.text("here"));
    List<Delivery> found = new ArrayList<>();
    assertThat(
            trial
                .timing()
                .until(
                    trial.late(trial.timing().arrival()),
                    () -> found.addAll(queue.poll(1, Duration.ZERO))))
        .as("found by polls that do not wait")
        .isTrue();
    trial.ackAll(found);
  }

  /** A poll returns with what there is instead of waiting for more. */
  @Test
  default void P1_poll_returnsEarlyOnceItHasAny(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("only one"));
    long began = trial.timing().nanoTime();
    List<Delivery> taken =
        Background.start(trial.timing(), "poll", () -> queue.poll(10, LONG_WAIT)).result();
    assertThat(taken).hasSize(1);
    assertThat(trial.timing().since(began)).isLessThan(LONG_WAIT.dividedBy(2));
    trial.ackAll(taken);
  }

  /** A poll that waits is woken by a message, also by one that another process stored. */
  @Test
  default void P1_waitingPoll_isWokenByAMessage(Trial trial) {
    WorkQueue queue = trial.open();
    WorkQueue producer = trial.open();
    for (WorkQueue from : List.of(queue, producer)) {
      Background<List<Delivery>> waiting =
          Background.start(trial.timing(), "poll", () -> queue.poll(10, LONG_WAIT)).untilItWaits();
      long began = trial.timing().nanoTime();
      trial.enqueue(from, Message.text("wake up"));
      List<Delivery> taken = waiting.result();
      assertThat(taken).hasSize(1);
      assertThat(trial.timing().since(began)).isLessThan(LONG_WAIT.dividedBy(2));
      trial.ackAll(taken);
    }
  }

  /** Close ends the wait of every poll. */
  @Test
  default void P1_waitingPolls_areWokenByClose(Trial trial) {
    WorkQueue queue = trial.open();
    List<Background<List<Delivery>>> waiting = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      waiting.add(
          Background.start(trial.timing(), "poll", () -> queue.poll(1, LONG_WAIT)).untilItWaits());
    }
    long began = trial.timing().nanoTime();
    Background<Boolean> closing =
        Background.start(
            trial.timing(),
            "close",
            () -> {
              queue.close();
              return true;
            });
    for (Background<List<Delivery>> poll : waiting) {
      assertThat(poll.result()).isEmpty();
    }
    closing.result();
    assertThat(trial.timing().since(began)).isLessThan(LONG_WAIT.dividedBy(2));
  }

  /** After close: a clear error, not an empty list that a loop would poll for ever. */
  @Test
  default void P1_pollAfterClose_failsAsClosed(Trial trial) {
    WorkQueue queue = trial.open();
    trial.close(queue);
    assertThatThrownBy(() -> queue.poll(1, Duration.ZERO))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
  }

  /** An interrupt ends the wait, stays visible to the caller, and costs no message. */
  @Test
  default void P1_interruptedPoll_returnsEmptyWithTheFlagSet(Trial trial) {
    WorkQueue queue = trial.open();
    boolean[] flag = new boolean[2];
    Background<List<Delivery>> waiting =
        Background.start(
                trial.timing(),
                "poll",
                () -> {
                  List<Delivery> taken = new ArrayList<>(queue.poll(1, LONG_WAIT));
                  flag[0] = Thread.currentThread().isInterrupted();
                  taken.addAll(queue.poll(1, LONG_WAIT));
                  flag[1] = Thread.currentThread().isInterrupted();
                  return taken;
                })
            .untilItWaits();
    long began = trial.timing().nanoTime();
    waiting.interrupt();
    assertThat(waiting.result()).isEmpty();
    assertThat(trial.timing().since(began)).isLessThan(LONG_WAIT.dividedBy(2));
    assertThat(flag).as("interrupt flag after each poll").containsExactly(true, true);
    trial.enqueue(queue, Message.text("still works"));
    trial.ack(trial.take(queue));
  }

  /** Arguments that make no sense are refused, and nothing is taken. */
  @Test
  default void P1_senselessArguments_areRefused(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("stays"));
    assertThatThrownBy(() -> queue.poll(0, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> queue.poll(-1, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> queue.poll(1, Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    Delivery delivery = trial.take(queue);
    assertThat(delivery.attempt()).isEqualTo(1);
    trial.ack(delivery);
  }

  /** Many threads on one object: each message once, none lost. */
  @Test
  default void P2_manyThreads_onOneObject_getEachMessageOnce(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 200);
    Drain drain = new Drain(trial, 200, delivery -> Drain.Choice.ACK);
    drain.start(queue, 8);
    drain.finish();
    assertThat(drain.handled()).containsExactlyInAnyOrderElementsOf(ids);
  }

  /** Producers, consumers and every way to settle, all at once on one object. */
  @Test
  default void P2_everythingAtOnce_onOneObject_losesNothing(Trial trial) {
    WorkQueue queue = trial.open();
    Drain drain =
        new Drain(
            trial,
            100,
            delivery -> {
              int choice = Math.floorMod(delivery.id().hashCode(), 4);
              if (delivery.attempt() > 1 || delivery.attempts().returned() > 0 || choice == 3) {
                return Drain.Choice.ACK;
              }
              assertThat(delivery.extend(trial.lease()).join()).isEqualTo(Settlement.OK);
              return choice == 0
                  ? Drain.Choice.ACK
                  : choice == 1 ? Drain.Choice.RELEASE : Drain.Choice.GIVE_BACK;
            });
    drain.start(queue, 4);
    List<Background<List<String>>> producers = new ArrayList<>();
    for (int p = 0; p < 4; p++) {
      int producer = p;
      producers.add(
          Background.start(
              trial.timing(),
              "producer",
              () -> {
                List<String> ids = new ArrayList<>();
                for (int i = 0; i < 25; i++) {
                  ids.add(queue.enqueue(Message.text(producer + "/" + i)).join().orThrow());
                }
                return ids;
              }));
    }
    Set<String> ids = new HashSet<>();
    producers.forEach(producer -> ids.addAll(producer.result()));
    drain.finish();
    assertThat(drain.handled()).containsExactlyInAnyOrderElementsOf(ids);
  }
}
