package dev.forebay.queue.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LeasePolicyTest {

  private static final Duration LEASE = Duration.ofSeconds(30);

  @Test
  void extendsOnceAThirdIsGone() {
    LeasePolicy policy = LeasePolicy.defaults();
    assertThat(policy.extensionDue(Duration.ofMillis(20_001), LEASE)).isFalse();
    assertThat(policy.extensionDue(Duration.ofMillis(20_000), LEASE)).isTrue();
    assertThat(policy.extensionDue(Duration.ZERO, LEASE)).isTrue();
  }

  @Test
  void aFailedExtensionCanBeTriedTwiceMoreHoweverTheRoundsFall() {
    // A lease may be granted at any point of an interval. The longest intervals are the worst.
    LeasePolicy policy = LeasePolicy.defaults().jitter(0);
    long interval = policy.interval(LEASE, 0).toNanos();
    for (long offset = 0; offset < interval; offset += interval / 97) {
      long lookedAt = interval - offset;
      int tries = 0;
      for (long at = lookedAt; at < LEASE.toNanos(); at += interval) {
        if (policy.extensionDue(LEASE.minusNanos(at), LEASE)) {
          tries++;
        }
      }
      assertThat(tries).isGreaterThanOrEqualTo(3);
    }
  }

  @Test
  void intervalsAreJitteredDownwardsOnlyAndPure() {
    LeasePolicy policy = LeasePolicy.defaults().jitter(0.2).seed(5);
    assertThat(LongStream.range(0, 1_000).mapToObj(step -> policy.interval(LEASE, step)))
        .allSatisfy(
            interval ->
                assertThat(interval).isBetween(Duration.ofMillis(4_000), Duration.ofMillis(5_000)))
        .doesNotHaveDuplicates();
    assertThat(policy.interval(LEASE, 3))
        .isEqualTo(LeasePolicy.defaults().jitter(0.2).seed(5).interval(LEASE, 3));
  }

  @Test
  void intervalsAreNeitherBusyNorBlind() {
    LeasePolicy policy = LeasePolicy.defaults().jitter(0);
    assertThat(policy.interval(Duration.ofNanos(1), 0)).isEqualTo(Duration.ofMillis(5));
    assertThat(policy.interval(Duration.ofHours(12), 0)).isEqualTo(Duration.ofSeconds(30));
    assertThat(policy.interval(Duration.ofSeconds(Long.MAX_VALUE), 0))
        .isEqualTo(Duration.ofSeconds(30));
  }

  @Test
  void startsOnHalfALeaseAndNotOnLess() {
    LeasePolicy policy = LeasePolicy.defaults();
    assertThat(policy.safeToStart(Duration.ofSeconds(15), LEASE)).isTrue();
    assertThat(policy.safeToStart(Duration.ofMillis(14_999), LEASE)).isFalse();
  }

  @Test
  void stopsExtendingAfterTheRunTime() {
    LeasePolicy policy = LeasePolicy.defaults().maxRunTime(Duration.ofMinutes(10));
    assertThat(policy.mayExtend(Duration.ofMinutes(10).minusNanos(1))).isTrue();
    assertThat(policy.mayExtend(Duration.ofMinutes(10))).isFalse();
    assertThat(LeasePolicy.defaults().maxRunTime()).isEqualTo(Duration.ofHours(1));
  }

  @Test
  void extendsToWhatIsUsuallyLeftWithinTheStretch() {
    LeasePolicy policy = LeasePolicy.defaults();
    assertThat(policy.followsWork()).isTrue();
    assertThat(policy.extendTo(LEASE, Duration.ZERO)).isEqualTo(LEASE);
    assertThat(policy.extendTo(LEASE, Duration.ofSeconds(10))).isEqualTo(LEASE);
    assertThat(policy.extendTo(LEASE, Duration.ofSeconds(15))).isEqualTo(Duration.ofSeconds(45));
    assertThat(policy.extendTo(LEASE, Duration.ofHours(1))).isEqualTo(Duration.ofSeconds(60));
    assertThat(policy.extendTo(LEASE, Duration.ofSeconds(Long.MAX_VALUE)))
        .isEqualTo(Duration.ofSeconds(60));
    assertThat(policy.stretch(10).extendTo(LEASE, Duration.ofHours(1)))
        .isEqualTo(Duration.ofSeconds(300));
  }

  @Test
  void aSetLeaseAndAStretchOfOneDoNotFollowTheWork() {
    Duration hour = Duration.ofHours(1);
    LeasePolicy off = LeasePolicy.defaults().stretch(1);
    assertThat(off.followsWork()).isFalse();
    assertThat(off.extendTo(LEASE, hour)).isEqualTo(LEASE);
    LeasePolicy set = LeasePolicy.defaults().stretch(5).lease(Duration.ofSeconds(40));
    assertThat(set.followsWork()).isFalse();
    assertThat(set.extendTo(LEASE, hour)).isEqualTo(Duration.ofSeconds(40));
  }

  @Test
  void refusesWhatCannotWork() {
    LeasePolicy policy = LeasePolicy.defaults();
    assertThatThrownBy(() -> policy.extendAfter(0.9)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> policy.extendAfter(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> policy.stretch(0.5)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> policy.stretch(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> policy.jitter(-0.1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> policy.lease(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> policy.maxRunTime(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
