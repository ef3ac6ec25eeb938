package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** S2, S3: wrong settings and brokers that are away. */
public interface TroubleRules {

  /** How long the broker is away. */
  Duration OUTAGE = Duration.ofSeconds(4);

  /**
   * What was delivered just before the outage cannot be given back: it returns by this lease, which
   * must end while the test still waits for it.
   */
  Duration LEASE = Duration.ofSeconds(10);

  /**
   * What was sent into the outage may wait for the client's own time-outs: half a minute for each
   * request and two minutes in all with Kafka's producer.
   */
  Duration ANSWER = Duration.ofSeconds(150);

  /** How long what the test does not look for is put aside. */
  Duration ASIDE = Duration.ofSeconds(1);

  /** Each build that the harness knows to be wrong fails with its code and says what to do. */
  @Test
  @WhenOffered(Ability.MISCONFIGURATIONS)
  default void S2_misconfiguration_failsAtBuildWithWhatToDo(Trial trial) {
    for (Misconfiguration wrong : trial.harness().misconfigurations()) {
      Background<Throwable> build =
          Background.start(
              trial.timing(), "build", () -> catchThrowable(() -> wrong.build().get().close()));
      assertThat(build.result())
          .as(wrong.what())
          .isInstanceOfSatisfying(
              QueueException.class,
              e -> {
                assertThat(e.code()).as(wrong.what()).isEqualTo(wrong.code());
                assertThat(e.getMessage()).as(wrong.what()).contains(wrong.advice());
              });
    }
  }

  /** Pollers survive, callers get answers, nothing that was stored is lost. */
  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  @WhenOffered(Ability.OUTAGE)
  default void S3_outage_isSurvivedAndLosesNothing(Trial trial) {
    try (BrokerOutage broker = trial.harness().outage().orElseThrow().get()) {
      WorkQueue queue = broker.open(trial.name(), trial.settings().withLease(LEASE));
      try {
        survive(trial, broker, queue);
      } finally {
        trial.close(queue);
      }
    }
  }

  private static void survive(Trial trial, BrokerOutage broker, WorkQueue queue) {
    Set<String> stored = new HashSet<>(trial.enqueueMany(queue, 10));
    Delivery before = trial.take(queue);
    trial.ack(before);
    Background<Delivery> poller =
        Background.start(
            trial.timing(),
            "poller",
            () -> {
              while (true) {
                List<Delivery> taken = queue.poll(1, Duration.ofSeconds(1));
                if (taken.stream().anyMatch(d -> d.message().text().equals("after"))) {
                  return taken.get(0);
                }
                giveBack(trial, taken);
              }
            });
    broker.stop();
    List<Background<CompletableFuture<EnqueueOutcome>>> during = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Message message = Message.text("during " + i);
      // Each may keep its caller waiting; one after the other they would prolong the outage.
      during.add(Background.start(trial.timing(), "enqueue", () -> queue.enqueue(message)));
    }
    long began = trial.timing().nanoTime();
    int polls = 0;
    while (trial.timing().since(began).compareTo(OUTAGE) < 0) {
      List<Delivery> taken = queue.poll(1, Duration.ofMillis(250));
      giveBack(trial, taken);
      polls += taken.isEmpty() ? 1 : 0;
    }
    assertThat(polls)
        .as("empty polls of 250 ms in %s: a poll that fails must not spin", OUTAGE)
        .isLessThan(40);
    broker.start();
    enqueueWhenBack(trial, queue);
    Delivery after = poller.result();
    assertThat(trial.get(after.ack())).isEqualTo(Settlement.OK);
    for (Background<CompletableFuture<EnqueueOutcome>> call : during) {
      CompletableFuture<EnqueueOutcome> outcome = call.result(ANSWER);
      assertThat(trial.timing().await(ANSWER, outcome::isDone, () -> true))
          .as("an enqueue from the time of the outage is answered within %s", ANSWER)
          .isTrue();
      if (outcome.join() instanceof EnqueueOutcome.Failed failed) {
        assertThat(failed.retryable()).as("%s", failed).isTrue();
      } else {
        stored.add(outcome.join().orThrow());
      }
    }
    stored.remove(before.id());
    Set<String> left = new HashSet<>(stored);
    while (!left.isEmpty()) {
      Delivery delivery = trial.take(queue);
      trial.get(delivery.ack());
      left.remove(delivery.id());
    }
  }

  /**
   * For a moment each, where the queue can delay: one that is deliverable again at once may be the
   * first in line again, and the others would never get their turn. A queue that fetched ahead may
   * deliver the same one again, broker or not.
   */
  private static void giveBack(Trial trial, List<Delivery> taken) {
    for (Delivery delivery : taken) {
      Duration longest = delivery.queue().capabilities().maxReleaseDelay();
      delivery.release(longest.compareTo(ASIDE) < 0 ? longest : ASIDE);
    }
    if (!taken.isEmpty()) {
      trial.timing().pass(Duration.ofMillis(20));
    }
  }

  private static void enqueueWhenBack(Trial trial, WorkQueue queue) {
    boolean stored =
        trial
            .timing()
            .until(
                Trial.CALL,
                () ->
                    trial.get(queue.enqueue(Message.text("after")))
                        instanceof EnqueueOutcome.Enqueued);
    assertThat(stored).as("an enqueue succeeds soon after the broker is back").isTrue();
  }
}
