package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What a backend fills in so that {@link WorkQueueContract} can be run on it: how to open queues,
 * and, where the backend can, how to disturb them.
 *
 * <p>Only {@link #open} and {@link #openDeadLetters} have to be written. Every optional hook that
 * is missing skips the tests that need it, each with the hook's name as the reason.
 *
 * <p>The kit calls a harness from many threads at once, with a name of its own for each test, so a
 * harness that keeps nothing but its client is thread-safe by itself.
 */
public interface WorkQueueHarness {

  /**
   * Opens a queue object on the broker queue {@code name}, which is created, empty and with a
   * dead-letter destination of its own, when it is not there yet. A second call with the same name
   * stands for another process on the same broker queue: nothing may be shared with the first but
   * the caller's client.
   *
   * @param name letters, digits and hyphens, at most 40 characters, new for each test; a harness
   *     may add what its broker wants, such as a suffix
   */
  WorkQueue open(String name, QueueSettings settings);

  /**
   * Opens the dead-letter destination of the broker queue {@code name} as a queue, so that the kit
   * can look at what arrived there (D1, D2). Called only after {@link #open} of the same name.
   */
  WorkQueue openDeadLetters(String name, QueueSettings settings);

  /** Removes the broker queue {@code name} and its dead letters after the test; by default not. */
  default void delete(String name) {}

  /**
   * Name of this run in reports, {@code target/contract/<name>.json}; empty takes the backend's own
   * name from its capabilities. Set it where one backend is run in several ways.
   */
  default String reportName() {
    return "";
  }

  /** The clock the queues run by; real time unless the backend takes a manual time source. */
  default Timing timing() {
    return Timing.real();
  }

  /**
   * The lease for tests that wait for its end: as short as the backend can keep reliably on a busy
   * machine, since some tests work ten times as long. Two seconds by default.
   */
  default Duration shortLease() {
    return Duration.ofSeconds(2);
  }

  /**
   * The lease for all other tests, longer than any of them takes even on a stalling machine. Thirty
   * seconds by default.
   */
  default Duration longLease() {
    return Duration.ofSeconds(30);
  }

  /**
   * Whether a thread of this name belongs to a client that the harness shares between queues, so
   * that it may outlive one queue (S1). By default none does.
   */
  default boolean isClientThread(String threadName) {
    return false;
  }

  /** The key policies this backend lets its users choose from (K2); just strict by default. */
  default Set<KeyPolicy> keyPolicies() {
    return Set.of(KeyPolicy.STRICT);
  }

  /** Kills a queue object as a dead process would: no close, no settlement, no extension (L2). */
  default Optional<Crash> crash() {
    return Optional.empty();
  }

  /** Writes records that the library did not write (P5). */
  default Optional<RawRecords> rawRecords() {
    return Optional.empty();
  }

  /**
   * A broker that can be taken away and brought back (S3), of its own or behind a proxy of its own,
   * so that tests running at the same time are not disturbed. Started only when asked for.
   */
  default Optional<Supplier<BrokerOutage>> outage() {
    return Optional.empty();
  }

  /** Builds that must fail, with what the error must say (S2). */
  default List<Misconfiguration> misconfigurations() {
    return List.of();
  }

  /**
   * How many requests that store messages in the broker queue {@code name} were sent so far (E5).
   */
  default Optional<LongSupplier> enqueueRequests(String name) {
    return Optional.empty();
  }
}
