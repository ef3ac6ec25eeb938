package dev.forebay.queue.loadtest.model;

import java.util.Arrays;

/**
 * The slots that work on a queue, each handling one message at a time.
 *
 * @param fast slots on {@link SpeedClass#FAST} hardware
 * @param slow slots on {@link SpeedClass#SLOW} hardware
 */
public record Slots(int fast, int slow) {

  /** Checks that there is a slot. */
  public Slots {
    if (fast < 0 || slow < 0 || fast + slow < 1) {
      throw new IllegalArgumentException("there must be at least one slot");
    }
  }

  /** Half of {@code total} fast, half slow; the odd one is fast. */
  public static Slots of(int total) {
    return new Slots(total - total / 2, total / 2);
  }

  /** All slots. */
  public int total() {
    return fast + slow;
  }

  /** Slots of one class. */
  public int of(SpeedClass speed) {
    return speed == SpeedClass.FAST ? fast : slow;
  }

  /** The class of every slot, the fast ones first. */
  SpeedClass[] classes() {
    SpeedClass[] classes = new SpeedClass[total()];
    Arrays.fill(classes, 0, fast, SpeedClass.FAST);
    Arrays.fill(classes, fast, classes.length, SpeedClass.SLOW);
    return classes;
  }
}
