package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Work whose deadline has passed is not run (W5). */
class WorkerDeadlineTest {

  private static final Duration DEADLINE = Duration.ofSeconds(20);

  private final List<String> ran = new CopyOnWriteArrayList<>();

  private static void enqueue(Rig rig, String text) {
    rig.queue.enqueue(Message.text(text).deadline(DEADLINE)).join().orThrow();
  }

  private WorkerBuilder worker(Rig rig) {
    return rig.worker().handler((delivery, context) -> ran.add(delivery.message().text()));
  }

  @Test
  void W5_expiredWorkGoesToTheDeadLettersWithItsCauseAndNeverRuns() {
    Rig rig = new Rig();
    enqueue(rig, "late");
    rig.advance(DEADLINE);
    enqueue(rig, "in time");
    try (Worker worker = worker(rig).start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.deadLettered() == 1);
      assertThat(ran).containsExactly("in time");
      assertThat(worker.stats().expired()).isEqualTo(1);
      assertThat(worker.stats().failed()).isZero();
    }
    Delivery letter = rig.dead.poll(Duration.ZERO).orElseThrow();
    assertThat(letter.message().text()).isEqualTo("late");
    assertThat(letter.deadLetter().orElseThrow().cause().type()).isEqualTo(DeadLetterCause.EXPIRED);
  }

  @Test
  void W5_whereTheQueueHasNoDeadLettersOrTheUserSaysSoItIsDropped() {
    for (boolean deadLetters : List.of(true, false)) {
      Rig rig = new Rig(deadLetters);
      enqueue(rig, "late");
      rig.advance(DEADLINE);
      WorkerBuilder builder = worker(rig);
      if (deadLetters) {
        builder.expired(Expiry.drop());
      }
      try (Worker worker = builder.start()) {
        rig.awaitStats(worker, stats -> stats.expired() == 1 && stats.running() == 0);
        rig.awaitDepth(0, 0, 0);
        assertThat(worker.stats().deadLettered() + worker.stats().handled()).isZero();
      }
      assertThat(rig.dead.poll(Duration.ZERO)).isEmpty();
    }
    assertThat(ran).isEmpty();
  }

  @Test
  void W5_aCallbackIsToldAndCalledAgainAfterAFailure() {
    Rig rig = new Rig();
    enqueue(rig, "late");
    rig.advance(DEADLINE);
    AtomicInteger calls = new AtomicInteger();
    try (Worker worker =
        worker(rig)
            .expired(
                Expiry.call(
                    delivery -> {
                      if (calls.incrementAndGet() == 1) {
                        throw new IllegalStateException("nobody answers");
                      }
                      ran.add("told of " + delivery.message().text());
                    }))
            .start()) {
      rig.awaitDepth(0, 0, 1);
      rig.awaitStats(worker, stats -> stats.running() == 0);
      assertThat(worker.stats().expired()).isZero();
      rig.advance(Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.expired() == 1 && stats.running() == 0);
      rig.awaitDepth(0, 0, 0);
      assertThat(ran).containsExactly("told of late");
    }
  }

  /** What was in time when it was admitted may be late when the steps have asked a slow store. */
  @Test
  void W5_theDeadlineIsLookedAtOnceMoreRightBeforeTheStart() {
    for (boolean batch : List.of(false, true)) {
      Rig rig = new Rig();
      rig.queue.enqueue(Message.text("late").deadline(Duration.ofSeconds(5)));
      rig.enqueue("slow");
      AtomicInteger notRun = new AtomicInteger();
      Step slow =
          new Step() {
            @Override
            public Decision before(Run run) {
              // Alone it is late by itself, in a batch by another one.
              if (!batch || run.delivery().message().text().equals("slow")) {
                rig.advance(Duration.ofSeconds(5));
              }
              return Decision.GO;
            }

            @Override
            public void after(Run run, Result result) {
              notRun.addAndGet(result == Result.NOT_RUN ? 1 : 0);
            }
          };
      WorkerBuilder builder = rig.worker().step(context -> slow);
      if (batch) {
        builder.batches(
            BatchOptions.of(2),
            items -> items.forEach(item -> ran.add("batch " + item.value().message().text())));
      } else {
        builder.handler((delivery, context) -> ran.add(delivery.message().text()));
      }
      try (Worker worker = builder.start()) {
        rig.awaitStats(
            worker, stats -> stats.expired() == 1 && stats.handled() == 1 && stats.running() == 0);
        rig.awaitDepth(0, 0, 0);
        assertThat(notRun).as("every step that was asked is told").hasValue(1);
      }
    }
    assertThat(ran).containsExactly("slow", "batch slow");
  }

  @Test
  void W5_aHandlerKnowsHowMuchTimeIsLeftAndIsNotStopped() throws Exception {
    Rig rig = new Rig();
    enqueue(rig, "slow");
    rig.enqueue("no deadline");
    rig.advance(Duration.ofSeconds(5));
    CountDownLatch started = new CountDownLatch(2);
    CountDownLatch finish = new CountDownLatch(1);
    try (Worker worker =
        rig.worker()
            .slots(2)
            .handler(
                (delivery, context) -> {
                  ran.add(delivery.message().text() + " " + context.timeRemaining());
                  started.countDown();
                  finish.await();
                  ran.add(delivery.message().text() + " " + context.timeRemaining());
                })
            .start()) {
      started.await();
      assertThat(ran)
          .containsExactlyInAnyOrder("slow Optional[PT15S]", "no deadline Optional.empty");
      rig.advance(Duration.ofSeconds(25));
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 2);
      assertThat(ran).contains("slow Optional[PT0S]");
    }
  }
}
