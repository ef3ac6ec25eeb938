package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What the features around a handler may rely on. */
class StepsTest {

  private final Rig rig = new Rig();
  private final List<String> told = new CopyOnWriteArrayList<>();
  private final AtomicReference<Parking> parking = new AtomicReference<>();
  private final AtomicReference<Run> parked = new AtomicReference<>();

  /** Says what it is asked and told. */
  private Function<StepContext, Step> step(String name, Function<Run, Decision> decide) {
    return context -> {
      parking.set(context.parking());
      return new Step() {
        @Override
        public Decision before(Run run) {
          told.add(name + "?");
          return decide.apply(run);
        }

        @Override
        public void after(Run run, Result result) {
          told.add(name + " " + result.getClass().getSimpleName());
        }
      };
    };
  }

  /** Parks the first time. */
  private Decision parkOnce(Run run) {
    return parked.compareAndSet(null, run) ? Decision.PARK : Decision.GO;
  }

  @Test
  void W1_stepsAreAskedInOrderAndToldInReverseBeforeTheSettlement() {
    rig.enqueue("a");
    AtomicReference<Long> inFlight = new AtomicReference<>();
    try (Worker worker =
        rig.worker()
            .step(step("1", run -> Decision.GO))
            .step(
                context ->
                    new Step() {
                      @Override
                      public Decision before(Run run) {
                        return Decision.GO;
                      }

                      @Override
                      public void after(Run run, Result result) {
                        assertThat(Result.isDone(result)).isTrue();
                        inFlight.set(rig.queue.depth().inFlight().orElseThrow());
                      }
                    })
            .step(step("2", run -> Decision.GO))
            .handler((delivery, context) -> told.add("handler"))
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(told).containsExactly("1?", "2?", "handler", "2 Decided", "1 Decided");
      assertThat(inFlight).as("told before the ack").hasValue(1L);
    }
  }

  @Test
  void W1_aStepThatDecidesEndsTheAskingAndEarlierOnesAreToldThatNothingRan() {
    rig.enqueue("a");
    DeadLetterCause cause = new DeadLetterCause("BAD", "made up");
    try (Worker worker =
        rig.worker()
            .step(step("1", run -> Decision.GO))
            .step(step("2", run -> Decision.settle(Outcome.deadLetter(cause), SkipReason.DIVERTED)))
            .step(step("3", run -> Decision.GO))
            .handler((delivery, context) -> told.add("handler"))
            .start()) {
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1 && stats.running() == 0);
      assertThat(told).containsExactly("1?", "2?", "1 NotRun");
      assertThat(worker.stats().handled() + worker.stats().failed()).isZero();
    }
    assertThat(rig.dead.poll(Duration.ZERO).orElseThrow().deadLetter().orElseThrow().cause())
        .isEqualTo(cause);
  }

  @Test
  void W1_settlementsOfStepsBurnNoAttempt() {
    rig.enqueue("a");
    AtomicInteger asked = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .step(
                step(
                    "1",
                    run ->
                        switch (asked.incrementAndGet()) {
                          case 1 -> Decision.settle(Outcome.giveBack(), SkipReason.GATE_CLOSED);
                          case 2 ->
                              Decision.settle(
                                  Outcome.retryAfter(Duration.ofSeconds(5)),
                                  SkipReason.GATE_CLOSED);
                          default -> Decision.settle(Outcome.ack(), SkipReason.DUPLICATE);
                        }))
            .handler((delivery, context) -> told.add("handler"))
            .start()) {
      Rig.eventually("released with a delay", () -> worker.stats().returned() == 2);
      rig.awaitDepth(0, 0, 1);
      assertThat(parked).hasNullValue();
      rig.advance(Duration.ofSeconds(5));
      rig.awaitDepth(0, 0, 0);
      assertThat(worker.stats().handled()).isZero();
      assertThat(told).containsOnly("1?");
    }
  }

  @Test
  void W1_failuresLostLeasesAndThrowingStepsAreAllTold() {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .step(
                step(
                    "broken",
                    run -> {
                      throw new IllegalStateException("made up");
                    }))
            .step(step("2", run -> Decision.GO))
            .handler(
                (delivery, context) -> {
                  throw new IOException("busy");
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.retried() == 1 && stats.running() == 0);
      assertThat(told).containsExactly("broken?", "2?", "2 Failed");
    }
  }

  @Test
  void L3_theLeaseOfWhatAStepKeepsIsKeptAndItHoldsItsSlot() {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .step(step("1", run -> Decision.GO))
            .step(step("2", this::parkOnce))
            .handler((delivery, context) -> told.add("handler"))
            .start()) {
      Rig.eventually("parked", () -> told.contains("1 NotRun"));
      rig.advanceInSteps(Rig.LEASE.multipliedBy(3), Duration.ofSeconds(1));
      assertThat(worker.stats().running()).isEqualTo(1);
      assertThat(worker.stats().extensions()).isGreaterThanOrEqualTo(6);
      parking.get().resume(parked.get());
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(told)
          .containsExactly("1?", "2?", "1 NotRun", "1?", "2?", "handler", "2 Decided", "1 Decided");
      parking.get().resume(parked.get());
      parking.get().settle(parked.get(), Outcome.ack(), SkipReason.DUPLICATE);
      assertThat(worker.stats().running()).isZero();
    }
  }

  @Test
  void W1_aStayMayBeEndedBeforeItHasBegun() {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .step(
                step(
                    "1",
                    run -> {
                      parking.get().settle(run, Outcome.ack(), SkipReason.DUPLICATE);
                      return Decision.PARK;
                    }))
            .handler((delivery, context) -> told.add("handler"))
            .start()) {
      rig.awaitDepth(0, 0, 0);
      rig.awaitStats(worker, stats -> stats.running() == 0);
      assertThat(told).containsExactly("1?");
    }
  }

  @Test
  void S1_whatAStepKeepsIsGivenBackAtCloseAndLateEndsDoNothing() {
    rig.enqueue("a");
    rig.enqueue("b");
    Worker worker =
        rig.worker()
            .slots(2)
            .step(step("1", run -> run.lease().isZero() ? Decision.GO : Decision.PARK))
            .handler((delivery, context) -> told.add("handler"))
            .start();
    Rig.eventually("both parked", () -> told.size() == 2 && worker.stats().running() == 2);
    worker.close();
    rig.awaitDepth(2, 0, 0);
    assertThat(worker.stats().returned()).isEqualTo(2);
    assertThat(rig.queue.poll(Duration.ZERO).orElseThrow().attempt()).isEqualTo(1);
  }
}
