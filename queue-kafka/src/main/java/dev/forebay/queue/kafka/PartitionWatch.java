package dev.forebay.queue.kafka;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds records that no free lane can see.
 *
 * <p>A share group divides the partitions of a topic among its members, so each lane reads only
 * some of them: with more members than partitions every partition has a few lanes, with fewer every
 * lane a few partitions. When all lanes of a partition are held up by slow records, its other
 * records wait, although slots are free; and no lane can ask for another partition. What helps is
 * one more lane, since the group then assigns anew. So while polls wait and nothing comes, this
 * asks the broker which partitions have records that this process does not hold, and which members
 * read them, and has the pool open lanes as long as such a partition has no free lane here.
 *
 * <p>Asks at most every {@value #FIRST_MILLIS} ms, and less often while it finds nothing to do.
 * Thread-safe.
 */
final class PartitionWatch {

  private static final Logger log = LoggerFactory.getLogger(PartitionWatch.class);
  private static final int FIRST_MILLIS = 200;
  private static final Duration FIRST = Duration.ofMillis(FIRST_MILLIS);
  private static final Duration LONGEST = Duration.ofSeconds(2);

  /** What the broker is asked. */
  interface Broker {
    /** Records not settled, by partition; partitions the group never read are left out. */
    CompletionStage<Map<Integer, Long>> lags();

    /** The partitions of each member of the group, by its client id. */
    CompletionStage<Map<String, Set<Integer>>> assignments();
  }

  /** The lanes as they are now. */
  interface Lanes {
    /** Whether polls wait and nothing has come since the last call. */
    boolean starving();

    /** Client ids of the lanes that fetch. */
    Set<String> fetching();

    /** Opens lanes because the partitions have records and no free lane; false when it cannot. */
    boolean openFor(Set<Integer> partitions);
  }

  private final TimeSource time;
  private final Broker broker;
  private final Lanes lanes;
  private final Map<Integer, Long> held = new ConcurrentHashMap<>();
  private final AtomicBoolean running = new AtomicBoolean();
  private volatile boolean stopped;

  PartitionWatch(TimeSource time, Broker broker, Lanes lanes) {
    this.time = time;
    this.broker = broker;
    this.lanes = lanes;
  }

  /** A lane holds one more record of a partition, or one less. */
  void held(int partition, int change) {
    held.merge(partition, (long) change, Long::sum);
  }

  /** Polls wait and nothing is there: watch until that changes. */
  void start() {
    if (!stopped && running.compareAndSet(false, true)) {
      schedule(FIRST);
    }
  }

  void stop() {
    stopped = true;
  }

  private void schedule(Duration delay) {
    var unused = time.schedule(delay, () -> look(delay));
  }

  private void look(Duration last) {
    if (stopped || !lanes.starving()) {
      running.set(false);
      return;
    }
    Duration next = last.multipliedBy(2).compareTo(LONGEST) < 0 ? last.multipliedBy(2) : LONGEST;
    var unused =
        broker
            .lags()
            .thenCombine(broker.assignments(), this::cover)
            .whenComplete(
                (acted, error) -> {
                  if (error != null) {
                    log.debug("Cannot ask for the lag", error);
                  }
                  schedule(error == null && acted ? FIRST : next);
                });
  }

  /** Whether something was done. */
  private boolean cover(Map<Integer, Long> lags, Map<String, Set<Integer>> assignments) {
    Set<Integer> behind = new TreeSet<>();
    lags.forEach(
        (partition, lag) -> {
          if (lag - held.getOrDefault(partition, 0L) > 0) {
            behind.add(partition);
          }
        });
    for (String lane : lanes.fetching()) {
      Set<Integer> read = assignments.get(lane);
      if (read == null || read.isEmpty()) {
        // It is still joining: what it will read is not known yet.
        return false;
      }
      behind.removeAll(read);
    }
    return !behind.isEmpty() && lanes.openFor(behind);
  }
}
