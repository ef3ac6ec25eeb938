package dev.forebay.queue.kafka;

import dev.forebay.queue.kafka.KeyedBuffer.Load;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that owns the Kafka consumer: fetches ahead into the {@link KeyedBuffer} as long
 * as there is room, commits, and hands partitions over.
 *
 * <p>It never waits for a handler, but for a bounded time when a partition moves away: see {@link
 * KeyedAssignment}.
 *
 * <p>It joins the group with the first poll of the queue, and leaves it when nobody has polled for
 * a while and nothing is in hand: what was fetched ahead would only be kept from others.
 */
final class KeyedConsumer implements Runnable {

  private static final Logger log = LoggerFactory.getLogger(KeyedConsumer.class);

  /** The shortest wait, for something that comes in a moment. */
  private static final Duration SOON = Duration.ofMillis(1);

  /** While the queue closes; and so short that nobody is woken from it. */
  private static final Duration BUSY = Duration.ofMillis(5);

  private static final Duration QUIET = Duration.ofMillis(100);

  /** Between looks at positions that moved without a record, past transaction markers. */
  private static final Duration POSITIONS = Duration.ofMillis(200);

  private static final Duration AFTER_FAILURE = Duration.ofSeconds(1);

  private static final Duration LAST_MOMENTS = Duration.ofMillis(400);

  private final KeyedSettings settings;
  private final KeyedRoom room;
  private final TimeSource time;
  private final KeyedBuffer buffer;
  private final KeyedIntake intake;
  private final KeyedCommits commits;
  private final KeyedCounters counters;
  private final Supplier<Consumer<byte[], byte[]>> consumers;
  private final Trouble trouble;
  private final KeyedAssignment assignment;
  private Consumer<byte[], byte[]> consumer;
  private boolean subscribed;
  private boolean draining;
  private long positionsAt;
  private volatile boolean closing;
  private volatile long closeBy;

  KeyedConsumer(
      KeyedSettings settings,
      KeyedBuffer buffer,
      KeyedIntake intake,
      KeyedCounters counters,
      Supplier<Consumer<byte[], byte[]>> consumers) {
    this.settings = settings;
    this.room = new KeyedRoom(settings);
    this.time = settings.time();
    this.buffer = buffer;
    this.intake = intake;
    this.counters = counters;
    this.consumers = consumers;
    String where = "Topic " + settings.topic() + ": the member of group " + settings.group();
    this.trouble = new Trouble(log, where + " has trouble with the broker");
    this.commits =
        new KeyedCommits(
            settings, buffer, counters, new Trouble(log, where + " cannot commit for now"));
    this.assignment =
        new KeyedAssignment(settings, buffer, commits, counters, trouble, () -> closing);
    this.consumer = consumers.get();
    assignment.use(consumer);
    this.positionsAt = time.nanoTime();
  }

  /** Lets what is in hand be settled until {@code end}, then leaves the group. */
  void close(long end) {
    closeBy = end;
    closing = true;
    buffer.close();
  }

  @Override
  public void run() {
    try {
      while (!isDrained()) {
        try {
          turn();
        } catch (InterruptException e) {
          if (closing) {
            break;
          }
          boolean unused = Thread.interrupted();
        } catch (RuntimeException | Error e) {
          // Errors too: no memory for a moment must not end the polling for ever.
          failed(e);
        }
      }
    } finally {
      end();
    }
  }

  private boolean isDrained() {
    if (!closing) {
      return false;
    }
    Load load = buffer.load(Duration.ZERO);
    return (load.leased() == 0 && load.acksWaiting() == 0 && intake.writing() == 0)
        || closeBy - time.nanoTime() <= 0;
  }

  private void turn() {
    if (!subscribed) {
      if (!buffer.awaitPoll(settings.idleAfter())) {
        return;
      }
      consumer.subscribe(List.of(settings.topic()), assignment);
      subscribed = true;
    }
    Load load = buffer.load(settings.idleAfter());
    if (closing && !draining) {
      draining = true;
      buffer.leave(assignment.partitions());
    } else if (!closing && isIdle(load)) {
      log.debug("Topic {}: nobody polls; leaving the group", settings.topic());
      consumer.unsubscribe();
      subscribed = false;
      return;
    }
    assignment.restore();
    commits.commit(consumer, assignment.partitions(), load);
    boolean fetching = throttle(load);
    Duration wait = untilNext(load);
    if (commits.isGathering() && (!load.hungry() || wait.compareTo(BUSY) <= 0)) {
      // Each call of the client wakes its own thread and costs more than an ack. A commit follows,
      // and with it a poll.
      buffer.awaitAcks(wait, KeyedCommits.MANY, wait.compareTo(BUSY) > 0);
    } else if (!fetching && !assignment.partitions().isEmpty()) {
      // Then the client waits by asking itself again and again, which costs a core.
      buffer.awaitWork(wait, commits.inFlight() || load.acksWaiting() > 0);
      // The answer to a commit needs more than a look where a broker has to be found anew.
      pollAndTake(load, commits.inFlight() ? commits.patience() : Duration.ZERO);
    } else {
      pollAndTake(load, wait);
    }
    lookAtPositions();
    buffer.tick();
    trouble.over();
  }

  /** Polls; a long wait ends with the first ack, or when many more have come. */
  private void pollAndTake(Load load, Duration wait) {
    if (commits.inFlight() || wait.compareTo(BUSY) <= 0) {
      take(consumer.poll(wait));
      return;
    }
    long acks = load.acksWaiting() == 0 ? 1 : load.acksWaiting() + KeyedCommits.MANY;
    boolean asked = buffer.callWhenWanted(consumer::wakeup, acks, wait);
    boolean pending = false;
    ConsumerRecords<byte[], byte[]> records = ConsumerRecords.empty();
    try {
      records = consumer.poll(asked ? wait : SOON);
      pending = buffer.wasCalled();
    } catch (WakeupException e) {
      boolean unused = buffer.wasCalled();
    }
    take(records);
    if (pending) {
      // It came too late for that poll, and must not hit a call that cannot be repeated.
      try {
        take(consumer.poll(Duration.ZERO));
      } catch (WakeupException e) {
        log.trace("Topic {}: woken", settings.topic(), e);
      }
    }
  }

  private boolean isIdle(Load load) {
    return !load.polled()
        && load.leased() == 0
        && load.acksWaiting() == 0
        && intake.writing() == 0
        && !commits.inFlight();
  }

  private Duration untilNext(Load load) {
    if (commits.inFlight()) {
      return commits.patience();
    }
    if (load.acksWaiting() > 0) {
      return Duration.ofNanos(Math.max(SOON.toNanos(), commits.untilAllowed()));
    }
    Duration most = closing ? BUSY : QUIET;
    return load.nextDue() < most.toNanos()
        ? Duration.ofNanos(Math.max(SOON.toNanos(), load.nextDue()))
        : most;
  }

  // Fetching.

  /** Pauses and resumes partitions; whether any is fetched. */
  private boolean throttle(Load load) {
    boolean full = closing || room.isFull(load);
    Collection<KeyedPartition> partitions = assignment.partitions();
    Set<TopicPartition> paused = assignment.paused();
    List<TopicPartition> pause = new ArrayList<>(0);
    List<TopicPartition> resume = new ArrayList<>(0);
    buffer.locked(
        () -> {
          for (KeyedPartition partition : partitions) {
            if (partition.tooFar && partition.ledger.span() < KeyedLedger.MAX_SPAN / 4 * 3) {
              partition.tooFar = false;
            }
            boolean stop =
                full
                    || partition.nearCeiling
                    || partition.tooFar
                    || !room.mayFetch(partition, load, partitions.size());
            if (stop != paused.contains(partition.id)) {
              (stop ? pause : resume).add(partition.id);
            }
          }
        });
    if (!pause.isEmpty()) {
      consumer.pause(pause);
      paused.addAll(pause);
    }
    if (!resume.isEmpty()) {
      consumer.resume(resume);
      paused.removeAll(resume);
    }
    return paused.size() < partitions.size();
  }

  private void take(ConsumerRecords<byte[], byte[]> records) {
    for (TopicPartition id : records.partitions()) {
      List<ConsumerRecord<byte[], byte[]>> fetched = records.records(id);
      KeyedPartition partition = assignment.get(id);
      if (partition == null) {
        // Paused until it is restored, so it should not have been fetched.
        consumer.seek(id, fetched.get(0).offset());
        continue;
      }
      take(partition, fetched, records.nextOffsets().get(id));
    }
  }

  private void take(
      KeyedPartition was,
      List<ConsumerRecord<byte[], byte[]>> fetched,
      @Nullable OffsetAndMetadata position) {
    long first = fetched.get(0).offset();
    // Before the committed offset, too, where it lies beyond the end of a log that was cut.
    KeyedPartition partition = first < was.ledger.next() ? startAgain(was, first) : was;
    List<ConsumerRecord<byte[], byte[]>> work = new ArrayList<>(fetched.size());
    long[] refused = {-1};
    buffer.locked(
        () -> {
          KeyedLedger ledger = partition.ledger;
          for (ConsumerRecord<byte[], byte[]> record : fetched) {
            if (ledger.isBeyond(record.offset())) {
              refused[0] = record.offset();
              partition.tooFar = true;
              return;
            }
            if (ledger.arrived(record.offset())) {
              work.add(record);
            }
          }
          if (position != null) {
            ledger.skippedTo(position.offset());
          }
        });
    if (refused[0] >= 0) {
      counters.ceilingStops.increment();
      consumer.seek(partition.id, refused[0]);
    } else {
      counters.skippedAsResolved.add(fetched.size() - work.size());
    }
    intake.admit(partition, work);
  }

  /** The log was cut or replaced: what is known of its offsets means other records now. */
  private KeyedPartition startAgain(KeyedPartition was, long offset) {
    log.warn(
        "{}: the log goes on at offset {}, before what was fetched or committed; it begins anew"
            + " there",
        was,
        offset);
    counters.truncations.increment();
    buffer.drop(List.of(was));
    KeyedPartition now = new KeyedPartition(was.id, KeyedLedger.at(offset), was.term + 1);
    assignment.replace(now);
    return now;
  }

  /** Offsets without a record at the end of the log: the commit goes past them, too (C5). */
  private void lookAtPositions() {
    long now = time.nanoTime();
    if (now - positionsAt < POSITIONS.toNanos()) {
      return;
    }
    positionsAt = now;
    for (KeyedPartition partition : assignment.partitions()) {
      try {
        long position = consumer.position(partition.id, Duration.ZERO);
        buffer.locked(
            () -> {
              if (position > partition.ledger.next() || !partition.ledger.isKnown()) {
                partition.ledger.skippedTo(position);
                partition.dirty = true;
              }
            });
      } catch (TimeoutException e) {
        // Not known yet: the next look is soon enough.
      }
    }
  }

  // Trouble, and the end.

  private void failed(Throwable error) {
    trouble.seen(error);
    try {
      if (!(error instanceof RetriableException)) {
        // Fenced, refused or in a state unknown: a new member starts with nothing.
        assignment.forget();
        commits.reset();
        // Time to say so: else the group keeps its partitions for it until the session time-out.
        closeConsumer(LAST_MOMENTS);
        subscribed = false;
        consumer = consumers.get();
        assignment.use(consumer);
      }
    } catch (RuntimeException e) {
      log.debug("Topic {}: no new consumer", settings.topic(), e);
    }
    try {
      if (!closing) {
        buffer.pause(AFTER_FAILURE);
      }
    } catch (InterruptedException e) {
      log.debug("Interrupted", e);
    }
  }

  private void end() {
    boolean interrupted = Thread.interrupted();
    log.debug("Topic {}: leaving the group{}", settings.topic(), interrupted ? " in haste" : "");
    try {
      long last = Math.max(closeBy, time.nanoTime() + LAST_MOMENTS.toNanos());
      intake.close();
      buffer.leave(assignment.partitions());
      if (!interrupted) {
        boolean unused = commits.commitNow(consumer, assignment.partitions(), last);
      }
      assignment.forget();
      closeConsumer(interrupted ? Duration.ZERO : LAST_MOMENTS);
    } catch (RuntimeException e) {
      log.warn("Topic {}: closing the consumer failed", settings.topic(), e);
    }
  }

  private void closeConsumer(Duration within) {
    try {
      consumer.close(CloseOptions.timeout(within));
    } catch (RuntimeException e) {
      log.debug("Topic {}: closing the consumer failed", settings.topic(), e);
    }
  }
}
