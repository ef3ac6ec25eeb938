package dev.forebay.queue.worker;

import java.time.Duration;
import java.util.Map;

/**
 * All gates before a worker: what the narrowest lets through. Tells listeners how each of them
 * stands, at the start and whenever it is found to have changed: at once for a gate that is opened
 * or closed, at the next look for one with a condition. Thread-safe.
 */
final class Gates {

  private final String[] names;
  private final Gate[] gates;
  private final Signals signals;
  private final Runnable observer = this::observe;
  private final Object telling = new Object();
  // Written under the lock, in the order in which listeners are told.
  private volatile boolean[] toldOpen;

  /** These gates, by name; nobody is told before {@link #start}. */
  Gates(Map<String, Gate> gates, Signals signals) {
    this.names = gates.keySet().toArray(String[]::new);
    this.gates = gates.values().toArray(Gate[]::new);
    this.signals = signals;
    this.toldOpen = new boolean[0];
  }

  /** Tells how the gates stand, and from now on of every change. */
  void start() {
    if (!signals.heard()) {
      return;
    }
    synchronized (telling) {
      boolean[] open = new boolean[gates.length];
      for (int i = 0; i < gates.length; i++) {
        open[i] = gates[i].isOpen();
        tell(i, open[i]);
      }
      toldOpen = open;
    }
    onChange(observer);
    // One may have changed before it was listened to.
    observe();
  }

  /** Tells nobody any more. */
  void close() {
    forget(observer);
  }

  /** How many messages may come in now. */
  int room() {
    int room = Integer.MAX_VALUE;
    for (int i = 0; i < gates.length; i++) {
      int let = gates[i].room();
      room = Math.min(room, let);
      if (let > 0) {
        seen(i, true);
      } else {
        // Closed, or open with its rate used up.
        seen(i, gates[i].isOpen());
      }
    }
    return room;
  }

  /** Whether none is closed, rates apart. */
  boolean open() {
    boolean all = true;
    for (int i = 0; i < gates.length; i++) {
      boolean open = gates[i].isOpen();
      seen(i, open);
      all &= open;
    }
    return all;
  }

  void took(int count) {
    for (Gate gate : gates) {
      gate.took(count);
    }
  }

  /**
   * When to look again while something is let through by none or some, if no gate tells of a change
   * before. By what the gates are, not by how they stand just now: one that changed between two
   * looks would else be waited for in vain.
   */
  Duration lookAgainAfter() {
    Duration soonest = Gate.FOR_EVER;
    for (Gate gate : gates) {
      Duration after = gate.lookAgainAfter();
      if (after.compareTo(soonest) < 0) {
        soonest = after;
      }
    }
    return soonest;
  }

  void onChange(Runnable listener) {
    for (Gate gate : gates) {
      gate.onChange(listener);
    }
  }

  void forget(Runnable listener) {
    for (Gate gate : gates) {
      gate.forget(listener);
    }
  }

  private void observe() {
    for (int i = 0; i < gates.length; i++) {
      seen(i, gates[i].isOpen());
    }
  }

  private void seen(int i, boolean open) {
    boolean[] told = toldOpen;
    if (i >= told.length || told[i] == open) {
      return;
    }
    synchronized (telling) {
      // What was seen may be out of date by now, and the last word must be the true one.
      boolean now = gates[i].isOpen();
      if (toldOpen[i] != now) {
        boolean[] next = toldOpen.clone();
        next[i] = now;
        toldOpen = next;
        tell(i, now);
      }
    }
  }

  private void tell(int i, boolean open) {
    signals.tell(listener -> listener.gate(names[i], open));
  }
}
