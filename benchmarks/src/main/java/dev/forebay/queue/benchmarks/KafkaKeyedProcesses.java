package dev.forebay.queue.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;

/**
 * Runs of the keyed mode and its peers in several processes: one that is killed, and members that
 * come and go. Each process tells what it starts and finishes.
 */
final class KafkaKeyedProcesses {

  private static final long LIMIT_SECONDS = 60;

  /** Starts a process of a contender. */
  interface Starter {
    ChildJvm start(String contender) throws IOException;
  }

  private final Report report;
  private final List<String> contenders;
  private final Starter starter;
  private final int count;

  /**
   * Runs on one filled topic.
   *
   * @param count messages in it
   */
  KafkaKeyedProcesses(Report report, List<String> contenders, Starter starter, int count) {
    this.report = report;
    this.contenders = contenders;
    this.starter = starter;
    this.count = count;
  }

  /** A process that reads what another one tells. Its thread ends with that one. */
  private static final class Listener {
    private final ChildJvm child;
    private final Thread thread;

    Listener(ChildJvm child, int number, KeyedStory story) {
      this.child = child;
      this.thread = new Thread(() -> listen(number, story), "listener-" + number);
      thread.setDaemon(true);
      thread.start();
    }

    private void listen(int number, KeyedStory story) {
      try {
        for (String line = child.line(); line != null; line = child.line()) {
          boolean unused = story.tell(number, line);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Not for ever: a contender may hang in its end, too. */
    void awaitEnd() throws InterruptedException {
      thread.join(TimeUnit.SECONDS.toMillis(LIMIT_SECONDS));
    }
  }

  /** SIGKILL with half of it done, then another process for the rest. */
  void kill(String scenario, IntFunction<String> keys) throws Exception {
    for (String contender : contenders) {
      KeyedStory story = new KeyedStory(keys);
      int finished;
      long killed;
      try (ChildJvm child = starter.start(contender)) {
        Listener first = new Listener(child, 1, story);
        JobLog.await(() -> story.finished() >= count / 2, LIMIT_SECONDS, "half of the messages");
        child.kill();
        killed = System.nanoTime();
        first.awaitEnd();
        finished = story.finished();
      }
      try (ChildJvm child = starter.start(contender)) {
        Listener second = new Listener(child, 2, story);
        awaitAll(story);
        child.kill();
        second.awaitEnd();
      }
      Long next = story.firstStart(2);
      report.row(
          scenario,
          contender,
          "",
          "",
          story.finishedBefore(2),
          story.outOfOrder() + story.overlaps(),
          String.format(
              "of %d finished; next start after %.1f s; lost %d",
              finished, next == null ? Double.NaN : (next - killed) / 1e9, missing(story)));
    }
  }

  /** Two members, a third that joins, and one that ends as it is asked to by SIGTERM. */
  void comeAndGo(String scenario, IntFunction<String> keys) throws Exception {
    for (String contender : contenders) {
      KeyedStory story = new KeyedStory(keys);
      List<ChildJvm> children = new ArrayList<>();
      List<Listener> listeners = new ArrayList<>();
      try {
        for (int member = 1; member <= 3; member++) {
          int handed = story.finished();
          await(() -> member(children, story, handed), "members to have work");
          ChildJvm child = starter.start(contender);
          children.add(child);
          listeners.add(new Listener(child, member, story));
        }
        int third = 3;
        await(
            () -> story.firstStart(third) != null || story.finished() >= count,
            "the third to start");
        int sinceJoin = story.finished();
        await(() -> story.finished() >= Math.min(count, sinceJoin + count / 5), "work");
        children.get(0).terminate();
        awaitAll(story);
        for (ChildJvm child : children) {
          child.terminate();
        }
        for (Listener listener : listeners) {
          listener.awaitEnd();
        }
      } finally {
        for (ChildJvm child : children) {
          child.close();
        }
      }
      report.row(
          scenario,
          contender,
          "",
          "",
          story.repeated(),
          story.outOfOrder() + story.overlaps(),
          String.format(
              "%d out of order, %d overlaps; lost %d",
              story.outOfOrder(), story.overlaps(), missing(story)));
    }
  }

  /** Whether the next member may come: a tenth of the work was done since the last one came. */
  private boolean member(List<ChildJvm> children, KeyedStory story, int handed) {
    return children.isEmpty()
        || story.finished() >= count
        || (story.firstStart(children.size()) != null && story.finished() >= handed + count / 10);
  }

  private void awaitAll(KeyedStory story) throws InterruptedException {
    await(() -> story.finished() >= count, "the rest");
  }

  /** A contender that stands still is a figure, not an error: it shows in what is missing. */
  private static void await(BooleanSupplier condition, String what) throws InterruptedException {
    try {
      JobLog.await(condition, LIMIT_SECONDS, what);
    } catch (IllegalStateException e) {
      System.err.println(e.getMessage());
    }
  }

  private int missing(KeyedStory story) {
    return count - story.finished();
  }
}
