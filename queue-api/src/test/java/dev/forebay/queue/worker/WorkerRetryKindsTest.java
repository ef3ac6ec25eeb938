package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.policy.FailureKind;
import dev.forebay.queue.policy.RetryDecision;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.policy.ThrottledException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Kinds of failures, and attempts by their cause (R2, R5). */
class WorkerRetryKindsTest {

  private final Rig rig = new Rig();

  @Test
  void R2_throttledWorkWaitsAsLongAsAskedAndBurnsNoAttempt() {
    rig.enqueue("a");
    AtomicInteger calls = new AtomicInteger();
    List<Attempts> seen = new CopyOnWriteArrayList<>();
    try (Worker worker =
        rig.worker()
            .retry(Rig.RETRY.maxAttempts(1))
            .handler(
                (delivery, context) -> {
                  seen.add(delivery.attempts());
                  if (calls.incrementAndGet() <= 4) {
                    throw new ThrottledException("429", Duration.ofSeconds(30));
                  }
                })
            .start()) {
      for (int round = 1; round <= 4; round++) {
        int times = round;
        rig.awaitStats(worker, stats -> stats.throttled() == times && stats.running() == 0);
        rig.awaitDepth(0, 0, 1);
        rig.advance(Duration.ofSeconds(29));
        rig.awaitDepth(0, 0, 1);
        rig.advance(Duration.ofSeconds(1));
      }
      rig.awaitStats(worker, stats -> stats.handled() == 1);
      assertThat(worker.stats().failed() + worker.stats().retried()).isZero();
      assertThat(seen.get(4)).isEqualTo(new Attempts(0, 0, 4));
    }
    assertThat(rig.dead.poll(Duration.ZERO)).isEmpty();
  }

  @Test
  void W6_throttledWorkStopsIntakeWhenAsked() {
    rig.enqueue("a");
    AtomicInteger calls = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .pauseWhenThrottled()
            .handler(
                (delivery, context) -> {
                  if (calls.incrementAndGet() == 1) {
                    throw new ThrottledException("429", Duration.ofSeconds(10));
                  }
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.throttled() == 1 && stats.running() == 0);
      rig.awaitDepth(0, 0, 1);
      rig.enqueue("b");
      rig.advance(Duration.ofSeconds(9));
      // A poll that was waiting may bring it: then it comes back untouched.
      rig.awaitDepth(1, 0, 1);
      assertThat(calls).hasValue(1);
      rig.advance(Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.handled() == 2);
    }
  }

  @Test
  void R5_lostLeasesAndReturnsDoNotCountAsFailures() {
    rig.enqueue("a");
    for (int crash = 0; crash < 2; crash++) {
      assertThat(rig.queue.poll(Duration.ZERO)).isPresent();
      rig.advance(Rig.LEASE);
    }
    for (int shutdown = 0; shutdown < 10; shutdown++) {
      rig.queue.poll(Duration.ZERO).orElseThrow().giveBack().join();
    }
    AtomicInteger calls = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .retry(Rig.RETRY.maxAttempts(2))
            .handler(
                (delivery, context) -> {
                  assertThat(delivery.attempts().leaseLost()).isEqualTo(2);
                  if (calls.incrementAndGet() == 1) {
                    throw new IOException("busy");
                  }
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.retried() == 1 && stats.running() == 0);
      rig.awaitDepth(0, 0, 1);
      rig.advance(Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.handled() == 1);
    }
    assertThat(rig.dead.poll(Duration.ZERO)).isEmpty();
  }

  @Test
  void R5_kindsOfFailuresAreTold() {
    RetryPolicy policy =
        RetryPolicy.exponential(Duration.ofSeconds(1), Duration.ofSeconds(8))
            .classify(
                failure ->
                    "429".equals(failure.getMessage())
                        ? FailureKind.throttled(Duration.ofSeconds(3))
                        : null)
            .terminal(IllegalArgumentException.class)
            .poison(ArithmeticException.class);
    assertThat(policy.kindOf(new IOException("x"))).isEqualTo(FailureKind.transientFailure());
    assertThat(policy.kindOf(new IllegalArgumentException("429")))
        .as("classifiers in their order")
        .isEqualTo(new FailureKind.Throttled(Optional.of(Duration.ofSeconds(3))));
    assertThat(policy.kindOf(new IllegalArgumentException("x"))).isEqualTo(FailureKind.terminal());
    assertThat(policy.kindOf(new CompletionException(new ArithmeticException("x"))))
        .isEqualTo(FailureKind.poison());
    assertThat(policy.kindOf(new QueueException(ErrorCode.THROTTLED, "x")))
        .isEqualTo(FailureKind.throttled(null));
    assertThat(policy.kindOf(new ThrottledException("x", null)))
        .isEqualTo(FailureKind.throttled(null));
    assertThat(policy.decide(Attempts.NONE, new ArithmeticException("0"), "m"))
        .isEqualTo(new RetryDecision.DeadLetter(new DeadLetterCause("ArithmeticException", "0")));
    assertThat(policy.decide(Attempts.NONE, new ThrottledException("x", null), "m"))
        .isInstanceOf(RetryDecision.Throttled.class);
  }

  @Test
  void R5_boundsAreByCause() {
    RetryPolicy policy = Rig.RETRY.maxAttempts(3).maxLostLeases(4);
    IOException failure = new IOException("busy");
    RetryDecision dead = new RetryDecision.DeadLetter(DeadLetterCause.of(failure));
    assertThat(policy.decide(new Attempts(2, 0, 0), failure, "m")).isEqualTo(dead);
    assertThat(policy.decide(new Attempts(1, 3, 50), failure, "m"))
        .isEqualTo(new RetryDecision.Retry(Duration.ofSeconds(2)));
    assertThat(policy.decide(new Attempts(0, 4, 0), failure, "m")).isEqualTo(dead);
    assertThat(policy.exhausted(new Attempts(2, 3, 99))).isFalse();
    assertThat(policy.exhausted(new Attempts(3, 0, 0))).isTrue();
    assertThat(policy.exhausted(new Attempts(0, 4, 0))).isTrue();
  }
}
