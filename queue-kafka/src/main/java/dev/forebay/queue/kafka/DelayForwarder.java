package dev.forebay.queue.kafka;

import dev.forebay.queue.kafka.DelayPartition.Waiting;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves the records of a delay topic on when their time has come; {@link DelayClasses} says where
 * to.
 *
 * <p>One thread owns a consumer. The processes that work on a queue divide the classes among them
 * as a consumer group. A record is written to its next place first ({@link DelayJourneys}) and its
 * offset committed when that is confirmed ({@link DelayCommits}), so that a crash in between writes
 * it once more and never loses it. Before a partition is handed to another process in an orderly
 * way, what is open and was overtaken is written again, so that nothing is written twice then.
 *
 * <p>Memory is bounded: by what may be open, and each class has read at most {@value #MAX_WAITING}
 * records or {@value #MAX_WAITING_BYTES} bytes and one fetch ahead. At the bound, fetching from
 * that partition is paused; the queue's own partitions never are.
 *
 * <p>{@link #start}, {@link #stop} and {@link #close} are for any thread; all else belongs to the
 * forwarder's own.
 */
final class DelayForwarder {

  private static final Logger log = LoggerFactory.getLogger(DelayForwarder.class);

  private static final int MAX_WAITING = 2_000;
  private static final long MAX_WAITING_BYTES = 1 << 20;

  private static final long LONGEST_POLL_MILLIS = 2_000;
  private static final long SENDING_POLL_MILLIS = 50;

  /** So long the next records of a busy key may wait for the answer that is there already. */
  private static final long HOLDING_POLL_MILLIS = 10;

  private static final long RETRY_MILLIS = 1_000;
  private static final Duration HAND_OVER = Duration.ofSeconds(2);

  private final DelayTopic topic;
  private final Supplier<Consumer<byte[], byte[]>> consumers;
  private final TimeSource time;
  private final Trouble trouble;
  private final DelayCommits commits;
  private final Thread thread;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile @Nullable Consumer<byte[], byte[]> waking;
  private volatile long closeBy;

  // The thread's own.
  private final Map<TopicPartition, DelayPartition> partitions = new HashMap<>();
  private final DelayJourneys journeys;

  /**
   * A forwarder that does nothing yet.
   *
   * @param consumers opens a consumer of the group that divides the classes
   * @param sender writes a record and answers when it is confirmed
   * @param admin removes records that have been moved on
   */
  DelayForwarder(
      DelayTopic topic,
      Supplier<Consumer<byte[], byte[]>> consumers,
      Function<ProducerRecord<byte[], byte[]>, CompletableFuture<Void>> sender,
      Admin admin,
      TimeSource time) {
    this.topic = topic;
    this.consumers = consumers;
    this.time = time;
    this.trouble =
        new Trouble(log, "Topic " + topic.name() + ": delayed messages cannot be moved on");
    this.journeys =
        new DelayJourneys(
            topic, sender, home -> partitions.get(home.partition) == home, time, trouble);
    this.commits = new DelayCommits(topic.name(), admin, time);
    this.thread = new Thread(this::run, "forebay-kafka-" + topic.name());
    this.thread.setDaemon(true);
  }

  // ---- called by other threads

  void start() {
    thread.start();
  }

  /** Moves nothing more; what is under way is finished in the background. */
  void stop() {
    stopped.countDown();
    Consumer<byte[], byte[]> open = waking;
    if (open != null) {
      open.wakeup();
    }
  }

  /** Waits for the end, at most so long, and hurries it then. */
  void close(Duration within) {
    closeBy = time.nanoTime() + within.toNanos();
    stop();
    if (!Uninterrupted.join(thread, within)) {
      thread.interrupt();
      boolean unused = Uninterrupted.join(thread, Duration.ofSeconds(1));
    }
  }

  private boolean isStopped() {
    return stopped.getCount() == 0;
  }

  // ---- the forwarder's thread

  private void run() {
    while (!isStopped()) {
      Consumer<byte[], byte[]> consumer = null;
      try {
        consumer = consumers.get();
        waking = consumer;
        consumer.subscribe(List.of(topic.name()), new Ownership(consumer));
        while (!isStopped()) {
          turn(consumer);
        }
      } catch (WakeupException e) {
        log.trace("Told to stop");
      } catch (KafkaException | IllegalStateException e) {
        trouble.seen(e);
      } catch (RuntimeException | Error e) {
        log.error("The forwarder of {} fell over a defect and starts again", topic.name(), e);
      } finally {
        waking = null;
        end(consumer);
      }
      try {
        boolean unused = stopped.await(RETRY_MILLIS, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void turn(Consumer<byte[], byte[]> consumer) {
    journeys.takeAnswers();
    long now = millis();
    // What waits here for its time came earlier than what leaves its class now.
    journeys.goOn(now);
    moveOn(now);
    commits.commit(consumer, partitions, now);
    bound(consumer);
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(idle(now)))) {
      DelayPartition home = partitions.get(new TopicPartition(record.topic(), record.partition()));
      if (home != null) {
        home.fetched(record, millis());
      }
    }
  }

  private long millis() {
    return time.now().toEpochMilli();
  }

  /** Opens what has waited long enough in its class. */
  private void moveOn(long now) {
    for (DelayPartition each : partitions.values()) {
      while (journeys.hasRoom()) {
        Waiting next = each.open(now);
        if (next == null) {
          break;
        }
        journeys.begin(next, DelayClasses.begin(next.leavesAt, now), now);
      }
    }
  }

  /** Reads no further ahead than the bounds. */
  private void bound(Consumer<byte[], byte[]> consumer) {
    List<TopicPartition> full = new ArrayList<>();
    List<TopicPartition> free = new ArrayList<>();
    for (DelayPartition each : partitions.values()) {
      int count = each.waitingCount();
      long bytes = each.waitingBytes();
      if (!each.paused && (count >= MAX_WAITING || bytes >= MAX_WAITING_BYTES)) {
        each.paused = true;
        full.add(each.partition);
      } else if (each.paused && count < MAX_WAITING / 2 && bytes < MAX_WAITING_BYTES / 2) {
        each.paused = false;
        free.add(each.partition);
      }
    }
    consumer.pause(full);
    consumer.resume(free);
  }

  /** How long nothing will be due. */
  private long idle(long now) {
    long until = now + LONGEST_POLL_MILLIS;
    boolean room = journeys.hasRoom();
    boolean ahead = false;
    for (DelayPartition each : partitions.values()) {
      if (room) {
        until = Math.min(until, each.firstLeavesAt());
      }
      ahead |= each.isAhead();
    }
    until = Math.min(until, journeys.nextLook());
    if (journeys.isSending()) {
      until =
          Math.min(until, now + (journeys.isHolding() ? HOLDING_POLL_MILLIS : SENDING_POLL_MILLIS));
    }
    if (ahead || commits.isUnderWay()) {
      until = Math.min(until, now + DelayCommits.INTERVAL_MILLIS);
    }
    return Math.max(0, until - now);
  }

  /** Gives partitions to others so that nothing is written twice, as far as time allows. */
  private void handOver(
      Consumer<byte[], byte[]> consumer, Collection<TopicPartition> gone, Duration within) {
    long end = time.nanoTime() + within.toNanos();
    List<DelayPartition> homes = new ArrayList<>();
    for (TopicPartition partition : gone) {
      DelayPartition home = partitions.get(partition);
      if (home != null) {
        homes.add(home);
      }
    }
    try {
      journeys.await(homes, end);
      journeys.writeOvertaken(homes, millis());
      journeys.await(homes, end);
      Map<TopicPartition, DelayPartition> committing = new HashMap<>();
      homes.forEach(home -> committing.put(home.partition, home));
      commits.commitNow(consumer, committing, end);
    } catch (KafkaException e) {
      log.debug("Handing over {} was cut short", gone, e);
    } finally {
      forget(gone);
    }
  }

  /** Drops what was in hand; whoever has the partition next reads it again. */
  private void forget(Collection<TopicPartition> gone) {
    Set<DelayPartition> homes = new HashSet<>();
    for (TopicPartition partition : gone) {
      DelayPartition home = partitions.remove(partition);
      if (home != null) {
        homes.add(home);
      }
    }
    journeys.forget(homes);
  }

  private void end(@Nullable Consumer<byte[], byte[]> consumer) {
    if (consumer == null) {
      return;
    }
    long left = closeBy - time.nanoTime();
    Duration within =
        closeBy != 0 && left < HAND_OVER.toNanos()
            ? Duration.ofNanos(Math.max(0, left))
            : HAND_OVER;
    List<TopicPartition> all = List.copyOf(partitions.keySet());
    if (isStopped()) {
      handOver(consumer, all, within);
      commits.trim(true);
    } else {
      forget(all);
    }
    boolean interrupted = Thread.interrupted();
    try {
      consumer.close(CloseOptions.timeout(Duration.ofMillis(500)));
    } catch (KafkaException e) {
      log.debug("A consumer of {} could not leave its group", topic.name(), e);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    commits.restart();
  }

  /** Takes and gives partitions; called within poll. */
  private final class Ownership implements ConsumerRebalanceListener {
    private final Consumer<byte[], byte[]> consumer;

    Ownership(Consumer<byte[], byte[]> consumer) {
      this.consumer = consumer;
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> added) {
      added.forEach(partition -> partitions.put(partition, new DelayPartition(partition)));
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> gone) {
      handOver(consumer, gone, HAND_OVER);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> gone) {
      forget(gone);
    }
  }
}
