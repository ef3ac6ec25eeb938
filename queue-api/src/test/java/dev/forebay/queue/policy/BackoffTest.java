package dev.forebay.queue.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BackoffTest {

  private static final int CASES = 2_000;

  /** Random settings and questions; a failure prints which. */
  private record Case(Duration base, Duration cap, long seed, int attempt, String salt) {

    static Case random(Random random) {
      long base = (long) Math.pow(10, random.nextDouble() * 11);
      long cap = base + (long) Math.pow(10, random.nextDouble() * 16);
      int attempt =
          random.nextInt(10) == 0 ? 1 + random.nextInt(1_000_000) : 1 + random.nextInt(40);
      return new Case(
          Duration.ofNanos(base),
          Duration.ofNanos(Math.min(cap, Duration.ofDays(365).toNanos())),
          random.nextLong(),
          attempt,
          "id-" + random.nextInt());
    }

    Backoff backoff(Jitter jitter) {
      return Backoff.exponential(base, cap).jitter(jitter).seed(seed);
    }

    /** min(cap, base × 2^(attempt-1)), by plain steps. */
    Duration unjittered() {
      Duration delay = base;
      for (int i = 1; i < attempt && delay.compareTo(cap) < 0; i++) {
        delay = delay.multipliedBy(2);
      }
      return delay.compareTo(cap) < 0 ? delay : cap;
    }
  }

  @ParameterizedTest
  @EnumSource(Jitter.class)
  void R3_everyDelayIsWithinTheBoundsOfItsJitter(Jitter jitter) {
    Random random = new Random(1);
    for (int i = 0; i < CASES; i++) {
      Case c = Case.random(random);
      Duration delay = c.backoff(jitter).delay(c.attempt, c.salt);
      Duration wait = c.unjittered();
      switch (jitter) {
        case NONE -> assertThat(delay).as("%s", c).isEqualTo(wait);
        case FULL -> assertThat(delay).as("%s", c).isBetween(Duration.ZERO, wait);
        case EQUAL -> assertThat(delay).as("%s", c).isBetween(wait.dividedBy(2), wait);
        case DECORRELATED -> assertThat(delay).as("%s", c).isBetween(c.base, c.cap);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Jitter.class)
  void R3_isAPureFunctionOfSeedAttemptAndSalt(Jitter jitter) {
    Random random = new Random(2);
    for (int i = 0; i < CASES; i++) {
      Case c = Case.random(random);
      Backoff one = c.backoff(jitter);
      Duration first = one.delay(c.attempt, c.salt);
      // Other questions in between must leave no trace.
      one.delay(c.attempt + 1, c.salt);
      one.delay(c.attempt, "other");
      assertThat(one.delay(c.attempt, c.salt)).as("%s, asked again", c).isEqualTo(first);
      assertThat(c.backoff(jitter).delay(c.attempt, c.salt)).as("%s, another", c).isEqualTo(first);
    }
  }

  @Test
  void R3_withoutASeedOneObjectIsStillPure() {
    Backoff backoff = Backoff.exponential(Duration.ofMillis(100), Duration.ofMinutes(1));
    for (int attempt = 1; attempt < 50; attempt++) {
      assertThat(backoff.delay(attempt)).isEqualTo(backoff.delay(attempt));
    }
  }

  @Test
  void R3_decorrelatedNeverGrowsByMoreThanThreeTimesTheDelayBefore() {
    Backoff backoff =
        Backoff.exponential(Duration.ofMillis(100), Duration.ofHours(1))
            .jitter(Jitter.DECORRELATED);
    for (int message = 0; message < 200; message++) {
      Duration before = Duration.ofMillis(100);
      for (int attempt = 1; attempt <= 60; attempt++) {
        Duration delay = backoff.delay(attempt, "m" + message);
        assertThat(delay).isLessThanOrEqualTo(before.multipliedBy(3));
        before = delay;
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Jitter.class,
      names = {"FULL", "EQUAL", "DECORRELATED"})
  void R3_jitterFillsItsRange(Jitter jitter) {
    // Attempt 1 of all three is even over a known range: the ten tenths must be about as full.
    Backoff backoff =
        Backoff.exponential(Duration.ofSeconds(1), Duration.ofHours(1)).jitter(jitter).seed(7);
    long low =
        switch (jitter) {
          case EQUAL -> 500_000_000L;
          case DECORRELATED -> 1_000_000_000L;
          default -> 0L;
        };
    long high = jitter == Jitter.DECORRELATED ? 3_000_000_000L : 1_000_000_000L;
    int[] tenths = new int[10];
    for (int message = 0; message < 20_000; message++) {
      long nanos = backoff.delay(1, "message-" + message).toNanos();
      tenths[(int) Math.min(9, (nanos - low) * 10 / (high - low))]++;
    }
    for (int tenth : tenths) {
      assertThat(tenth).isBetween(1_800, 2_200);
    }
  }

  @Test
  void messagesAndSeedsDoNotRetryInStep() {
    Backoff backoff = Backoff.exponential(Duration.ofSeconds(1), Duration.ofMinutes(1)).seed(3);
    List<Duration> delays = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      delays.add(backoff.delay(3, "m" + i));
      delays.add(backoff.seed(i + 100).delay(3));
    }
    assertThat(delays).doesNotHaveDuplicates();
  }

  @Test
  void aBaseOfZeroRetriesAtOnce() {
    for (Jitter jitter : Jitter.values()) {
      assertThat(Backoff.exponential(Duration.ZERO, Duration.ZERO).jitter(jitter).delay(9))
          .isZero();
    }
  }

  @Test
  void theLargestAttemptIsAnsweredByTheCap() {
    Backoff backoff = Backoff.exponential(Duration.ofMillis(1), Duration.ofDays(365));
    assertThat(backoff.jitter(Jitter.NONE).delay(Integer.MAX_VALUE))
        .isEqualTo(Duration.ofDays(365));
    assertThat(backoff.jitter(Jitter.DECORRELATED).delay(Integer.MAX_VALUE))
        .isBetween(Duration.ofMillis(1), Duration.ofDays(365));
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatThrownBy(() -> Backoff.exponential(Duration.ofSeconds(2), Duration.ofSeconds(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT2S")
        .hasMessageContaining("PT1S");
    assertThatThrownBy(() -> Backoff.exponential(Duration.ofSeconds(-1), Duration.ofSeconds(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Backoff.exponential(Duration.ZERO, Duration.ofDays(366)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT8760H");
    assertThatThrownBy(() -> Backoff.exponential(Duration.ZERO, Duration.ZERO).delay(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("from 1");
  }
}
