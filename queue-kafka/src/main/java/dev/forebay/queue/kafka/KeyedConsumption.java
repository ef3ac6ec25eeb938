package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keyed mode: a consumer group, of which each queue object is a member. Records come by the
 * {@link KeyedConsumer} into the {@link KeyedBuffer}, where they are handed out and settled.
 * Thread-safe.
 */
final class KeyedConsumption implements Consumption {

  private static final Logger log = LoggerFactory.getLogger(KeyedConsumption.class);
  private static final CompletableFuture<Settlement> STALE =
      CompletableFuture.completedFuture(Settlement.STALE);

  /** Two writes cost more than a place among those in hand does for so long. */
  static final Duration HELD_DELAY = Duration.ofSeconds(2);

  private final KeyedSettings settings;
  private final TimeSource time;
  private final Enqueuer enqueuer;
  private final Delays delays;
  private final KeyedAdmin admin;
  private final WorkQueue queue;
  private final KeyedBuffer buffer;
  private final KeyedIntake intake;
  private final KeyedCounters counters = new KeyedCounters();
  private final KeyedConsumer consumer;
  private final Thread thread;
  private final AtomicBoolean started = new AtomicBoolean();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);

  KeyedConsumption(
      KeyedSettings settings,
      Supplier<Consumer<byte[], byte[]>> consumers,
      Enqueuer enqueuer,
      Delays delays,
      KeyedAdmin admin,
      WorkQueue queue) {
    this.settings = settings;
    this.time = settings.time();
    this.enqueuer = enqueuer;
    this.delays = delays;
    this.admin = admin;
    this.queue = queue;
    this.buffer = new KeyedBuffer(settings, queue);
    this.intake = new KeyedIntake(settings, enqueuer, buffer);
    this.consumer = new KeyedConsumer(settings, buffer, intake, counters, consumers);
    this.thread = new Thread(consumer, "forebay-kafka-" + settings.topic());
    thread.setDaemon(true);
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    if (closing.get()) {
      throw new QueueException(
          ErrorCode.CLOSED, "The queue " + settings.topic() + " is closed; open a new one.");
    }
    if (started.compareAndSet(false, true)) {
      thread.start();
    }
    return buffer.poll(max, wait);
  }

  @Override
  public List<Delivery> pollReady(int max) {
    return closing.get() ? List.of() : buffer.pollReady(max);
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    KeyedDelivery mine = own(delivery);
    return mine.beginSettlement() ? buffer.resolve(mine) : stale();
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
    return buffer.extend(own(delivery), lease);
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    KeyedDelivery mine = own(delivery);
    if (!mine.beginSettlement()) {
      return stale();
    }
    Attempts attempts = mine.attempts().plus(cause);
    return goesAway(mine, delay)
        ? moveAway(mine, attempts, delay)
        : buffer.release(mine, attempts, delay);
  }

  /** Whether nothing of this process has to wait for the message, so that it may wait elsewhere. */
  private boolean goesAway(KeyedDelivery mine, Duration delay) {
    return delay.compareTo(HELD_DELAY) > 0
        && !delays.longest().isZero()
        && (settings.keyPolicy() == KeyPolicy.RELAXED || mine.message().key().isEmpty());
  }

  /**
   * Stored as a copy that waits elsewhere, then resolved (as D1); held here where that fails. Where
   * nobody knows whether it failed, the message may then be in both places.
   */
  private CompletableFuture<Settlement> moveAway(
      KeyedDelivery mine, Attempts attempts, Duration delay) {
    if (!buffer.beginWriting(mine)) {
      return stale();
    }
    mine.delaying = true;
    return delays
        .store(
            mine.envelope().withAttempts(attempts),
            new Copy(mine.record.copy.number() + 1, mine.fencingToken(), settings.group()),
            DelayTopic.notBefore(time.now(), delay))
        .handle((stored, error) -> error)
        .thenCompose(
            error -> {
              mine.stored = error == null || KafkaErrors.sendCode(error) == ErrorCode.AMBIGUOUS;
              if (error == null) {
                return buffer.resolve(mine);
              }
              log.warn(
                  "Topic {}: a released message could not be stored until it is due; it waits in"
                      + " this process. {}",
                  settings.topic(),
                  KafkaErrors.unwrap(error).toString());
              return buffer
                  .release(mine, attempts, delay)
                  .thenApply(answer -> mine.stored ? Settlement.UNKNOWN : answer);
            });
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    KeyedDelivery mine = own(delivery);
    String topic = settings.deadLetters();
    if (topic == null || !mine.beginSettlement() || !buffer.beginWriting(mine)) {
      return stale();
    }
    Envelope dead =
        mine.envelope().dead(cause, time.now().minusNanos(mine.heldNanos()), settings.topic());
    return enqueuer
        .send(
            RecordCodec.encodeDead(
                topic,
                dead,
                new Copy(mine.record.copy.number(), mine.fencingToken(), settings.group())))
        .handle((stored, error) -> error)
        .thenCompose(error -> afterWriting(mine, topic, error));
  }

  private CompletableFuture<Settlement> afterWriting(
      KeyedDelivery mine, String topic, @Nullable Throwable error) {
    if (error == null) {
      mine.stored = true;
      return buffer.resolve(mine);
    }
    log.warn(
        "Topic {}: no dead letter could be written to {}; the message stays under its lease. {}",
        settings.topic(),
        topic,
        KafkaErrors.unwrap(error).toString());
    buffer.reopen(mine);
    return CompletableFuture.completedFuture(Settlement.UNKNOWN);
  }

  private static CompletableFuture<Settlement> stale() {
    return STALE.copy();
  }

  private KeyedDelivery own(Delivery delivery) {
    if (delivery instanceof KeyedDelivery mine && mine.queue() == queue) {
      return mine;
    }
    throw new IllegalArgumentException(
        "This delivery is of another queue; settle it by its own methods.");
  }

  @Override
  public QueueDepth depth() {
    return admin.depth(settings.group(), settings.topic(), buffer.load(Duration.ZERO).leased());
  }

  @Override
  public @Nullable Explanation explain(String id) {
    return buffer.explain(id);
  }

  @Override
  public long undecodable() {
    return intake.undecodableCount();
  }

  @Override
  public List<Object> inside() {
    return List.of(counters.read());
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

  private void drain() {
    consumer.close(time.nanoTime() + settings.grace().toNanos());
    if (started.compareAndSet(false, true)) {
      // Nobody ever polled; there is only a consumer to be closed.
      thread.start();
    }
    // It ends by itself by then; what keeps it is a broker that does not answer.
    if (!Uninterrupted.join(thread, settings.grace().plusMillis(700))) {
      thread.interrupt();
      boolean unused = Uninterrupted.join(thread, Duration.ofSeconds(1));
    }
  }
}
