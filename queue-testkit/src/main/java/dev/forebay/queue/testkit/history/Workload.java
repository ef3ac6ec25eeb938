package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.testkit.contract.QueueSettings;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;
import dev.forebay.queue.testkit.fault.QueueFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;

/**
 * Random work on a queue, from a seed: several queue objects enqueue with keys, delays and dedup
 * ids, poll, ack, release, extend, dead-letter, forget, settle too late, close and crash; then all
 * is drained and the history is judged. Not thread-safe.
 *
 * <pre>{@code
 * Workload.on(new MyQueueHarness()).seed(42).messages(1_000).run().assertGood();
 * }</pre>
 *
 * <p>Under a manual clock one thread does everything and a seed always gives the same history; in
 * real time each queue object has threads of its own, and a seed gives the same choices.
 */
public final class Workload {

  /** Runs this seed instead of the one the test chose. */
  public static final String SEED_PROPERTY = "forebay.history.seed";

  /** Where histories that are not good are written. */
  private static final Path DIRECTORY = Path.of("target", "history");

  private static final Duration GRACE = Duration.ofSeconds(1);
  private static final double FAULT_RATE = 0.03;

  private final WorkQueueHarness harness;
  private long seed;
  private int messages = 300;
  private int processes = 2;
  private int threads = 2;
  private int keys = 5;
  private boolean faults;
  private boolean restarts = true;
  private KeyPolicy keyPolicy = KeyPolicy.STRICT;
  private int bound = 1_000_000;
  private Witness witness = new Witness() {};

  /**
   * Looks at the broker from outside while a run goes on, and notes what it sees: the commits of a
   * log, say. Called by the thread that runs the workload.
   */
  public interface Witness {

    /** Called some tens of times a second while the run goes on. */
    default void look(String name, HistoryRecorder recorder) {}

    /** Called when everything was drained and closed, before the broker queue is deleted. */
    default void lookAtLast(String name, HistoryRecorder recorder) {}
  }

  private Workload(WorkQueueHarness harness) {
    this.harness = harness;
  }

  /** Work on queues of this harness. */
  public static Workload on(WorkQueueHarness harness) {
    return new Workload(harness);
  }

  /** What every choice follows from; 0 by default. */
  public Workload seed(long value) {
    seed = value;
    return this;
  }

  /** How many messages are enqueued; 300 by default. */
  public Workload messages(int value) {
    messages = value;
    return this;
  }

  /** How many queue objects there are at a time; 2 by default. */
  public Workload processes(int value) {
    processes = value;
    return this;
  }

  /** In real time, how many threads use each queue object; 2 by default. */
  public Workload threads(int value) {
    threads = value;
    return this;
  }

  /** How many keys there are; half of the messages have one. 5 by default. */
  public Workload keys(int value) {
    keys = value;
    return this;
  }

  /** Whether requests and replies get lost, late or throttled on the way; not by default. */
  public Workload faults(boolean value) {
    faults = value;
    return this;
  }

  /** Whether queue objects are closed or killed now and then, and opened again; by default so. */
  public Workload restarts(boolean value) {
    restarts = value;
    return this;
  }

  /** What a failing message does to its key; strict by default. */
  public Workload keyPolicy(KeyPolicy value) {
    keyPolicy = value;
    return this;
  }

  /** Most events that are kept; a million by default. */
  public Workload bound(int value) {
    bound = value;
    return this;
  }

  /** Who looks on from outside; nobody by default. */
  public Workload witness(Witness value) {
    witness = value;
    return this;
  }

  /**
   * What came of a run. Immutable.
   *
   * @param seed what it followed from
   * @param history what happened
   * @param verdict whether it may have
   * @param faults how often each kind struck
   */
  public record Run(long seed, History history, Verdict verdict, Map<QueueFault, Long> faults) {

    /** Copies the map. */
    public Run {
      faults = Map.copyOf(faults);
    }

    /**
     * Fails unless the verdict is good, after writing the history to {@code target/history}.
     *
     * @throws AssertionError with the seed, the rules that are broken, and the events that show it
     */
    public void assertGood() {
      if (verdict.isGood()) {
        return;
      }
      Path file = DIRECTORY.resolve("seed-" + seed + ".history");
      try {
        Files.createDirectories(DIRECTORY);
        history.write(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      throw new AssertionError(
          "Seed "
              + seed
              + " (again with -D"
              + SEED_PROPERTY
              + "="
              + seed
              + "; history in "
              + file
              + "): "
              + verdict);
    }
  }

  /** Runs it and judges what happened. */
  public Run run() {
    long chosen = Long.getLong(SEED_PROPERTY, seed);
    String name = "history-" + UUID.randomUUID().toString().substring(0, 13);
    Duration lease = harness.shortLease();
    QueueSettings settings = new QueueSettings(lease, GRACE, true, keyPolicy);
    HistoryRecorder recorder = new HistoryRecorder(harness.timing().source(), bound);
    Cast cast =
        new Cast(
            harness,
            name,
            settings,
            recorder,
            witness,
            new SplittableRandom(chosen),
            new Cast.Plan(messages, processes, threads, keys, restarts, faults ? FAULT_RATE : 0));
    Capabilities can;
    try {
      can = cast.play();
      witness.lookAtLast(name, recorder);
    } finally {
      harness.delete(name);
    }
    History history = recorder.history();
    Verdict verdict =
        HistoryChecker.of(can)
            .lease(lease)
            .grace(GRACE)
            .keyPolicy(keyPolicy)
            .times(harness.timing().granularity(), harness.timing().tolerance())
            .hiddenDeliveries(faults)
            .check(history);
    Map<QueueFault, Long> struck = new EnumMap<>(QueueFault.class);
    for (QueueFault fault : QueueFault.values()) {
      struck.put(fault, cast.struck(fault));
    }
    return new Run(chosen, history, verdict, struck);
  }
}
