package dev.forebay.queue.sqs;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Turns polls of any number of threads into receives.
 *
 * <p><b>Demand.</b> Polls that wait add up to a demand; receives are sent for what is neither on
 * the shelf nor asked for already, so that eight threads that want one message each cost one
 * request. How many are under way at once, and how far ahead of the demand, is the {@link Pace}.
 *
 * <p><b>No receive is ever cancelled.</b> SQS may already have picked a message for it, which would
 * then be lost to everybody until its lease ends. A poll that ends leaves its receive behind; what
 * that brings is held for the next poll for a short while, then given back (P4).
 *
 * <p><b>{@link Trouble}.</b> After a failed receive nothing is asked for a while; polls wait that
 * out and return empty.
 *
 * <p>Thread-safe. Nothing is sent and nothing decided while the lock is held.
 */
final class Receiver {

  /** Held at most; reached only by the waiting messages of many FIFO groups. */
  private static final int MAX_HELD = 1_000;

  private static final long MAX_HELD_BYTES = 32L << 20;

  /**
   * A receive ahead of the demand waits too, if only because one that does not asks a part of the
   * servers only.
   */
  private static final int AHEAD_WAIT_SECONDS = 1;

  /** Between two receives for polls too short for a long poll. */
  private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final LeaseTimes times;
  private final TimeSource time;
  private final Receives receives;
  private final Consumer<List<SqsDelivery>> giveBack;
  private final boolean fifo;
  private final Runnable held;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();
  private final Waiters waiters;
  private final Shelf shelf;
  private final Pace pace;
  private final Trouble trouble;
  private int running;
  private long incoming;
  private boolean closing;
  private long lookAgainAt;
  private TimeSource.@Nullable Timer look;

  /**
   * A receiver that receives nothing until somebody polls.
   *
   * @param batch messages one receive asks for at most
   * @param held told when something was received
   * @param giveBack takes what has to go back to SQS, in this order
   */
  Receiver(
      QueueFacts facts,
      LeaseTimes times,
      TimeSource time,
      Receives receives,
      int batch,
      Runnable held,
      Consumer<List<SqsDelivery>> giveBack) {
    this.waiters = new Waiters(lock, time);
    this.times = times;
    this.time = time;
    this.receives = receives;
    this.fifo = facts.fifo();
    this.held = held;
    this.giveBack = giveBack;
    this.shelf = new Shelf(fifo);
    this.lookAgainAt = time.nanoTime();
    this.pace = new Pace(fifo, batch, !facts.countsReceivesClosely(), lookAgainAt);
    this.trouble = new Trouble(facts.url(), time, this::resume);
  }

  /** A receive under way; {@code asker} is the one poll without a wait that it is for. */
  private record Receive(
      int size, int waitSeconds, Waiters.@Nullable Waiter asker, long startedAt) {}

  /** Takes what there is or what comes within the wait (P1). */
  List<Delivery> poll(int max, Duration wait) {
    List<SqsDelivery> unfit = new ArrayList<>(0);
    List<Receive> starts;
    Waiters.Waiter waiter = null;
    List<SqsDelivery> got;
    lock.lock();
    try {
      got = take(max, unfit);
      if (got.isEmpty() && !closing && !Thread.currentThread().isInterrupted()) {
        waiter = waiters.join(max, wait);
      }
      starts = waiter != null && waiter.immediate ? immediate(waiter) : plan();
    } finally {
      lock.unlock();
    }
    giveBack.accept(unfit);
    starts.forEach(this::start);
    if (waiter != null) {
      got = await(waiter);
    }
    return List.copyOf(got);
  }

  private List<SqsDelivery> await(Waiters.Waiter waiter) {
    List<Receive> starts;
    lock.lock();
    try {
      waiters.await(waiter);
      starts = plan();
    } finally {
      lock.unlock();
    }
    starts.forEach(this::start);
    return waiter.got();
  }

  private List<SqsDelivery> take(int max, List<SqsDelivery> unfit) {
    if (closing) {
      return List.of();
    }
    List<SqsDelivery> taken = shelf.take(max, times::isFresh, unfit);
    if (!taken.isEmpty()) {
      var now = time.now();
      taken.forEach(delivery -> delivery.handOut(now));
      pace.taken(taken);
    }
    return taken;
  }

  /** A poll without a wait gets a receive of its own, so that it is told what is there now. */
  private List<Receive> immediate(Waiters.Waiter waiter) {
    if (trouble.isPausing()) {
      waiter.end();
      return List.of();
    }
    int size = Math.min(pace.batch(time.nanoTime()), waiter.max);
    return List.of(begin(size, 0, waiter));
  }

  /** Which receives to start for what is waited for. */
  private List<Receive> plan() {
    if (closing
        || trouble.isPausing()
        || shelf.size() >= MAX_HELD
        || shelf.bytes() >= MAX_HELD_BYTES) {
      return List.of();
    }
    long now = time.nanoTime();
    long demand = waiters.demand();
    int batch = pace.batch(now);
    int ahead = pace.plenty() ? pace.ahead(now) : 0;
    int reorderAt = ahead > 0 ? pace.reorderAt(now) : 0;
    List<Receive> starts = new ArrayList<>(1);
    if (shelf.ready() == 0 && pace.looksAround()) {
      starts.add(begin(1, 0, null));
    }
    while (running < pace.width()) {
      long left = shelf.ready() + incoming - demand;
      if (left >= 0 && (ahead == 0 || left > reorderAt)) {
        break;
      }
      int size = (int) Math.min(batch, reorderAt + ahead - left);
      int waitSeconds = left < 0 ? times.waitSeconds(waiters.longest(now)) : AHEAD_WAIT_SECONDS;
      if (waitSeconds == 0 && !isTimeToLookAgain(now)) {
        break;
      }
      starts.add(begin(size, waitSeconds, null));
    }
    return starts;
  }

  /** Polls that wait less than a second have receives without a wait, every now and then. */
  private boolean isTimeToLookAgain(long now) {
    if (now - lookAgainAt >= 0) {
      lookAgainAt = now + LOOK_AGAIN_NANOS;
      return true;
    }
    if (look == null) {
      look = time.schedule(Duration.ofNanos(lookAgainAt - now), this::lookAgain);
    }
    return false;
  }

  private void lookAgain() {
    List<Receive> starts;
    lock.lock();
    try {
      look = null;
      starts = plan();
    } finally {
      lock.unlock();
    }
    starts.forEach(this::start);
  }

  private Receive begin(int size, int waitSeconds, Waiters.@Nullable Waiter asker) {
    running++;
    if (asker == null) {
      incoming += size;
    }
    return new Receive(size, waitSeconds, asker, time.nanoTime());
  }

  private void start(Receive receive) {
    receives.send(
        receive.size(),
        receive.waitSeconds(),
        (count, admitted, failure) -> over(receive, count, admitted, failure));
  }

  private void over(
      Receive receive, int count, List<SqsDelivery> admitted, @Nullable Throwable failure) {
    if (!admitted.isEmpty()) {
      held.run();
    }
    List<SqsDelivery> back = new ArrayList<>(0);
    List<Receive> starts;
    lock.lock();
    try {
      running--;
      if (receive.asker() == null) {
        incoming -= receive.size();
      }
      note(receive, count, failure);
      if (closing) {
        back.addAll(admitted);
        ended.signalAll();
      } else {
        admitted.forEach(shelf::add);
        distribute(back);
      }
      if (receive.asker() != null) {
        receive.asker().end();
      }
      starts = plan();
    } finally {
      lock.unlock();
    }
    giveBack.accept(back);
    starts.forEach(this::start);
  }

  private void distribute(List<SqsDelivery> unfit) {
    for (Waiters.Waiter waiter : waiters.all()) {
      if (shelf.ready() == 0) {
        return;
      }
      if (!waiter.isServed()) {
        waiter.serve(take(waiter.max, unfit));
      }
    }
  }

  private void note(Receive receive, int count, @Nullable Throwable failure) {
    if (failure == null) {
      trouble.succeeded();
      if (receive.asker() == null) {
        pace.received(receive.size(), count, time.nanoTime() - receive.startedAt());
      }
      return;
    }
    pace.failed();
    trouble.failed(failure, closing);
  }

  private void resume() {
    List<Receive> starts;
    lock.lock();
    try {
      trouble.resumed();
      starts = plan();
    } finally {
      lock.unlock();
    }
    starts.forEach(this::start);
  }

  /** Lets the next of its group follow, or sends back what must not overtake it. */
  void decided(SqsDelivery delivery) {
    if (delivery.isGone() && delivery.handedOutAt() != null) {
      pace.finished();
    }
    if (!fifo && delivery.handedOutAt() != null) {
      // It left the shelf long ago, and nothing waits for it.
      return;
    }
    List<SqsDelivery> back = new ArrayList<>(0);
    List<Receive> starts;
    lock.lock();
    try {
      back.addAll(shelf.decided(delivery, delivery.isGone()));
      distribute(back);
      starts = plan();
    } finally {
      lock.unlock();
    }
    back.remove(delivery);
    giveBack.accept(back);
    starts.forEach(this::start);
  }

  /**
   * What has to go back to SQS before this delivery does, so that nothing overtakes it (K1). SQS
   * counts a receive of each, so for a while only single messages are asked for.
   */
  List<SqsDelivery> detach(SqsDelivery delivery) {
    lock.lock();
    try {
      List<SqsDelivery> rest = shelf.detach(delivery);
      if (!rest.isEmpty()) {
        pace.singly(time.nanoTime());
      }
      return rest;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Looks after what is held (P4): gives back what no poll took in time, and returns what waits for
   * another of its group and needs its lease extended.
   */
  List<SqsDelivery> tend() {
    List<SqsDelivery> back = new ArrayList<>(0);
    List<SqsDelivery> extend = new ArrayList<>(0);
    long now = time.nanoTime();
    lock.lock();
    try {
      for (SqsDelivery delivery : shelf.all()) {
        if (back.contains(delivery)) {
          continue;
        }
        if (shelf.isReady(delivery)) {
          if (times.isOverdue(delivery, now)) {
            back.addAll(shelf.withdraw(delivery));
          }
        } else if (times.needsExtension(delivery, now)) {
          extend.add(delivery);
        }
      }
    } finally {
      lock.unlock();
    }
    giveBack.accept(back);
    return extend;
  }

  /** Whether anything is held for a poll. */
  boolean isHolding() {
    lock.lock();
    try {
      return shelf.size() > 0;
    } finally {
      lock.unlock();
    }
  }

  /** Ends all polls and gives back what is held; receives under way end by themselves. */
  void close() {
    List<SqsDelivery> back;
    lock.lock();
    try {
      closing = true;
      trouble.close();
      if (look != null) {
        look.cancel();
      }
      waiters.endAll();
      back = shelf.drain();
    } finally {
      lock.unlock();
    }
    giveBack.accept(back);
  }

  /** Waits until no receive is under way; false when it took longer than {@code bound}. */
  boolean awaitEnd(Duration bound) {
    lock.lock();
    try {
      return Uninterrupted.await(
          ended, () -> running == 0, time, time.nanoTime() + bound.toNanos());
    } finally {
      lock.unlock();
    }
  }
}
