package dev.forebay.queue.micrometer;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Label values of which nobody knows how many there are, such as message types: the first so many
 * are kept, the rest is {@value #OTHER}, so that no registry grows with its input (W7).
 * Thread-safe.
 */
final class Labels {

  static final String OTHER = "other";

  /** Long values are cut: a label is for reading. */
  private static final int MAX_LENGTH = 100;

  private final int max;
  private final Set<String> known = ConcurrentHashMap.newKeySet();

  Labels(int max) {
    this.max = max;
  }

  /** The value itself while there is room for it, or {@value #OTHER}. */
  String of(String value) {
    String label = value.length() <= MAX_LENGTH ? value : value.substring(0, MAX_LENGTH);
    if (known.contains(label)) {
      return label;
    }
    synchronized (known) {
      return (known.size() < max && known.add(label)) || known.contains(label) ? label : OTHER;
    }
  }
}
