package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.policy.ThrottledException;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** How far a batch that fails is taken apart (W3). */
class WorkerBatchFailureTest {

  private static final int ITEMS = 64;

  /** The calls of a batch of which nothing works. */
  private static final List<Integer> FIRST_NINE = List.of(64, 32, 16, 8, 4, 2, 1, 1, 2);

  private final Rig rig = new Rig();

  /** How many messages each call of the handler was for. */
  private final List<Integer> calls = new CopyOnWriteArrayList<>();

  /** A worker whose batches fail while one of these messages is in them. */
  private Worker worker(RetryPolicy retry, Set<Integer> bad, Exception failure) {
    for (int i = 0; i < ITEMS; i++) {
      rig.enqueue(Integer.toString(i));
    }
    return rig.worker()
        .retry(retry)
        .batches(
            BatchOptions.of(ITEMS).linger(Duration.ofHours(1)),
            items -> {
              calls.add(items.size());
              if (items.stream().anyMatch(item -> bad.contains(number(item)))) {
                throw failure;
              }
            })
        .start();
  }

  private static int number(BatchItem<Delivery> item) {
    return Integer.parseInt(item.value().message().text());
  }

  private static Set<Integer> all() {
    return IntStream.range(0, ITEMS).boxed().collect(Collectors.toSet());
  }

  private void awaitSettled(Worker worker) {
    rig.awaitStats(worker, stats -> stats.handled() + stats.failed() == ITEMS);
    rig.awaitStats(worker, stats -> stats.running() == 0);
  }

  @Test
  void W3_aBatchOfWhichNothingWorksIsRetriedAsAWhole() {
    try (Worker worker = worker(Rig.RETRY.maxAttempts(2), all(), new IOException("no GPU"))) {
      awaitSettled(worker);
      assertThat(calls).as("until a 9th call in a row failed").isEqualTo(FIRST_NINE);
      assertThat(worker.stats().retried()).isEqualTo(ITEMS);
      assertThat(worker.stats().deadLettered()).isZero();
      calls.clear();
      rig.advance(Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.deadLettered() == ITEMS && stats.running() == 0);
      assertThat(calls.subList(0, 9)).isEqualTo(FIRST_NINE);
      assertThat(calls.subList(9, calls.size()))
          .as("nothing dies but by itself")
          .isEqualTo(Collections.nCopies(ITEMS - 2, 1));
    }
  }

  @Test
  void W3_someMessagesThatCannotBeHandledAreFoundWhereverTheyAre() {
    for (Set<Integer> bad : List.of(Set.of(0, 1), Set.of(63), Set.of(5, 20, 21, 40, 63))) {
      WorkerBatchFailureTest own = new WorkerBatchFailureTest();
      try (Worker worker = own.worker(Rig.RETRY, bad, new IOException("bad input"))) {
        own.awaitSettled(worker);
        assertThat(worker.stats().failed()).as("%s", bad).isEqualTo(bad.size());
        assertThat(worker.stats().handled()).isEqualTo(ITEMS - bad.size());
      }
    }
  }

  /** A producer that sends nothing but rubbish for a while. */
  @Test
  void W3_onTheLastAttemptManyNeighboursKillNobodyElse() {
    Set<Integer> bad = Set.of(16, 17, 18, 19, 20, 21, 22, 23, 24, 25);
    try (Worker worker = worker(Rig.RETRY.maxAttempts(1), bad, new IOException("bad input"))) {
      awaitSettled(worker);
      assertThat(worker.stats().handled()).isEqualTo(ITEMS - bad.size());
      assertThat(worker.stats().deadLettered()).isEqualTo(bad.size());
    }
  }

  @Test
  void W3_whatIsKnownToBeTheMessagesFaultIsLookedForToTheLast() {
    Set<Integer> bad = IntStream.range(0, 30).boxed().collect(Collectors.toSet());
    RetryPolicy knowing = Rig.RETRY.poison(IllegalArgumentException.class);
    try (Worker worker = worker(knowing, bad, new IllegalArgumentException("no prompt"))) {
      awaitSettled(worker);
      assertThat(worker.stats().handled()).isEqualTo(ITEMS - bad.size());
      assertThat(worker.stats().deadLettered()).isEqualTo(bad.size());
    }
  }

  /** Too large for the memory until it is small enough. */
  @Test
  void W3_aBatchTooLargeIsHalvedUntilItFits() {
    for (int i = 0; i < ITEMS; i++) {
      rig.enqueue(Integer.toString(i));
    }
    try (Worker worker =
        rig.worker()
            .batches(
                BatchOptions.of(ITEMS).linger(Duration.ofHours(1)),
                items -> {
                  calls.add(items.size());
                  if (items.size() > 1) {
                    throw new OutOfMemoryError("made up");
                  }
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == ITEMS && stats.running() == 0);
      assertThat(worker.stats().failed()).isZero();
    }
  }

  /** What it has decided shows that the handler works. */
  @Test
  void W3_aHandlerThatGetsOnIsNotGivenUp() {
    for (int i = 0; i < ITEMS; i++) {
      rig.enqueue(Integer.toString(i));
    }
    try (Worker worker =
        rig.worker()
            .batches(
                BatchOptions.of(ITEMS).linger(Duration.ofHours(1)),
                items -> {
                  calls.add(items.size());
                  items.get(0).decide(Outcome.ack());
                  throw new ThrowsEachTime();
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == ITEMS && stats.running() == 0);
      assertThat(calls).hasSize(ITEMS);
    }
  }

  private static final class ThrowsEachTime extends Exception {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void W3_whereTheDownstreamIsThrottledNothingIsTakenApart() {
    try (Worker worker = worker(Rig.RETRY, all(), new ThrottledException("429", null))) {
      rig.awaitStats(worker, stats -> stats.throttled() == ITEMS && stats.running() == 0);
      assertThat(calls).containsExactly(ITEMS);
    }
  }
}
