package dev.forebay.queue.sqs;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;

/**
 * Turns polls of any number of threads into receives.
 *
 * <p><b>Demand.</b> Polls that wait add up to a demand; receives are sent for what is neither on
 * the shelf nor asked for already, so that eight threads that want one message each cost one
 * request. How many receives are under way at once follows their yield: twice as many after a full
 * one, one less after one that was not full, half after an empty one. When deliveries are taken
 * quickly, a little more is asked for than is wanted right now, at most what goes within {@link
 * #AHEAD_MILLIS}; slow handlers so get no more than they wait for.
 *
 * <p><b>No receive is ever cancelled.</b> SQS may already have picked a message for it, which would
 * then be lost to everybody until its lease ends. A poll that ends leaves its receive behind; what
 * that brings is held for the next poll for a short while, then given back (P4).
 *
 * <p><b>Trouble.</b> After a failed receive nothing is asked for a while that grows with each
 * further one; polls wait that out and return empty. What lasts is logged once, and the recovery
 * (S3).
 *
 * <p>Thread-safe. Nothing is sent and nothing decided while the lock is held.
 */
final class Receiver {

  private static final Logger LOG = LoggerFactory.getLogger(Receiver.class);

  private static final int BATCH = 10;

  /** Long polls under way at once; each keeps one of the client's connections. */
  private static final int MAX_RECEIVES = 20;

  /** How far ahead of the demand receives may go: four batches, and no more than this long. */
  private static final int MAX_AHEAD = 40;

  private static final long AHEAD_MILLIS = 100;

  /** Over this long the rate of hand-outs is taken. */
  private static final long RATE_WINDOW_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** Held at most; reached only by the waiting messages of many FIFO groups. */
  private static final int MAX_HELD = 1_000;

  private static final long MAX_HELD_BYTES = 32L << 20;

  /** Between two receives for polls too short for a long poll. */
  private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  /** A poll without a wait still needs the time of one request. */
  private static final long REQUEST_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(3);

  /**
   * SQS prefers the oldest group of a FIFO queue, and a lone consumer would see no other until that
   * is worked off (K3). So after a few of one group in a row, while the last of them still locks
   * it, one message of any other is asked for; but only where polls come often enough that it does
   * not wait long here.
   */
  private static final int STREAK = 3;

  private static final double LOOK_AROUND_RATE = 2;

  /** How long FIFO messages are received one by one after others had to go back for one. */
  private static final long SINGLY_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** Fewer failures in a row are everyday life of a network. */
  private static final int FAILURES_TO_TELL = 3;

  private static final long FIRST_PAUSE_MILLIS = 100;
  private static final long LONGEST_PAUSE_MILLIS = 10_000;

  private final SqsAsyncClient client;
  private final String url;
  private final LeaseTimes times;
  private final TimeSource time;
  private final Intake intake;
  private final Consumer<List<SqsDelivery>> giveBack;
  private final boolean fifo;
  private final int fullBatch;
  private final Runnable held;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();
  private final Deque<Waiter> waiters = new ArrayDeque<>();
  private final Shelf shelf;
  private String lastGroup = "";
  private int streak;
  private int batch;
  private long batchAgainAt;
  private int running;
  private int width = 1;
  private long incoming;
  private long windowStart;
  private int takenInWindow;
  private double rate;
  private int failures;
  private boolean pausing;
  private boolean closing;
  private TimeSource.@Nullable Timer pause;
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
      SqsAsyncClient client,
      QueueFacts facts,
      LeaseTimes times,
      TimeSource time,
      Intake intake,
      int batch,
      Runnable held,
      Consumer<List<SqsDelivery>> giveBack) {
    this.client = client;
    this.url = facts.url();
    this.times = times;
    this.time = time;
    this.intake = intake;
    this.fifo = facts.fifo();
    this.fullBatch = batch;
    this.batch = batch;
    this.held = held;
    this.giveBack = giveBack;
    this.shelf = new Shelf(facts.fifo());
    this.windowStart = time.nanoTime();
    this.lookAgainAt = windowStart;
  }

  /** A poll that waits. */
  private final class Waiter {
    final int max;
    final long until;
    final boolean immediate;
    final Condition signal = lock.newCondition();
    List<SqsDelivery> got = List.of();
    boolean over;

    Waiter(int max, long until, boolean immediate) {
      this.max = max;
      this.until = until;
      this.immediate = immediate;
    }
  }

  /** A receive under way; {@code asker} is the one poll without a wait that it is for. */
  private record Receive(int size, int waitSeconds, @Nullable Waiter asker) {}

  /** Takes what there is or what comes within the wait (P1). */
  List<Delivery> poll(int max, Duration wait) {
    List<SqsDelivery> unfit = new ArrayList<>(0);
    List<Receive> starts;
    Waiter waiter = null;
    List<SqsDelivery> got;
    lock.lock();
    try {
      got = take(max, unfit);
      if (got.isEmpty() && !closing && !Thread.currentThread().isInterrupted()) {
        waiter = join(max, wait);
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

  private Waiter join(int max, Duration wait) {
    boolean immediate = wait.isZero();
    long nanos =
        immediate
            ? REQUEST_PATIENCE_NANOS
            : wait.compareTo(Duration.ofDays(365)) > 0
                ? TimeUnit.DAYS.toNanos(365)
                : wait.toNanos();
    Waiter waiter = new Waiter(max, time.nanoTime() + nanos, immediate);
    waiters.add(waiter);
    return waiter;
  }

  private List<SqsDelivery> await(Waiter waiter) {
    List<Receive> starts;
    lock.lock();
    try {
      while (waiter.got.isEmpty() && !waiter.over && !closing) {
        long left = waiter.until - time.nanoTime();
        if (left <= 0) {
          break;
        }
        try {
          waiter.signal.awaitNanos(left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          break;
        }
      }
      waiters.remove(waiter);
      starts = plan();
    } finally {
      lock.unlock();
    }
    starts.forEach(this::start);
    return waiter.got;
  }

  private List<SqsDelivery> take(int max, List<SqsDelivery> unfit) {
    if (closing) {
      return List.of();
    }
    List<SqsDelivery> taken = shelf.take(max, times::isFresh, unfit);
    if (!taken.isEmpty()) {
      var now = time.now();
      taken.forEach(delivery -> delivery.handOut(now));
      takenInWindow += taken.size();
      for (SqsDelivery delivery : taken) {
        String group = Shelf.group(delivery);
        streak = group.equals(lastGroup) ? streak + 1 : 1;
        lastGroup = group;
      }
    }
    return taken;
  }

  /** A poll without a wait gets a receive of its own, so that it is told what is there now. */
  private List<Receive> immediate(Waiter waiter) {
    if (pausing) {
      waiter.over = true;
      return List.of();
    }
    return List.of(begin(new Receive(Math.min(batch, waiter.max), 0, waiter)));
  }

  /** Which receives to start for what is waited for. */
  private List<Receive> plan() {
    if (closing || pausing || shelf.size() >= MAX_HELD || shelf.bytes() >= MAX_HELD_BYTES) {
      return List.of();
    }
    long demand = 0;
    long longest = 0;
    long now = time.nanoTime();
    for (Waiter waiter : waiters) {
      if (!waiter.immediate && waiter.got.isEmpty()) {
        demand += waiter.max;
        longest = Math.max(longest, waiter.until - now);
      }
    }
    if (batch < fullBatch && now - batchAgainAt >= 0) {
      batch = fullBatch;
    }
    int ahead = ahead(now);
    List<Receive> starts = new ArrayList<>(1);
    if (fifo && streak >= STREAK && shelf.ready() == 0 && rate >= LOOK_AROUND_RATE) {
      streak = 0;
      starts.add(begin(new Receive(1, 0, null)));
    }
    while (running < width) {
      long lacking = demand - shelf.ready() - incoming;
      long room = lacking + ahead;
      // Ahead of the demand only by whole batches: a small one would cost what it should save.
      if (room <= 0 || (lacking <= 0 && room < batch)) {
        break;
      }
      int size = (int) Math.min(batch, room);
      int waitSeconds = times.waitSeconds(longest);
      if (waitSeconds == 0 && !isTimeToLookAgain(now)) {
        break;
      }
      starts.add(begin(new Receive(size, waitSeconds, null)));
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

  private Receive begin(Receive receive) {
    running++;
    if (receive.asker() == null) {
      incoming += receive.size();
    }
    return receive;
  }

  private int ahead(long now) {
    long window = now - windowStart;
    if (window >= RATE_WINDOW_NANOS) {
      rate = takenInWindow * 1e9 / window;
      takenInWindow = 0;
      windowStart = now;
    }
    return (int) Math.min(Math.min(MAX_AHEAD, 4 * batch), rate * AHEAD_MILLIS / 1000);
  }

  private void start(Receive receive) {
    long sentNanos = time.nanoTime();
    try {
      var unused =
          client
              .receiveMessage(
                  request ->
                      request
                          .queueUrl(url)
                          .maxNumberOfMessages(receive.size())
                          .waitTimeSeconds(receive.waitSeconds())
                          .visibilityTimeout(times.visibilitySeconds())
                          .messageSystemAttributeNames(
                              MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT,
                              MessageSystemAttributeName.APPROXIMATE_FIRST_RECEIVE_TIMESTAMP,
                              MessageSystemAttributeName.SENT_TIMESTAMP,
                              MessageSystemAttributeName.MESSAGE_GROUP_ID)
                          .messageAttributeNames("All"))
              .whenComplete((response, failure) -> over(receive, sentNanos, response, failure));
    } catch (RuntimeException e) {
      // A client that was closed before the queue throws instead of failing its future.
      over(receive, sentNanos, null, e);
    }
  }

  private void over(
      Receive receive,
      long sentNanos,
      @Nullable ReceiveMessageResponse response,
      @Nullable Throwable failure) {
    List<SqsDelivery> admitted = new ArrayList<>(BATCH);
    List<Message> messages = response == null ? List.of() : response.messages();
    for (Message message : messages) {
      try {
        SqsDelivery delivery = intake.admit(message, sentNanos);
        if (delivery != null) {
          admitted.add(delivery);
        }
      } catch (RuntimeException e) {
        // One message must not stop the rest; it comes back by its lease.
        LOG.error("Message {} of {} could not be taken in", message.messageId(), url, e);
      }
    }
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
      if (failure == null) {
        succeeded(receive, messages.size());
      } else {
        failed(failure);
      }
      if (closing) {
        back.addAll(admitted);
        ended.signalAll();
      } else {
        admitted.forEach(shelf::add);
        distribute(back);
      }
      if (receive.asker() != null) {
        receive.asker().over = true;
        receive.asker().signal.signal();
      }
      starts = plan();
    } finally {
      lock.unlock();
    }
    giveBack.accept(back);
    starts.forEach(this::start);
  }

  private void distribute(List<SqsDelivery> unfit) {
    for (Waiter waiter : waiters) {
      if (shelf.ready() == 0) {
        return;
      }
      if (waiter.got.isEmpty() && !waiter.over) {
        waiter.got = take(waiter.max, unfit);
        if (!waiter.got.isEmpty()) {
          waiter.signal.signal();
        }
      }
    }
  }

  private void succeeded(Receive receive, int count) {
    if (failures >= FAILURES_TO_TELL) {
      LOG.info("SQS answers again for {}", url);
    }
    failures = 0;
    if (receive.asker() == null) {
      if (count == receive.size()) {
        width = Math.min(MAX_RECEIVES, 2 * width);
      } else {
        width = Math.max(1, count == 0 ? width / 2 : width - 1);
      }
    }
  }

  private void failed(Throwable failure) {
    Throwable inner = SqsErrors.unwrap(failure);
    failures++;
    if (failures == FAILURES_TO_TELL && !closing) {
      LOG.warn(
          "Receiving from {} fails ({}): {}. Polls return empty until it works again; tried with"
              + " pauses of up to {} s.",
          url,
          SqsErrors.ofCall(inner),
          inner.getMessage(),
          LONGEST_PAUSE_MILLIS / 1000);
    }
    width = 1;
    if (pausing || closing) {
      return;
    }
    pausing = true;
    pause =
        time.schedule(
            Pauses.after(failures, FIRST_PAUSE_MILLIS, LONGEST_PAUSE_MILLIS), this::resume);
    waiters.stream().filter(waiter -> waiter.immediate).forEach(waiter -> waiter.signal.signal());
  }

  private void resume() {
    List<Receive> starts;
    lock.lock();
    try {
      pausing = false;
      pause = null;
      starts = plan();
    } finally {
      lock.unlock();
    }
    starts.forEach(this::start);
  }

  /** Lets the next of its group follow, or sends back what must not overtake it. */
  void decided(SqsDelivery delivery) {
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
        batch = 1;
        batchAgainAt = time.nanoTime() + SINGLY_NANOS;
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
      if (pause != null) {
        pause.cancel();
      }
      if (look != null) {
        look.cancel();
      }
      waiters.forEach(waiter -> waiter.signal.signal());
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
      long left = bound.toNanos();
      while (running > 0) {
        if (left <= 0) {
          return false;
        }
        left = ended.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }
}
