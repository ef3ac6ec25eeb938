package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.kafka.DelayLines.Line;
import dev.forebay.queue.kafka.DelayPartition.Waiting;
import dev.forebay.queue.time.TimeSource;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The records of a delay topic that are <i>open</i>: they have left their class and are on their
 * way to the next one or to the queue's topic, or have less than a second left and wait for it
 * here, where they overtake each other.
 *
 * <p>What cannot be written is tried again a second later. Later records of its key stay behind it
 * until then ({@link DelayLines}), all others overtake it.
 *
 * <p>At most {@value #MAX_OPEN} records or {@value #MAX_OPEN_BYTES} bytes are. Belongs to the
 * thread of the {@link DelayForwarder}; answers of the brokers come in by a queue.
 */
final class DelayJourneys {

  private static final Logger log = LoggerFactory.getLogger(DelayJourneys.class);

  private static final int MAX_OPEN = 10_000;
  private static final long MAX_OPEN_BYTES = 16 << 20;
  private static final long RETRY_MILLIS = 1_000;
  private static final long REFUSED_MILLIS = 60_000;

  private record Answer(Waiting of, boolean delivered, @Nullable Throwable error) {}

  private final DelayTopic topic;
  private final Function<ProducerRecord<byte[], byte[]>, CompletableFuture<Void>> sender;
  private final Predicate<DelayPartition> owned;
  private final TimeSource time;
  private final Trouble trouble;
  private final LinkedBlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
  private final PriorityQueue<Waiting> near =
      new PriorityQueue<>(
          Comparator.<Waiting>comparingLong(each -> each.lookAt)
              .thenComparingLong(each -> each.order));
  private final DelayLines lines = new DelayLines();
  private long opened;
  private int count;
  private long bytes;
  private int sending;

  /**
   * Nothing open.
   *
   * @param sender writes a record and answers when it is confirmed
   * @param owned whether a class is still this process's, in the same hands as when it was read
   */
  DelayJourneys(
      DelayTopic topic,
      Function<ProducerRecord<byte[], byte[]>, CompletableFuture<Void>> sender,
      Predicate<DelayPartition> owned,
      TimeSource time,
      Trouble trouble) {
    this.topic = topic;
    this.sender = sender;
    this.owned = owned;
    this.time = time;
    this.trouble = trouble;
  }

  boolean hasRoom() {
    return count < MAX_OPEN && bytes < MAX_OPEN_BYTES;
  }

  boolean isSending() {
    return sending > 0;
  }

  /** Whether some that could go wait for earlier ones of their keys. */
  boolean isHolding() {
    return lines.isHolding();
  }

  /** When the next one is to be looked at; {@link Long#MAX_VALUE} when there is none. */
  long nextLook() {
    Waiting next = near.peek();
    return Math.min(next == null ? Long.MAX_VALUE : next.lookAt, lines.nextLook());
  }

  /** Takes in a record that leaves its class; its next wait begins at {@code begin}. */
  void begin(Waiting each, long begin, long now) {
    count++;
    bytes += each.bytes;
    each.order = opened++;
    route(each, begin, now);
  }

  /** Sends what is due, and what is to be tried again. */
  void goOn(long now) {
    for (Waiting next = near.peek(); next != null && next.lookAt <= now; next = near.peek()) {
      near.remove();
      route(next, now, now);
    }
    sendHeld(now);
  }

  private void route(Waiting each, long begin, long now) {
    if (!waitsHere(each, begin, now) && lines.mayGo(each)) {
      boolean unused = write(each, begin, now);
    }
  }

  /** Sends what was held and is no longer behind anything. */
  private void sendHeld(long now) {
    for (Line line = lines.next(now); line != null; line = lines.next(now)) {
      boolean alone = lines.goesAlone(line);
      Waiting each = lines.first(line);
      while (each != null) {
        long begin = DelayClasses.begin(each.leavesAt, now);
        boolean last = false;
        if (!waitsHere(each, begin, now)) {
          lines.goes(line, each);
          last = !write(each, begin, now) || alone;
        }
        each = last ? null : lines.first(line);
      }
      lines.look(line);
    }
  }

  private boolean waitsHere(Waiting each, long begin, long now) {
    if (each.due <= now || DelayClasses.of(each.due - begin) > 0) {
      return false;
    }
    each.lookAt = each.due;
    near.add(each);
    return true;
  }

  /** Writes it to where it belongs next; false when it is known at once that this failed. */
  private boolean write(Waiting each, long begin, long now) {
    ConsumerRecord<byte[], byte[]> record = each.record;
    if (record == null) {
      return true;
    }
    return each.due <= now
        ? send(each, topic.due(record, each.due), true)
        : send(each, topic.next(record, DelayClasses.of(each.due - begin), begin), false);
  }

  private boolean send(Waiting each, ProducerRecord<byte[], byte[]> record, boolean delivering) {
    each.sending = true;
    sending++;
    CompletableFuture<Void> written = sender.apply(record);
    CompletableFuture<Boolean> unused =
        written.handle((stored, error) -> answers.add(new Answer(each, delivering, error)));
    return !written.isCompletedExceptionally();
  }

  void takeAnswers() {
    for (Answer answer = answers.poll(); answer != null; answer = answers.poll()) {
      take(answer);
    }
    sendHeld(millis());
  }

  private long millis() {
    return time.now().toEpochMilli();
  }

  private void take(Answer answer) {
    Waiting each = answer.of();
    Throwable error = answer.error();
    each.sending = false;
    sending--;
    if (error == null) {
      trouble.over();
      ended(each);
    } else if (!owned.test(each.home)) {
      // Another forwarder has it by now, and its record is still there.
      ended(each);
    } else if (answer.delivered() && KafkaErrors.sendCode(error) == ErrorCode.INVALID_MESSAGE) {
      refused(each, error);
    } else {
      trouble.seen(error);
      each.lookAt = millis() + RETRY_MILLIS;
      if (!lines.failed(each, each.lookAt)) {
        near.add(each);
      }
    }
  }

  private void ended(Waiting each) {
    lines.leave(each);
    if (each.record != null) {
      each.record = null;
      count--;
      bytes -= each.bytes;
    }
  }

  /** The queue's topic does not take it: it waits on, behind others rather than in their way. */
  private void refused(Waiting each, Throwable error) {
    lines.leave(each);
    ConsumerRecord<byte[], byte[]> record = each.record;
    if (record == null) {
      return;
    }
    log.error(
        "The topic {} refuses the record {}@{} of {}, which is tried again in a minute; does its"
            + " max.message.bytes fit that of {}? {}",
        topic.target(),
        each.home.partition,
        each.offset,
        topic.name(),
        topic.name(),
        error.getMessage());
    long now = millis();
    boolean unused = send(each, topic.next(record, DelayClasses.of(REFUSED_MILLIS), now), false);
  }

  /** Waits until nothing of these classes is being sent, until {@code end} at most. */
  void await(List<DelayPartition> homes, long end) {
    takeAnswers();
    while (homes.stream().anyMatch(DelayPartition::isSending)) {
      try {
        Answer answer = answers.poll(end - time.nanoTime(), TimeUnit.NANOSECONDS);
        if (answer == null) {
          return;
        }
        take(answer);
        sendHeld(millis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Writes again what waits here and was overtaken, so that all before it can be committed. */
  void writeOvertaken(List<DelayPartition> homes, long now) {
    for (DelayPartition home : homes) {
      Set<Waiting> overtaken = new LinkedHashSet<>(home.overtaken());
      near.removeAll(overtaken);
      for (Waiting each : overtaken) {
        ConsumerRecord<byte[], byte[]> record = each.record;
        if (record != null) {
          lines.leave(each);
          boolean unused =
              send(each, topic.next(record, DelayClasses.of(each.due - now), now), false);
        }
      }
    }
  }

  /** Drops what waits here of these classes. */
  void forget(Set<DelayPartition> homes) {
    lines.heldOf(homes).forEach(this::ended);
    near.removeIf(
        each -> {
          boolean drop = homes.contains(each.home);
          if (drop) {
            ended(each);
          }
          return drop;
        });
  }
}
