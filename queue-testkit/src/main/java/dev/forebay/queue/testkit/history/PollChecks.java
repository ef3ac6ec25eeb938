package dev.forebay.queue.testkit.history;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Result;
import java.time.Duration;

/** I15, I17: polls keep their bounds; close ends in time, and nothing comes after it. */
final class PollChecks {

  private final Index index;
  private final Findings to;

  private PollChecks(Index index, Findings to) {
    this.index = index;
    this.to = to;
  }

  static void run(Index index, Findings to) {
    PollChecks checks = new PollChecks(index, to);
    index.polls.forEach(checks::poll);
    index.lives.values().forEach(checks::close);
    for (Trace trace : index.traces.values()) {
      trace.holds.forEach(checks::afterClose);
    }
    index.enqueues.forEach(checks::enqueueAfterClose);
  }

  private void poll(Event poll) {
    Index.Life life = index.lives.get(poll.process());
    boolean over = life != null && life.ended <= poll.completed();
    if (poll.result() == Result.FAILED) {
      if (!over || !ErrorCode.CLOSED.name().equals(poll.text())) {
        to.add(Check.I15, Rule.P1, "a poll failed", poll);
      }
      return;
    }
    if (poll.came() > poll.asked()) {
      to.add(Check.I15, Rule.P1, "more than asked for", poll);
    }
    long took = poll.completed() - poll.invoked();
    if (poll.came() == 0
        && !over
        && poll.text() == null
        && !to.terms.hidden()
        && took + to.granularity() < poll.amount()) {
      to.add(Check.I15, Rule.P1, "empty before its wait was over", poll);
    }
    if (poll.completed() != Event.NEVER && took > poll.amount() + 2 * to.late()) {
      to.add(Check.I15, Rule.P1, "waited too long", poll);
    }
    Event close = life == null ? null : life.close;
    if (close != null && close.completed() < poll.invoked()) {
      to.add(Check.I17, Rule.S1, "a closed queue could be polled", close, poll);
    }
  }

  private void close(Index.Life life) {
    Event close = life.close;
    Duration grace = to.terms.grace();
    if (close == null || grace == null) {
      return;
    }
    long most = close.invoked() + grace.toNanos() + 1_000_000_000L + 2 * to.late();
    if (Math.min(close.completed(), index.last) > most) {
      to.add(Check.I17, Rule.S1, "close took longer than its grace and a second", close);
    }
  }

  private void afterClose(Hold hold) {
    Index.Life life = index.lives.get(hold.deliver.process());
    Event close = life == null ? null : life.close;
    if (close != null && close.completed() < hold.deliver.invoked()) {
      to.add(Check.I17, Rule.S1, "handed out after close", close, hold.deliver);
    }
  }

  private void enqueueAfterClose(Event enqueue) {
    Index.Life life = index.lives.get(enqueue.process());
    Event close = life == null ? null : life.close;
    if (close != null && enqueue.result() == Result.OK && close.completed() < enqueue.invoked()) {
      to.add(Check.I17, Rule.S1, "stored after close", close, enqueue);
    }
  }
}
