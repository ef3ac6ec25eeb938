package dev.forebay.queue.benchmarks;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What several consumer processes told of the messages they handled, by a clock that they share:
 * what was done again, out of the order of its key, or at the same time as another one of it.
 * Thread-safe.
 */
final class KeyedStory {

  /** The monotonic clock of the machine, the same in all its processes. */
  private record Told(boolean start, int id, long nanos, int process) {}

  private final IntFunction<String> keys;
  private final List<Told> told = new ArrayList<>();
  private final Set<Integer> started = new HashSet<>();
  private final Set<Integer> finished = new HashSet<>();

  /**
   * Nothing told yet.
   *
   * @param keys the key of each message
   */
  KeyedStory(IntFunction<String> keys) {
    this.keys = keys;
  }

  /** A line that says that a message is started or finished, in the child. */
  static String line(boolean start, int id) {
    return (start ? "S " : "F ") + id + " " + System.nanoTime();
  }

  /** Takes a line that a process printed; false when it says nothing of a message. */
  synchronized boolean tell(int process, @Nullable String line) {
    if (line == null || !(line.startsWith("S ") || line.startsWith("F "))) {
      return false;
    }
    String[] parts = line.split(" ", 3);
    if (parts.length < 3) {
      // Cut off by the end of its process.
      return false;
    }
    int id = Integer.parseInt(parts[1]);
    boolean start = parts[0].equals("S");
    told.add(new Told(start, id, Long.parseLong(parts[2]), process));
    (start ? started : finished).add(id);
    return true;
  }

  synchronized int finished() {
    return finished.size();
  }

  /** When a process first started a message. */
  synchronized @Nullable Long firstStart(int process) {
    return told.stream()
        .filter(each -> each.start() && each.process() == process)
        .map(Told::nanos)
        .min(Comparator.naturalOrder())
        .orElse(null);
  }

  /** How many messages this process started although another one had finished them before. */
  synchronized int finishedBefore(int process) {
    Map<Integer, Long> finishedAt = new HashMap<>();
    for (Told each : told) {
      if (!each.start() && each.process() != process) {
        finishedAt.merge(each.id(), each.nanos(), Math::min);
      }
    }
    Set<Integer> again = new HashSet<>();
    for (Told each : told) {
      Long before = finishedAt.get(each.id());
      if (each.start() && each.process() == process && before != null && before < each.nanos()) {
        again.add(each.id());
      }
    }
    return again.size();
  }

  /** Starts beyond one for each message. */
  synchronized int repeated() {
    return (int) told.stream().filter(Told::start).count() - started.size();
  }

  /** First starts of messages of which a later one of the key had been started before. */
  synchronized int outOfOrder() {
    Map<String, Integer> latest = new HashMap<>();
    Set<Integer> seen = new HashSet<>();
    int violations = 0;
    for (Told each : inOrder()) {
      if (each.start() && seen.add(each.id())) {
        Integer before = latest.merge(keys.apply(each.id()), each.id(), Math::max);
        violations += before > each.id() ? 1 : 0;
      }
    }
    return violations;
  }

  /** Starts while another message of the key was in hand and was finished later. */
  synchronized int overlaps() {
    Map<String, Long> busyUntil = new HashMap<>();
    Map<String, Told> open = new HashMap<>();
    Map<Told, Long> ends = new HashMap<>();
    for (Told each : inOrder()) {
      String holder = each.process() + "/" + each.id();
      if (each.start()) {
        open.put(holder, each);
      } else {
        Told start = open.remove(holder);
        if (start != null) {
          ends.put(start, each.nanos());
        }
      }
    }
    int overlaps = 0;
    for (Told each : inOrder()) {
      if (each.start()) {
        String key = keys.apply(each.id());
        overlaps += busyUntil.getOrDefault(key, Long.MIN_VALUE) > each.nanos() ? 1 : 0;
        busyUntil.merge(key, ends.getOrDefault(each, each.nanos()), Math::max);
      }
    }
    return overlaps;
  }

  private List<Told> inOrder() {
    return told.stream().sorted(Comparator.comparingLong(Told::nanos)).toList();
  }
}
