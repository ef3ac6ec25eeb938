package dev.forebay.queue.loadtest.model;

/**
 * How fast a worker's hardware is. Fleets mix generations of accelerators; a queue that hands out
 * work in equal shares, as a static assignment of partitions does, waits for the slow ones.
 */
public enum SpeedClass {
  /** Hardware that takes just the modelled service time. */
  FAST(1.0),
  /** Hardware an old generation or a shared card behind. */
  SLOW(3.3);

  private final double slowdown;

  SpeedClass(double slowdown) {
    this.slowdown = slowdown;
  }

  /** By how much the service time of {@link #FAST} is multiplied. */
  public double slowdown() {
    return slowdown;
  }
}
