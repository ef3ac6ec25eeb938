package dev.forebay.queue.testkit.fault;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

/**
 * A queue that passes everything on to another one and, from a seed, lets some of it go wrong: to
 * show that a worker, a handler or a checker copes with what a network does.
 *
 * <p>What it answers stays true in the contract's terms: a call that was not carried out is
 * UNAVAILABLE or THROTTLED, one of which nobody knows is AMBIGUOUS or UNKNOWN. Only {@link
 * QueueFault#DUPLICATE_DELIVERY} breaks a rule (L1), as a best-effort broker may.
 *
 * <p>What strikes is a function of the seed, the operation and how many calls of that operation
 * came before; so a run repeats as far as the order of its calls does. Thread-safe.
 */
public final class FaultyWorkQueue extends ForwardingWorkQueue {

  /** More copies than this are not kept for later polls. */
  private static final int MAX_COPIES = 1000;

  private final FaultPlan plan;
  private final TimeSource time;
  private final Duration longestDelay;
  private final ArrayDeque<Delivery> copies = new ArrayDeque<>();
  private final Set<Late> late = ConcurrentHashMap.newKeySet();
  private final Set<CountDownLatch> sleepers = ConcurrentHashMap.newKeySet();
  private volatile boolean closing;

  private FaultyWorkQueue(Builder builder) {
    super(builder.target);
    plan = new FaultPlan(builder.seed, builder.rates);
    time = builder.time;
    longestDelay = builder.longestDelay;
  }

  /** Starts a queue in front of {@code target}; without rates no fault strikes. */
  public static Builder builder(WorkQueue target, long seed) {
    return new Builder(target, seed);
  }

  /** Switches all faults off or on again. */
  public void enable(boolean enabled) {
    plan.enable(enabled);
  }

  /** Returns how often this fault struck. */
  public long fired(QueueFault fault) {
    return plan.fired(fault);
  }

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    FaultPlan.Call call =
        plan.next(
            "enqueue",
            QueueFault.LOST_REQUEST,
            QueueFault.LOST_REPLY,
            QueueFault.THROTTLE,
            QueueFault.DELAY);
    if (call.fault() == QueueFault.LOST_REQUEST) {
      return struck(QueueFault.LOST_REQUEST, notStored(ErrorCode.UNAVAILABLE));
    }
    if (call.fault() == QueueFault.THROTTLE) {
      return struck(QueueFault.THROTTLE, notStored(ErrorCode.THROTTLED));
    }
    if (call.fault() == QueueFault.LOST_REPLY) {
      return super.enqueue(message)
          .thenApply(
              outcome -> {
                if (outcome instanceof EnqueueOutcome.Failed) {
                  // It was never sent, so there is no reply to lose.
                  return outcome;
                }
                plan.count(QueueFault.LOST_REPLY);
                return new EnqueueOutcome.Failed(
                    ErrorCode.AMBIGUOUS,
                    "The reply was lost (injected). Enqueue again with the same dedup id.");
              });
    }
    return perhapsLate(call, () -> super.enqueue(message));
  }

  private static EnqueueOutcome notStored(ErrorCode code) {
    return new EnqueueOutcome.Failed(code, "The message was not stored (injected). Try it again.");
  }

  /** As its parts; in addition some of them may fail together. */
  @Override
  public CompletableFuture<List<EnqueueOutcome>> enqueueAll(List<Message> messages) {
    FaultPlan.Call call = plan.next("enqueueAll", QueueFault.PARTIAL_FAILURE);
    boolean partial = call.fault() == QueueFault.PARTIAL_FAILURE && messages.size() > 1;
    int spared = partial ? call.random().nextInt(messages.size()) : 0;
    int hit =
        partial ? (spared + 1 + call.random().nextInt(messages.size() - 1)) % messages.size() : 0;
    if (partial) {
      plan.count(QueueFault.PARTIAL_FAILURE);
    }
    List<CompletableFuture<EnqueueOutcome>> each = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      // At least one fails and at least one does not.
      boolean fails = partial && i != spared && (i == hit || call.random().nextBoolean());
      each.add(
          fails
              ? CompletableFuture.completedFuture(notStored(ErrorCode.UNAVAILABLE))
              : enqueue(messages.get(i)));
    }
    return CompletableFuture.allOf(each.toArray(CompletableFuture[]::new))
        .thenApply(done -> each.stream().map(CompletableFuture::join).toList());
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    Checks.poll(max, wait);
    if (closing) {
      return super.poll(max, wait);
    }
    FaultPlan.Call call =
        plan.next(
            "poll",
            QueueFault.LOST_REQUEST,
            QueueFault.LOST_REPLY,
            QueueFault.THROTTLE,
            QueueFault.DUPLICATE_DELIVERY,
            QueueFault.DELAY);
    List<Delivery> copied = takeCopies(max);
    if (!copied.isEmpty()) {
      return copied;
    }
    if (call.fault() == QueueFault.LOST_REQUEST || call.fault() == QueueFault.THROTTLE) {
      plan.count(call.fault());
      sleep(wait);
      return List.of();
    }
    if (call.fault() == QueueFault.DELAY) {
      plan.count(QueueFault.DELAY);
      sleep(delay(call.random()));
      if (closing || Thread.currentThread().isInterrupted()) {
        return List.of();
      }
    }
    List<Delivery> taken = super.poll(max, wait);
    if (taken.isEmpty()) {
      return taken;
    }
    if (call.fault() == QueueFault.LOST_REPLY) {
      // Held by nobody, as after a lost reply, until their leases end.
      plan.count(QueueFault.LOST_REPLY);
      return List.of();
    }
    if (call.fault() == QueueFault.DUPLICATE_DELIVERY) {
      keepCopy(taken.get(call.random().nextInt(taken.size())));
    }
    return taken;
  }

  private List<Delivery> takeCopies(int max) {
    List<Delivery> taken = new ArrayList<>();
    synchronized (copies) {
      while (taken.size() < max && !copies.isEmpty()) {
        Delivery copy = copies.poll();
        if (copy != null && !copy.isLost() && !copy.leaseRemaining().isZero()) {
          plan.count(QueueFault.DUPLICATE_DELIVERY);
          taken.add(copy);
        }
      }
    }
    return taken;
  }

  private void keepCopy(Delivery delivery) {
    synchronized (copies) {
      if (copies.size() < MAX_COPIES) {
        copies.add(adopt(inner(delivery)));
      }
    }
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    return settle("ack", () -> super.ack(delivery));
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
    Checks.lease(lease, capabilities());
    return settle("extend", () -> super.extend(delivery, lease));
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    Checks.releaseDelay(delay, capabilities());
    return settle("release", () -> super.release(delivery, delay, cause));
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    Checks.deadLetters(capabilities());
    return settle("deadLetter", () -> super.deadLetter(delivery, cause));
  }

  private CompletableFuture<Settlement> settle(
      String operation, Supplier<CompletableFuture<Settlement>> call) {
    FaultPlan.Call planned =
        plan.next(operation, QueueFault.LOST_REQUEST, QueueFault.LOST_REPLY, QueueFault.DELAY);
    if (planned.fault() == QueueFault.LOST_REQUEST) {
      return struck(QueueFault.LOST_REQUEST, Settlement.UNKNOWN);
    }
    if (planned.fault() == QueueFault.LOST_REPLY) {
      return call.get()
          .thenApply(
              result -> {
                if (result != Settlement.OK) {
                  // A stale settlement is known here; no reply is needed to tell.
                  return result;
                }
                plan.count(QueueFault.LOST_REPLY);
                return Settlement.UNKNOWN;
              });
    }
    return perhapsLate(planned, call);
  }

  private <T> CompletableFuture<T> struck(QueueFault fault, T answer) {
    plan.count(fault);
    return CompletableFuture.completedFuture(answer);
  }

  private <T> CompletableFuture<T> perhapsLate(
      FaultPlan.Call call, Supplier<CompletableFuture<T>> what) {
    if (call.fault() != QueueFault.DELAY || closing) {
      return what.get();
    }
    plan.count(QueueFault.DELAY);
    CompletableFuture<T> result = new CompletableFuture<>();
    Late task =
        new Late(
            () ->
                what.get()
                    .whenComplete(
                        (answer, failure) -> {
                          if (failure == null) {
                            result.complete(answer);
                          } else {
                            result.completeExceptionally(failure);
                          }
                        }));
    late.add(task);
    time.schedule(delay(call.random()), () -> runOnce(task));
    if (closing) {
      runOnce(task);
    }
    return result;
  }

  private void runOnce(Late task) {
    if (late.remove(task)) {
      task.body.run();
    }
  }

  private Duration delay(SplittableRandom random) {
    return Duration.ofNanos(random.nextLong(longestDelay.toNanos() + 1));
  }

  private void sleep(Duration wait) {
    if (wait.isZero()) {
      return;
    }
    CountDownLatch over = new CountDownLatch(1);
    sleepers.add(over);
    TimeSource.Timer timer = time.schedule(wait, over::countDown);
    try {
      if (!closing) {
        over.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      timer.cancel();
      sleepers.remove(over);
    }
  }

  /** Carries out what is late, then closes the queue behind. */
  @Override
  public void close() {
    closing = true;
    sleepers.forEach(CountDownLatch::countDown);
    List.copyOf(late).forEach(this::runOnce);
    super.close();
  }

  private static final class Late {
    final Runnable body;

    Late(Runnable body) {
      this.body = body;
    }
  }

  /** Which faults strike how often. Not thread-safe. */
  public static final class Builder {
    private final WorkQueue target;
    private final long seed;
    private final Map<QueueFault, Double> rates = new EnumMap<>(QueueFault.class);
    private TimeSource time = SystemTimeSource.get();
    private Duration longestDelay = Duration.ofMillis(100);

    private Builder(WorkQueue target, long seed) {
      this.target = target;
      this.seed = seed;
    }

    /**
     * How often a fault strikes where it can.
     *
     * @param share between 0 and 1
     */
    public Builder rate(QueueFault fault, double share) {
      if (!(share >= 0 && share <= 1)) {
        throw new IllegalArgumentException("A rate is between 0 and 1, not " + share);
      }
      rates.put(fault, share);
      return this;
    }

    /** The longest delay, 100 ms by default; shorter ones are as likely. */
    public Builder longestDelay(Duration value) {
      longestDelay = value;
      return this;
    }

    /** The clock that delays go by; real time by default. */
    public Builder time(TimeSource value) {
      time = value;
      return this;
    }

    /** The queue. */
    public FaultyWorkQueue build() {
      return new FaultyWorkQueue(this);
    }
  }
}
