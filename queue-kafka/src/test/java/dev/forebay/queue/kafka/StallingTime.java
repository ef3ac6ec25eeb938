package dev.forebay.queue.kafka;

import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;

/** The real time, which some threads do not get while it is stalled: they seem suspended. */
final class StallingTime implements TimeSource {
  private final TimeSource real = SystemTimeSource.get();
  private final String threads;
  private boolean stalling;
  private int stalled;

  StallingTime(String threads) {
    this.threads = threads;
  }

  synchronized void stall(boolean on) {
    stalling = on;
    notifyAll();
  }

  synchronized int stalled() {
    return stalled;
  }

  private synchronized void pass() {
    if (!Thread.currentThread().getName().startsWith(threads)) {
      return;
    }
    stalled++;
    boolean interrupted = false;
    while (stalling) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    stalled--;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public Instant now() {
    return real.now();
  }

  @Override
  public long nanoTime() {
    pass();
    return real.nanoTime();
  }

  @Override
  public Timer schedule(Duration delay, Runnable task) {
    return real.schedule(delay, task);
  }
}
