package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** An interrupt meant for one message never reaches the next one on its thread (W2). */
class RunTest {

  private static final int ROUNDS = 100_000;

  private final Rig rig = new Rig();
  private final ManualTimeSource time = rig.time;

  private Run run() {
    rig.enqueue("a");
    Delivery delivery = rig.queue.poll(Duration.ZERO).orElseThrow();
    return new Run(null, delivery, Rig.LEASE, time.nanoTime(), time);
  }

  @Test
  void W2_anInterruptNeverLeaksIntoTheNextRun() throws Exception {
    Delivery delivery = run().delivery();
    AtomicReference<Run> current = new AtomicReference<>(run());
    AtomicBoolean enough = new AtomicBoolean();
    AtomicInteger lost = new AtomicInteger();
    Thread interrupter =
        new Thread(
            () -> {
              // Always late for some and early for others: there is no telling which.
              for (int i = 0; !enough.get(); i++) {
                Run run = current.get();
                if (i % 3 == 0) {
                  run.cutShort();
                } else if (run.lose()) {
                  lost.incrementAndGet();
                }
              }
            });
    interrupter.start();
    int leaked = 0;
    int knownLost = current.get().lose() ? 1 : 0;
    lost.addAndGet(knownLost);
    int interrupted = 0;
    int begun = 0;
    while (begun < ROUNDS || interrupted < ROUNDS / 100) {
      Run run = new Run(null, delivery, Rig.LEASE, 0, time);
      if (begun % 2 == 0) {
        assertThat(run.begin()).isTrue();
        current.set(run);
      } else {
        current.set(run);
        if (!run.begin()) {
          knownLost += run.knownLost() ? 1 : 0;
          leaked += Thread.interrupted() ? 1 : 0;
          begun++;
          continue;
        }
      }
      begun++;
      for (int work = begun % 50; work > 0; work--) {
        Thread.onSpinWait();
      }
      interrupted += Thread.currentThread().isInterrupted() ? 1 : 0;
      run.end();
      knownLost += run.knownLost() ? 1 : 0;
      // From here on the thread belongs to the next message.
      for (int work = 0; work < 20; work++) {
        leaked += Thread.interrupted() ? 1 : 0;
      }
    }
    enough.set(true);
    interrupter.join();
    assertThat(leaked).isZero();
    assertThat(knownLost).as("lost for one side means lost for the other").isEqualTo(lost.get());
  }

  @Test
  void W2_whatIsLostOrCutShortBeforeItBeginsDoesNotBegin() {
    Run lost = run();
    assertThat(lost.lose()).isTrue();
    assertThat(lost.lose()).as("only once").isFalse();
    assertThat(lost.begin()).isFalse();
    assertThat(lost.knownLost()).isTrue();

    Run cut = run();
    cut.cutShort();
    assertThat(cut.begin()).isFalse();
    assertThat(cut.knownLost()).isFalse();
    assertThat(cut.wasCutShort()).isTrue();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void W2_whatLeavesWithoutHavingRunCanNoLongerBeLostAndWhatIsLostHasNothingToSettle() {
    Run left = run();
    assertThat(left.leave()).isTrue();
    assertThat(left.lose()).isFalse();

    AtomicInteger told = new AtomicInteger();
    Run lost = run();
    lost.whenLost(told::incrementAndGet);
    assertThat(lost.lose()).isTrue();
    assertThat(lost.leave()).isFalse();
    lost.whenLost(told::incrementAndGet);
    assertThat(told).as("later, and at once").hasValue(2);
  }

  @Test
  void W2_oneInterruptEndsACallOfABatchAndNoneComesAfter() {
    Run first = run();
    Run second = run();
    assertThat(first.begin(false)).isTrue();
    assertThat(second.begin(false)).isTrue();
    first.lose();
    BatchCall call = BatchCall.begin(List.of(first, second));
    assertThat(Thread.currentThread().isInterrupted()).as("one of two").isFalse();
    second.lose();
    assertThat(Thread.currentThread().isInterrupted()).as("all").isTrue();
    call.end();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    first.cutShort();
    assertThat(Thread.currentThread().isInterrupted()).as("none after the call").isFalse();
    BatchCall next = BatchCall.begin(List.of(first));
    assertThat(Thread.currentThread().isInterrupted()).as("what came before it").isTrue();
    next.end();
    first.end();
    second.end();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void W2_whatHasEndedCanNoLongerBeLost() {
    Run run = run();
    assertThat(run.begin()).isTrue();
    time.advance(Duration.ofSeconds(2));
    assertThat(run.runningNanos()).isEqualTo(2_000_000_000L);
    assertThat(run.end()).isEqualTo(2_000_000_000L);
    assertThat(run.lose()).isFalse();
    run.cutShort();
    assertThat(run.wasCutShort()).isFalse();
    assertThat(run.runningNanos()).isZero();
    assertThat(run.wantsExtension()).isFalse();
  }

  @Test
  void textNamesTheMessageAndNotItsBody() {
    Run run = run();
    assertThat(run.toString()).contains(run.delivery().id()).doesNotContain("\"a\"");
  }
}
