package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.policy.Jitter;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** A queue and its dead letters under virtual time, for tests of a worker on top of them. */
final class Rig {

  static final Duration LEASE = Duration.ofSeconds(30);

  /** 1 s, 2 s, 4 s, 8 s: no chance in it. */
  static final RetryPolicy RETRY =
      RetryPolicy.backoff(
              Backoff.exponential(Duration.ofSeconds(1), Duration.ofSeconds(8)).jitter(Jitter.NONE))
          .maxAttempts(3);

  private static final AtomicInteger NUMBER = new AtomicInteger();

  /** Of its own, so that its threads can be told from those of other tests. */
  final String name = "q" + NUMBER.incrementAndGet();

  final ManualTimeSource time = new ManualTimeSource();
  final InMemoryStore store = new InMemoryStore(time);
  final InMemoryWorkQueue queue;
  final InMemoryWorkQueue dead;

  Rig() {
    this(true);
  }

  Rig(boolean withDeadLetters) {
    InMemoryWorkQueue.Builder builder = InMemoryWorkQueue.builder(name).store(store).lease(LEASE);
    queue = withDeadLetters ? builder.build() : builder.withoutDeadLetters().build();
    dead = InMemoryWorkQueue.builder(name + ".dlq").store(store).withoutDeadLetters().build();
  }

  /** A worker on the queue, with virtual time and {@link #RETRY}. */
  WorkerBuilder worker() {
    return worker(queue);
  }

  /** A worker on a queue in front of the queue. */
  WorkerBuilder worker(WorkQueue on) {
    return Worker.builder(on).time(time).retry(RETRY).grace(Duration.ofSeconds(10));
  }

  String enqueue(String text) {
    return queue.enqueue(Message.text(text)).join().orThrow();
  }

  /** Waits in real time for what other threads bring about without any time passing. */
  static void eventually(String what, Callable<Boolean> condition) {
    await(what).atMost(Duration.ofSeconds(30)).until(condition);
  }

  void awaitStats(Worker worker, Predicate<WorkerStats> expected) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(worker.stats()).matches(expected, "as expected"));
  }

  /** Waits until so many messages are delayed or leased: only then may time move on. */
  void awaitDepth(long visible, long inFlight, long delayed) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () ->
                assertThat(
                        List.of(
                            queue.depth().visible().orElseThrow(),
                            queue.depth().inFlight().orElseThrow(),
                            queue.depth().delayed().orElseThrow()))
                    .as("visible, in flight, delayed")
                    .containsExactly(visible, inFlight, delayed));
  }

  void advance(Duration by) {
    time.advance(by);
  }

  /** Moves on in small steps, as a clock does, so that everything in between gets its turn. */
  void advanceInSteps(Duration by, Duration step) {
    for (Duration gone = Duration.ZERO; gone.compareTo(by) < 0; gone = gone.plus(step)) {
      time.advance(step);
    }
  }
}
