package dev.forebay.queue.sqs;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Gathers entries into requests (E5, A4): a full batch leaves at once, a lone entry waits no longer
 * than the linger, and only so many requests are under way at a time, so that entries which arrive
 * faster than SQS answers fill their batches.
 *
 * <p>Entries of one lane keep their order: while one of them is under way the next ones wait.
 *
 * <p>Bounded in entries and bytes; {@link #offer} waits for room. Thread-safe. Nothing runs under
 * the lock but the bookkeeping.
 *
 * @param <E> an entry, which knows how to answer its caller
 */
final class Batcher<E extends Batcher.Entry> {

  /** Entries and bytes one request carries at most. */
  private static final int MAX_ENTRIES = 10;

  /** Below ten seconds of a fast producer, far above what is under way at once. */
  private static final int MAX_PENDING = 10_000;

  private static final long MAX_PENDING_BYTES = 32L << 20;

  /** What a batcher needs to know of an entry. */
  interface Entry {
    /** Its share of the request's size. */
    long bytes();

    /** The lane whose order it keeps; null for none. */
    @Nullable String lane();
  }

  private record Waiting<E>(E entry, long since) {}

  private final TimeSource time;
  private final Duration linger;
  private final int maxConcurrent;
  private final Function<List<E>, CompletableFuture<?>> send;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition room = lock.newCondition();
  private final Condition idle = lock.newCondition();
  private final Deque<Waiting<E>> free = new ArrayDeque<>();
  private final Map<String, Deque<Waiting<E>>> lanes = new LinkedHashMap<>();
  private final Set<String> busy = new HashSet<>();
  private final Set<List<E>> underWay = Collections.newSetFromMap(new IdentityHashMap<>());
  private int pending;
  private long pendingBytes;
  private int concurrent;
  private boolean flushing;
  private TimeSource.@Nullable Timer timer;

  /**
   * A batcher.
   *
   * @param send carries out one batch and answers its entries; its future tells when it is over,
   *     however it ended
   */
  Batcher(
      TimeSource time,
      Duration linger,
      int maxConcurrent,
      Function<List<E>, CompletableFuture<?>> send) {
    this.time = time;
    this.linger = linger;
    this.maxConcurrent = maxConcurrent;
    this.send = send;
  }

  /**
   * Takes an entry, waiting for room if there is none.
   *
   * @return false when there was no room in time; the entry is not taken then
   */
  boolean offer(E entry, Duration patience) {
    List<List<E>> batches;
    lock.lock();
    try {
      if (!awaitRoom(entry.bytes(), patience)) {
        return false;
      }
      add(entry);
      batches = cut();
    } finally {
      lock.unlock();
    }
    dispatch(batches);
    return true;
  }

  /** Takes an entry whether or not there is room: for what is bounded by its caller already. */
  void add(List<E> entries) {
    List<List<E>> batches;
    lock.lock();
    try {
      entries.forEach(this::add);
      batches = cut();
    } finally {
      lock.unlock();
    }
    dispatch(batches);
  }

  /** Sends everything from now on without linger. */
  void flush() {
    List<List<E>> batches;
    lock.lock();
    try {
      flushing = true;
      batches = cut();
    } finally {
      lock.unlock();
    }
    dispatch(batches);
  }

  /** Waits until nothing is pending or under way; false when it took longer than {@code bound}. */
  boolean awaitIdle(Duration bound) {
    lock.lock();
    try {
      return Uninterrupted.await(
          idle, () -> pending == 0 && concurrent == 0, time, time.nanoTime() + bound.toNanos());
    } finally {
      lock.unlock();
    }
  }

  /** What was sent and has no answer yet. */
  List<E> underWay() {
    lock.lock();
    try {
      return underWay.stream().flatMap(List::stream).toList();
    } finally {
      lock.unlock();
    }
  }

  /** Takes out what is still pending, for its callers to be told. */
  List<E> abandon() {
    lock.lock();
    try {
      List<E> left = new ArrayList<>();
      free.forEach(waiting -> left.add(waiting.entry()));
      lanes.values().forEach(lane -> lane.forEach(waiting -> left.add(waiting.entry())));
      free.clear();
      lanes.clear();
      pending = 0;
      pendingBytes = 0;
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
      room.signalAll();
      idle.signalAll();
      return left;
    } finally {
      lock.unlock();
    }
  }

  private boolean awaitRoom(long bytes, Duration patience) {
    long left = patience.toNanos();
    try {
      while (pending >= MAX_PENDING || (pending > 0 && pendingBytes + bytes > MAX_PENDING_BYTES)) {
        if (left <= 0) {
          return false;
        }
        left = room.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void add(E entry) {
    Waiting<E> waiting = new Waiting<>(entry, time.nanoTime());
    String lane = entry.lane();
    if (lane == null) {
      free.add(waiting);
    } else {
      lanes.computeIfAbsent(lane, name -> new ArrayDeque<>()).add(waiting);
    }
    pending++;
    pendingBytes += entry.bytes();
  }

  /** Cuts the batches that may leave now, and sees to it that the rest does in time. */
  private List<List<E>> cut() {
    List<List<E>> batches = new ArrayList<>(1);
    while (pending > 0 && concurrent < maxConcurrent) {
      List<E> batch = flushing || pending >= MAX_ENTRIES || isDue() ? take() : List.of();
      if (batch.isEmpty()) {
        break;
      }
      concurrent++;
      underWay.add(batch);
      batches.add(batch);
    }
    if (timer == null && concurrent < maxConcurrent && oldestSince() != null) {
      timer = time.schedule(linger, this::lingered);
    }
    if (!batches.isEmpty()) {
      room.signalAll();
    }
    return batches;
  }

  private boolean isDue() {
    Long since = oldestSince();
    return since != null && time.nanoTime() - since >= linger.toNanos();
  }

  /** Since when the oldest entry that could leave has been waiting; null when none could. */
  private @Nullable Long oldestSince() {
    Waiting<E> first = free.peekFirst();
    if (first != null) {
      return first.since();
    }
    for (Map.Entry<String, Deque<Waiting<E>>> lane : lanes.entrySet()) {
      if (!busy.contains(lane.getKey())) {
        return lane.getValue().getFirst().since();
      }
    }
    return null;
  }

  private List<E> take() {
    List<E> batch = new ArrayList<>(MAX_ENTRIES);
    long bytes = moveInto(batch, free, 0);
    var each = lanes.entrySet().iterator();
    while (batch.size() < MAX_ENTRIES && each.hasNext()) {
      Map.Entry<String, Deque<Waiting<E>>> lane = each.next();
      if (busy.contains(lane.getKey())) {
        continue;
      }
      int before = batch.size();
      bytes = moveInto(batch, lane.getValue(), bytes);
      if (batch.size() == before) {
        break;
      }
      busy.add(lane.getKey());
      if (lane.getValue().isEmpty()) {
        each.remove();
      }
    }
    pending -= batch.size();
    pendingBytes -= bytes;
    return batch;
  }

  /** Moves what still fits; returns the bytes of the batch. A batch takes any first entry. */
  private long moveInto(List<E> batch, Deque<Waiting<E>> from, long bytes) {
    long total = bytes;
    while (batch.size() < MAX_ENTRIES && !from.isEmpty()) {
      E next = from.getFirst().entry();
      if (!batch.isEmpty() && total + next.bytes() > SqsWire.MAX_BYTES) {
        break;
      }
      batch.add(next);
      total += next.bytes();
      from.removeFirst();
    }
    return total;
  }

  private void lingered() {
    List<List<E>> batches;
    lock.lock();
    try {
      timer = null;
      batches = cut();
    } finally {
      lock.unlock();
    }
    dispatch(batches);
  }

  /** A loop and not a recursion: a client that fails at once would exhaust the stack. */
  private void dispatch(List<List<E>> batches) {
    Deque<List<E>> next = new ArrayDeque<>(batches);
    while (!next.isEmpty()) {
      List<E> batch = next.removeFirst();
      CompletableFuture<?> under = send.apply(batch);
      if (under.isDone()) {
        next.addAll(over(batch));
      } else {
        var unused = under.whenComplete((done, failure) -> dispatch(over(batch)));
      }
    }
  }

  private List<List<E>> over(List<E> batch) {
    lock.lock();
    try {
      concurrent--;
      underWay.remove(batch);
      for (E entry : batch) {
        String lane = entry.lane();
        if (lane != null) {
          busy.remove(lane);
        }
      }
      List<List<E>> batches = cut();
      if (pending == 0 && concurrent == 0) {
        idle.signalAll();
      }
      return batches;
    } finally {
      lock.unlock();
    }
  }
}
