package dev.forebay.queue.worker;

import java.time.Duration;
import java.util.List;

/** All gates before a worker: what the narrowest lets through. Thread-safe. */
final class Gates {

  private final Gate[] gates;

  Gates(List<Gate> gates) {
    this.gates = gates.toArray(Gate[]::new);
  }

  /** How many messages may come in now. */
  int room() {
    int room = Integer.MAX_VALUE;
    for (Gate gate : gates) {
      room = Math.min(room, gate.room());
    }
    return room;
  }

  /** Whether none is closed, rates apart. */
  boolean open() {
    for (Gate gate : gates) {
      if (!gate.isOpen()) {
        return false;
      }
    }
    return true;
  }

  void took(int count) {
    for (Gate gate : gates) {
      gate.took(count);
    }
  }

  /** When to look again at gates that let nothing through. */
  Duration lookAgainAfter() {
    Duration soonest = Gate.FOR_EVER;
    for (Gate gate : gates) {
      if (gate.room() == 0 && gate.lookAgainAfter().compareTo(soonest) < 0) {
        soonest = gate.lookAgainAfter();
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
}
