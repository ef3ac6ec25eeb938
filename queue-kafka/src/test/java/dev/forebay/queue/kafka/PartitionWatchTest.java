package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PartitionWatchTest {

  private static final Duration STEP = Duration.ofMillis(200);

  private final ManualTimeSource time = new ManualTimeSource();
  private final Cluster cluster = new Cluster();
  private final Here here = new Here();
  private final PartitionWatch watch = new PartitionWatch(time, cluster, here);

  /** What the broker would say. */
  private static final class Cluster implements PartitionWatch.Broker {
    final Map<Integer, Long> lags = new HashMap<>();
    final Map<String, Set<Integer>> assignments = new HashMap<>();
    @Nullable RuntimeException error;
    int asked;

    @Override
    public CompletionStage<Map<Integer, Long>> lags() {
      asked++;
      return error == null
          ? CompletableFuture.completedFuture(lags)
          : CompletableFuture.failedFuture(error);
    }

    @Override
    public CompletionStage<Map<String, Set<Integer>>> assignments() {
      return CompletableFuture.completedFuture(assignments);
    }
  }

  /** The lanes of this process. */
  private static final class Here implements PartitionWatch.Lanes {
    final Set<String> fetching = new HashSet<>();
    final List<Set<Integer>> openedFor = new ArrayList<>();
    boolean starving = true;
    boolean canOpen = true;

    @Override
    public boolean starving() {
      return starving;
    }

    @Override
    public Set<String> fetching() {
      return fetching;
    }

    @Override
    public boolean openFor(Set<Integer> partitions) {
      if (canOpen) {
        openedFor.add(partitions);
      }
      return canOpen;
    }
  }

  @Test
  void partitionWithRecordsAndNoFreeLane_getsOne() {
    cluster.lags.putAll(Map.of(0, 3L, 1, 5L, 2, 0L));
    cluster.assignments.put("free", Set.of(0));
    here.fetching.add("free");
    watch.start();
    time.advance(STEP);
    assertThat(here.openedFor).containsExactly(Set.of(1));
  }

  @Test
  void whatThisProcessHolds_isNotWaiting() {
    cluster.lags.put(0, 3L);
    watch.held(0, 3);
    watch.start();
    time.advance(STEP);
    assertThat(here.openedFor).isEmpty();
    watch.held(0, -1);
    time.advance(Duration.ofSeconds(2));
    assertThat(here.openedFor).isNotEmpty();
  }

  @Test
  void laneThatIsStillJoining_isWaitedFor() {
    cluster.lags.put(0, 3L);
    here.fetching.add("joining");
    watch.start();
    time.advance(STEP);
    assertThat(here.openedFor).isEmpty();
    cluster.assignments.put("joining", Set.of(1));
    time.advance(Duration.ofSeconds(2));
    assertThat(here.openedFor).isNotEmpty();
  }

  @Test
  void nobodyWaits_nothingIsAsked_untilItStartsAgain() {
    here.starving = false;
    watch.start();
    time.advance(Duration.ofMinutes(1));
    assertThat(cluster.asked).isZero();
    assertThat(time.pendingTimers()).isZero();
    here.starving = true;
    watch.start();
    watch.start();
    time.advance(STEP);
    assertThat(cluster.asked).isEqualTo(1);
  }

  @Test
  void nothingToDo_isAskedLessAndLessOften() {
    watch.start();
    time.advance(Duration.ofMinutes(1));
    assertThat(cluster.asked).isBetween(30, 34);
  }

  @Test
  void asLongAsItHelps_itLooksAgainSoon() {
    cluster.lags.put(0, 3L);
    watch.start();
    time.advance(STEP.multipliedBy(5));
    assertThat(here.openedFor).hasSize(5);
    here.canOpen = false;
    time.advance(Duration.ofMinutes(1));
    assertThat(cluster.asked).isLessThan(5 + 35);
  }

  @Test
  void errorOfTheBroker_isNotTheEnd() {
    cluster.error = new IllegalStateException("no broker");
    watch.start();
    time.advance(Duration.ofSeconds(30));
    assertThat(cluster.asked).isBetween(2, 20);
    cluster.error = null;
    cluster.lags.put(0, 1L);
    time.advance(Duration.ofSeconds(2));
    assertThat(here.openedFor).isNotEmpty();
  }

  @Test
  void stopped_itAsksNoMore() {
    cluster.lags.put(0, 1L);
    watch.start();
    watch.stop();
    time.advance(Duration.ofSeconds(10));
    watch.start();
    time.advance(Duration.ofSeconds(10));
    assertThat(cluster.asked).isZero();
    assertThat(time.pendingTimers()).isZero();
  }
}
