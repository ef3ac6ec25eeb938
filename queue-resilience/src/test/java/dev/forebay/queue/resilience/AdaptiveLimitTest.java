package dev.forebay.queue.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.worker.ConcurrencyLimit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** Where limits end up beside a downstream of a known capacity, and what they keep (W6). */
class AdaptiveLimitTest {

  private static final Duration TIME = Duration.ofSeconds(5);

  private static final List<IntFunction<AdaptiveLimit.Builder>> ALL =
      List.of(AdaptiveLimit::aimd, AdaptiveLimit::vegas, AdaptiveLimit::gradient);

  /** As many as the limit allows run at once; all of them end alike. */
  private static void round(ConcurrencyLimit limit, Duration ran, boolean dropped) {
    int running = limit.estimate();
    for (int i = 0; i < running; i++) {
      limit.ended(ran, running, dropped);
    }
  }

  @Test
  void W6_aimdGrowsByOneARoundAndATenthLessAfterRefusals() {
    AdaptiveLimit limit = AdaptiveLimit.aimd(64).initial(20).build();
    round(limit, TIME, false);
    assertThat(limit.limit()).isEqualTo(21);
    round(limit, TIME, true);
    assertThat(limit.limit()).as("a whole round of refusals counts once").isEqualTo(18);
    for (int i = 0; i < 9; i++) {
      limit.ended(TIME, 18, false);
    }
    limit.ended(Duration.ofMillis(1), 18, true);
    for (int i = 0; i < 7; i++) {
      limit.ended(TIME, 18, false);
      assertThat(limit.limit()).as("the round goes on").isEqualTo(18);
    }
    limit.ended(TIME, 18, false);
    assertThat(limit.limit()).as("one refusal is enough").isEqualTo(16);
    for (int round = 0; round < 200; round++) {
      round(limit, Duration.ofMinutes(10), false);
    }
    assertThat(limit.limit()).as("long handlers are no refusals").isEqualTo(64);
  }

  @Test
  void W6_aimdStaysAroundWhatADownstreamTakes() {
    int capacity = 10;
    AdaptiveLimit limit = AdaptiveLimit.aimd(64).initial(60).build();
    for (int round = 0; round < 40; round++) {
      round(limit, TIME, limit.limit() > capacity);
    }
    for (int round = 0; round < 100; round++) {
      round(limit, TIME, limit.limit() > capacity);
      assertThat(limit.limit()).isBetween(9, capacity + 1);
    }
  }

  @Test
  void W6_vegasKeepsAFewWaitingDownstream() {
    int capacity = 20;
    AdaptiveLimit limit = AdaptiveLimit.vegas(200).initial(5).build();
    int after = 0;
    for (int round = 0; round < 150; round++) {
      int running = limit.limit();
      // Beyond its capacity a downstream takes in proportion longer.
      round(limit, TIME.multipliedBy(Math.max(capacity, running)).dividedBy(capacity), false);
      if (round >= 50) {
        assertThat(limit.limit()).isBetween(capacity, capacity + 10);
        after++;
      }
    }
    assertThat(after).isEqualTo(100);
  }

  @Test
  void W6_vegasFollowsRefusalsHoweverFastTheyAre() {
    AdaptiveLimit limit = AdaptiveLimit.vegas(200).initial(100).build();
    for (int round = 0; round < 20; round++) {
      round(limit, Duration.ofNanos(1), true);
    }
    int refused = limit.limit();
    assertThat(refused).as("before anything was done").isLessThan(90);
    for (int round = 0; round < 20; round++) {
      round(limit, TIME, false);
    }
    assertThat(limit.limit()).as("a fast refusal is not the shortest time").isGreaterThan(refused);
  }

  @Test
  void W6_gradientShrinksWhileTimesAreLongerThanUsualAndComesBack() {
    AdaptiveLimit limit = AdaptiveLimit.gradient(100).build();
    for (int round = 0; round < 200; round++) {
      round(limit, TIME, false);
    }
    int usual = limit.limit();
    assertThat(usual).isGreaterThan(90);
    for (int round = 0; round < 20; round++) {
      round(limit, TIME.multipliedBy(4), false);
    }
    assertThat(limit.limit()).isLessThan(usual / 2);
    for (int round = 0; round < 200; round++) {
      round(limit, TIME, false);
    }
    assertThat(limit.limit()).isGreaterThan(90);
    for (int round = 0; round < 20; round++) {
      round(limit, Duration.ZERO, true);
    }
    assertThat(limit.limit()).as("it does not see refusals").isGreaterThan(90);
  }

  @Test
  void W6_itDoesNotGrowWhileNobodyNeedsMore() {
    for (IntFunction<AdaptiveLimit.Builder> kind : ALL) {
      AdaptiveLimit limit = kind.apply(100).initial(40).build();
      for (int i = 0; i < 1_000; i++) {
        limit.ended(TIME, 1 + i % 15, false);
      }
      assertThat(limit.limit()).as(limit.toString()).isEqualTo(40);
    }
  }

  @Test
  void W6_whateverHappensItKeepsItsBounds() {
    SplittableRandom random = new SplittableRandom(11);
    for (IntFunction<AdaptiveLimit.Builder> kind : ALL) {
      AdaptiveLimit limit = kind.apply(30).least(3).build();
      int smallest = 30;
      int largest = 0;
      for (int i = 0; i < 20_000; i++) {
        boolean bad = i / 2_000 % 2 == 1;
        limit.ended(
            Duration.ofNanos(random.nextLong(bad ? 1_000_000_000L : 1_000)),
            1 + random.nextInt(100),
            bad && random.nextInt(3) == 0);
        smallest = Math.min(smallest, limit.limit());
        largest = Math.max(largest, limit.limit());
      }
      assertThat(smallest).as(limit.toString()).isBetween(3, 29);
      assertThat(largest).as(limit.toString()).isBetween(16, 30);
    }
    for (IntFunction<AdaptiveLimit.Builder> kind : ALL) {
      AdaptiveLimit one = kind.apply(1).build();
      for (int i = 0; i < 100; i++) {
        one.ended(TIME, 1, i % 2 == 0);
        assertThat(one.limit()).isEqualTo(1);
      }
    }
  }

  @Test
  void W6_inTheShadowItWorksOutTheSameAndHoldsNobody() {
    AdaptiveLimit real = AdaptiveLimit.aimd(64).build();
    AdaptiveLimit shadow = AdaptiveLimit.aimd(64).shadow().build();
    assertThat(real.isShadow()).isFalse();
    assertThat(shadow.isShadow()).isTrue();
    for (int round = 0; round < 30; round++) {
      boolean dropped = round % 3 == 0;
      round(real, TIME, dropped);
      round(shadow, TIME, dropped);
      assertThat(real.limit()).isEqualTo(real.estimate());
      assertThat(shadow.estimate()).isEqualTo(real.estimate());
      assertThat(shadow.limit()).isEqualTo(Integer.MAX_VALUE);
    }
    assertThat(shadow).hasToString("AdaptiveLimit[" + real.estimate() + " in the shadow]");
  }

  @Test
  void W6_noEndIsLostBetweenThreads() throws Exception {
    // One round is all of them, so the limit has moved once when the last one has ended.
    int threads = 4;
    int each = 2_500;
    AdaptiveLimit limit = AdaptiveLimit.aimd(threads * each).initial(5_000).build();
    List<Thread> running = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      Thread started =
          new Thread(
              () -> {
                for (int i = 0; i < each; i++) {
                  limit.ended(TIME, threads * each, false);
                }
              });
      running.add(started);
      started.start();
    }
    for (Thread thread : running) {
      thread.join();
    }
    assertThat(limit.limit()).isEqualTo(5_001);
  }

  @Test
  void S2_settingsThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> AdaptiveLimit.vegas(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> AdaptiveLimit.vegas(8).least(9))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> AdaptiveLimit.vegas(8).initial(0))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
