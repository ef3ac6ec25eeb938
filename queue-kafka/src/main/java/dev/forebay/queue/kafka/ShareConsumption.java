package dev.forebay.queue.kafka;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The share-group mode: records come from {@link Lane lanes} by way of the {@link LanePool}, and
 * every settlement goes back to the lane that holds the record. Thread-safe.
 */
final class ShareConsumption implements Consumption {

  private static final Logger log = LoggerFactory.getLogger(ShareConsumption.class);

  /**
   * The longest release delay that a lane waits out itself: two writes and a read cost more than a
   * lane that is busy for so long, and less than one that is busy for longer.
   */
  static final Duration HELD_DELAY = Duration.ofSeconds(2);

  private static final CompletableFuture<Settlement> STALE =
      CompletableFuture.completedFuture(Settlement.STALE);

  private final ShareSettings settings;
  private final TimeSource time;
  private final Enqueuer enqueuer;
  private final Delays delays;
  private final ShareAdmin admin;
  private final WorkQueue queue;
  private final Intake intake;
  private final LanePool pool;
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);

  ShareConsumption(
      ShareSettings settings,
      ClientProperties properties,
      Enqueuer enqueuer,
      Delays delays,
      ShareAdmin admin,
      WorkQueue queue) {
    this.settings = settings;
    this.time = settings.time();
    this.enqueuer = enqueuer;
    this.delays = delays;
    this.admin = admin;
    this.queue = queue;
    this.intake = new Intake(settings, enqueuer, delays);
    Trouble trouble =
        new Trouble(
            log,
            "Topic "
                + settings.topic()
                + ": a lane of group "
                + settings.group()
                + " has trouble with the broker");
    Lane.ConsumerFactory consumers =
        (records, clientId) ->
            new KafkaShareConsumer<>(properties.lane(settings.group(), records, clientId));
    this.pool =
        new LanePool(
            settings,
            queue,
            (in, size, number) -> new Lane(in, size, number, settings, intake, consumers, trouble),
            admin.watching(settings.group(), settings.topic()));
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    return new ArrayList<>(pool.poll(max, wait));
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    ShareDelivery mine = own(delivery);
    return mine.beginSettlement() ? decide(mine.held(), Held.Decision.ACCEPT) : stale();
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
    ShareDelivery mine = own(delivery);
    if (!mine.extendedTo(time.nanoTime() + lease.toNanos())) {
      return stale();
    }
    // The lane looks by itself within a third of the lock's time.
    if (lease.compareTo(settings.lease()) < 0) {
      mine.held().lane.nudge();
    }
    return CompletableFuture.completedFuture(Settlement.OK);
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    ShareDelivery mine = own(delivery);
    if (!mine.beginSettlement()) {
      return stale();
    }
    Held held = mine.held();
    held.attemptsAfter = mine.attempts().plus(cause);
    held.releaseAt = time.nanoTime() + delay.toNanos();
    if (delay.isZero()) {
      return decide(held, Held.Decision.RELEASE);
    }
    // The broker counts a delivery however it ends, and another process has to take it for a lost
    // lease (R2). A return that waits is written down, so that others know of it.
    boolean holdable = cause == ReleaseCause.FAILED && delay.compareTo(HELD_DELAY) <= 0;
    return delays.longest().isZero() || holdable ? hold(mine) : moveAway(mine, delay);
  }

  /** Decided here and now: the lane holds the record until its time and then gives it back. */
  private static CompletableFuture<Settlement> hold(ShareDelivery mine) {
    Held held = mine.held();
    mine.settled();
    held.decision = Held.Decision.RELEASE;
    held.lane.settle(held);
    return mine.isLost() ? stale() : CompletableFuture.completedFuture(Settlement.OK);
  }

  /** Stored as a copy that waits elsewhere, then accepted (as D1); held where that fails. */
  private CompletableFuture<Settlement> moveAway(ShareDelivery mine, Duration delay) {
    Held held = mine.held();
    Envelope copy = mine.envelope().withAttempts(held.attemptsAfter);
    long notBefore = DelayTopic.notBefore(time.now(), delay);
    return writeFirst(
        mine,
        () -> delays.store(copy, new Copy(held.copies + 1, 0, settings.group()), notBefore),
        error -> {
          log.warn(
              "Topic {}: a released message could not be stored until it is due; it waits in"
                  + " this process. {}",
              settings.topic(),
              KafkaErrors.unwrap(error).toString());
          held.storing = false;
          return hold(mine);
        });
  }

  /**
   * Writes the message elsewhere and then accepts the record. The lane renews the lock meanwhile;
   * nothing is written when it is lost already. If it is lost later, the message is in both places.
   */
  private CompletableFuture<Settlement> writeFirst(
      ShareDelivery mine,
      Supplier<CompletableFuture<Void>> write,
      Function<Throwable, CompletableFuture<Settlement>> failed) {
    Held held = mine.held();
    // First this, so that a lane that ends sees either it or a settlement that has not begun.
    held.storing = true;
    return held.lane
        .whenLocked(mine)
        .thenCompose(
            locked -> {
              if (mine.isLost()) {
                held.lane.settle(held);
                return stale();
              }
              CompletableFuture<Void> stored = write.get();
              intake.moving(held, stored);
              return stored
                  .handle((done, error) -> error)
                  .thenCompose(
                      error -> {
                        if (error != null) {
                          return failed.apply(error);
                        }
                        held.stored = true;
                        return decide(held, Held.Decision.ACCEPT);
                      });
            });
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    ShareDelivery mine = own(delivery);
    String topic = settings.deadLetters();
    if (topic == null || !mine.beginSettlement()) {
      return stale();
    }
    Held held = mine.held();
    Envelope dead =
        mine.envelope().dead(cause, time.now().minusNanos(mine.heldNanos()), settings.topic());
    return writeFirst(
        mine,
        () ->
            enqueuer.send(
                RecordCodec.encodeDead(topic, dead, new Copy(held.copies, 0, settings.group()))),
        error -> {
          log.warn(
              "Topic {}: no dead letter could be written to {}; the message stays under its"
                  + " lease. {}",
              settings.topic(),
              topic,
              KafkaErrors.unwrap(error).toString());
          held.storing = false;
          mine.reopen();
          return CompletableFuture.completedFuture(Settlement.UNKNOWN);
        });
  }

  private static CompletableFuture<Settlement> decide(Held held, Held.Decision decision) {
    CompletableFuture<Settlement> answer = new CompletableFuture<>();
    held.answer = answer;
    held.decision = decision;
    held.lane.settle(held);
    return answer;
  }

  private static CompletableFuture<Settlement> stale() {
    return STALE.copy();
  }

  private ShareDelivery own(Delivery delivery) {
    if (delivery instanceof ShareDelivery mine && mine.queue() == queue) {
      return mine;
    }
    throw new IllegalArgumentException(
        "This delivery is of another queue; settle it by its own methods.");
  }

  @Override
  public QueueDepth depth() {
    return admin.depth(settings.group(), settings.topic(), pool.held());
  }

  @Override
  public @Nullable Explanation explain(String id) {
    return pool.explain(id);
  }

  @Override
  public long undecodable() {
    return intake.undecodableCount();
  }

  @Override
  public void close() {
    if (closing.compareAndSet(false, true)) {
      try {
        drain();
      } finally {
        closed.countDown();
      }
    } else {
      boolean unused = Uninterrupted.await(closed, settings.grace().plusSeconds(2));
    }
  }

  /** Ends the lanes: in their own time, and in haste only what is late. */
  private void drain() {
    long closeBy = time.nanoTime() + settings.grace().toNanos();
    List<Lane> lanes = pool.close(closeBy);
    lanes.forEach(Lane::drain);
    for (Lane lane : lanes) {
      // A lane ends by itself at that time; what keeps it then is a broker that does not answer.
      long left = closeBy - time.nanoTime() + Lane.LAST_WRITES.plusMillis(200).toNanos();
      if (!Uninterrupted.join(lane.thread(), Duration.ofNanos(Math.max(0, left)))) {
        lane.thread().interrupt();
        boolean unused = Uninterrupted.join(lane.thread(), Duration.ofSeconds(1));
      }
    }
  }
}
