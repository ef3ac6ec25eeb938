package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The way of a delayed record through its classes, with readers that are late by a little. */
class DelayClassesTest {

  private static final long NOW = 1_790_000_000_000L;

  private static final long DAY = Duration.ofDays(1).toMillis();

  @Test
  void E4_class_isTheCoarsestThatFits() {
    assertThat(DelayClasses.of(0)).isZero();
    assertThat(DelayClasses.of(-5)).isZero();
    assertThat(DelayClasses.of(999)).isZero();
    assertThat(DelayClasses.of(1_000)).isEqualTo(1);
    assertThat(DelayClasses.of(1_999)).isEqualTo(1);
    assertThat(DelayClasses.of(2_000)).isEqualTo(2);
    assertThat(DelayClasses.of(7_999)).isEqualTo(3);
    assertThat(DelayClasses.of(100 * DAY)).isEqualTo(DelayClasses.COUNT - 1);
    for (int index = 1; index < DelayClasses.COUNT; index++) {
      assertThat(DelayClasses.of(DelayClasses.waitMillis(index))).isEqualTo(index);
      assertThat(DelayClasses.of(DelayClasses.waitMillis(index) - 1)).isEqualTo(index - 1);
    }
    assertThat(DelayClasses.waitMillis(DelayClasses.COUNT)).isZero();
    assertThat(DelayClasses.waitMillis(DelayClasses.COUNT - 1))
        .as("half the retention is left when nobody runs")
        .isLessThan(DelayClasses.LONGEST.toMillis() / 2);
  }

  @Test
  void E4_wayThroughTheClasses_isNeverEarlyNorLateNorLong() {
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      long delay = 1 + (long) Math.pow(2, random.nextDouble() * 29);
      Way way = Way.of(NOW, NOW + delay, 0, random, 80);
      assertThat(way.left).as("delay %s", delay).isGreaterThanOrEqualTo(NOW + delay);
      assertThat(way.left).as("delay %s", delay).isLessThanOrEqualTo(NOW + delay + 80);
      assertThat(way.writes).as("writes for %s", delay).isLessThanOrEqualTo(22);
    }
  }

  /** Equal delays go the same way although their readers are late by different times. */
  @Test
  void K1_equalDelays_takeTheSameClasses() {
    Random random = new Random(11);
    for (int i = 0; i < 2_000; i++) {
      long delay = 1L + random.nextInt(100_000_000);
      Way one = Way.of(NOW, NOW + delay, 0, random, 200);
      Way other = Way.of(NOW + 1, NOW + 1 + delay, 0, random, 200);
      assertThat(one.classes.toString()).isEqualTo(other.classes.toString());
    }
  }

  /**
   * A writer whose clock is ahead or behind stamps too late or too early: that alone is harmless.
   */
  @Test
  void E4_timestampsOfOtherClocks_costWritesNotTime() {
    Random random = new Random(13);
    for (long skew : new long[] {-3_600_000, -5_000, 5_000, 3_600_000}) {
      for (int i = 0; i < 1_000; i++) {
        long delay = 1L + random.nextInt(1_000_000);
        Way way = Way.of(NOW, NOW + delay, skew, random, 80);
        assertThat(way.left).isBetween(NOW + delay, NOW + delay + 80);
      }
    }
  }

  /**
   * A record that nobody moved for long goes on at once, and not into a wait it has no time for.
   */
  @Test
  void E4_afterALongStop_whatIsLeftDecides() {
    long written = NOW;
    long due = NOW + 100_000;
    long now = NOW + 99_000;
    long leaves = DelayClasses.leavesAt(7, written, now);
    assertThat(leaves).isEqualTo(NOW + 64_000);
    assertThat(DelayClasses.of(due - DelayClasses.begin(leaves, now))).isEqualTo(1);
    assertThat(DelayClasses.of(due - DelayClasses.begin(leaves, NOW + 64_100))).isEqualTo(6);
  }

  /** One record's way, with every reader late by up to {@code late} ms. */
  private static final class Way {
    final StringBuilder classes = new StringBuilder();
    int writes;
    long left;

    static Way of(long now, long due, long skew, Random random, int late) {
      Way way = new Way();
      int index = DelayClasses.of(due - now);
      long stamp = now + skew;
      long clock = now;
      while (true) {
        way.writes++;
        way.classes.append(index).append(' ');
        long seen = clock + random.nextInt(3);
        long leaves = DelayClasses.leavesAt(index, stamp, seen);
        clock = Math.max(seen, leaves) + random.nextInt(late);
        long begin = DelayClasses.begin(leaves, clock);
        index = DelayClasses.of(due - begin);
        if (due <= clock || index == 0) {
          way.left = Math.max(due, clock);
          return way;
        }
        stamp = begin;
      }
    }
  }
}
