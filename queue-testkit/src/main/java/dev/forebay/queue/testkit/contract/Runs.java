package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.worker.DecidingHandler;
import dev.forebay.queue.worker.HandlerContext;
import dev.forebay.queue.worker.Outcome;
import dev.forebay.queue.worker.Worker;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;

/** What a worker's handler ran: the attempts by the texts of the messages. Thread-safe. */
final class Runs {

  /** What a handler does. */
  @FunctionalInterface
  interface Body {
    /**
     * Handles a delivery.
     *
     * @param run how often its message has been run, this time included
     */
    Outcome run(Delivery delivery, int run, HandlerContext context) throws Exception;
  }

  private final Map<String, List<Integer>> attempts = new TreeMap<>();
  private int begun;
  private int ended;
  private int most;

  /** A handler of which this keeps count. */
  DecidingHandler<Delivery> handler(Body body) {
    return (delivery, context) -> {
      int run = begin(delivery);
      try {
        return body.run(delivery, run, context);
      } finally {
        end();
      }
    };
  }

  private synchronized int begin(Delivery delivery) {
    begun++;
    most = Math.max(most, begun - ended);
    List<Integer> ofText =
        attempts.computeIfAbsent(delivery.message().text(), text -> new ArrayList<>());
    ofText.add(delivery.attempt());
    return ofText.size();
  }

  private synchronized void end() {
    ended++;
  }

  synchronized int begun() {
    return begun;
  }

  synchronized int ended() {
    return ended;
  }

  /** How many there were at the same time. */
  synchronized int most() {
    return most;
  }

  private synchronized int running() {
    return begun - ended;
  }

  synchronized List<Integer> of(String text) {
    return List.copyOf(attempts.getOrDefault(text, List.of()));
  }

  /**
   * Lets time go by until this comes true. A manual clock stands still while a delivery is on its
   * way to or from the handler, for which a worker needs no time but its lease might end.
   */
  boolean goOn(Trial trial, WorkQueue queue, BooleanSupplier done) {
    return trial.timing().goOn(done, () -> queue.depth().inFlight().orElse(0) <= running());
  }

  /**
   * The same for a worker that may keep deliveries without running them: the clock stands still
   * while one is on its way to or from the worker.
   */
  static boolean goOn(Trial trial, WorkQueue queue, Worker worker, BooleanSupplier done) {
    return trial
        .timing()
        .goOn(done, () -> queue.depth().inFlight().orElse(0) <= worker.stats().running());
  }

  @Override
  public synchronized String toString() {
    return attempts.toString();
  }
}
