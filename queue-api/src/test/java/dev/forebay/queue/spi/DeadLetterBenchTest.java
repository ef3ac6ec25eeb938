package dev.forebay.queue.spi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** The rate of a redrive against the lease of a backend that has one on what a walk shows. */
class DeadLetterBenchTest {

  private final ManualTimeSource time = new ManualTimeSource();

  /** Three dead letters, one at a time. */
  private final class Leasing implements DeadLetterStore {
    private final List<Duration> heldFor = new ArrayList<>();
    private final List<Long> redrivenAt = new ArrayList<>();

    @Override
    public Walk walk() {
      return new Walk() {
        private int shown;
        private long receivedAt;

        @Override
        public List<Found> next(int max) {
          if (shown == 3) {
            return List.of();
          }
          receivedAt = time.nanoTime();
          Envelope dead =
              Envelope.fresh("id-" + shown++, Message.text("m"), time.now())
                  .dead(new DeadLetterCause("Test", ""), time.now(), "queue");
          return List.of(() -> dead);
        }

        @Override
        public boolean cut() {
          return false;
        }

        @Override
        public CompletableFuture<Optional<EnqueueOutcome.Failed>> redrive(Found found) {
          heldFor.add(Duration.ofNanos(time.nanoTime() - receivedAt));
          redrivenAt.add(TimeUnit.NANOSECONDS.toSeconds(time.nanoTime()));
          return CompletableFuture.completedFuture(Optional.empty());
        }

        @Override
        public CompletableFuture<Optional<EnqueueOutcome.Failed>> discard(Found found) {
          return redrive(found);
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public int batch() {
      return 10;
    }
  }

  @Test
  void D3_slowRate_takesNothingBeforeItsTurn() {
    Leasing store = new Leasing();
    DeadLetterBench bench = new DeadLetterBench("queue", store, time, () -> false);
    CompletableFuture<DeadLetters.Report> run =
        CompletableFuture.supplyAsync(
            () -> bench.redrive(DeadLetterFilter.all(), RedriveOptions.perSecond(0.01)));
    Awaitility.await()
        .pollInterval(Duration.ofMillis(5))
        .until(
            () -> {
              if (time.pendingTimers() > 0) {
                time.advance(Duration.ofSeconds(10));
              }
              return run.isDone();
            });
    assertThat(run.join().done()).isEqualTo(3);
    assertThat(store.heldFor).allMatch(held -> held.compareTo(Duration.ofSeconds(30)) < 0);
    assertThat(store.redrivenAt).containsExactly(0L, 100L, 200L);
  }
}
