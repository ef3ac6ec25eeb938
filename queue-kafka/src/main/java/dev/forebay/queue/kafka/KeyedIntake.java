package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.ErrorCode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes fetched records, and writes the dead letters of those that cannot be decoded (P5).
 * Thread-safe; records come from the consumer's thread.
 *
 * <p>A write may block for as long as the producer's buffer is full or nobody knows where the topic
 * is ({@code max.block.ms}). So it has a thread of its own, which comes with the first one and goes
 * when there are no more: the consumer's would fall out of the group, that of the timers would hold
 * up every queue of the process. What waits for the thread is bounded by what the buffer holds.
 */
final class KeyedIntake implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(KeyedIntake.class);
  private static final Duration RETRY = Duration.ofSeconds(1);
  private static final Duration WRITER_IDLE = Duration.ofSeconds(5);

  /** What a record costs beside its key and value, about. */
  private static final int OVERHEAD_BYTES = 400;

  private final KeyedSettings settings;
  private final Enqueuer enqueuer;
  private final KeyedBuffer buffer;
  private final LongAdder undecodable = new LongAdder();
  private final AtomicInteger writing = new AtomicInteger();
  private final Trouble trouble;
  private final ThreadPoolExecutor writer;

  KeyedIntake(KeyedSettings settings, Enqueuer enqueuer, KeyedBuffer buffer) {
    this.settings = settings;
    this.enqueuer = enqueuer;
    this.buffer = buffer;
    this.trouble =
        new Trouble(log, "Topic " + settings.topic() + ": a dead letter could not be written");
    this.writer =
        new ThreadPoolExecutor(
            1,
            1,
            WRITER_IDLE.toMillis(),
            TimeUnit.MILLISECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "forebay-kafka-aside-" + settings.topic());
              thread.setDaemon(true);
              return thread;
            },
            // Nothing more is written once this is closed.
            new ThreadPoolExecutor.DiscardPolicy());
    writer.allowCoreThreadTimeOut(true);
  }

  long undecodableCount() {
    return undecodable.sum();
  }

  /** Dead letters under way. */
  int writing() {
    return writing.get();
  }

  /** Takes in records of a partition that are work, in order. */
  void admit(KeyedPartition partition, List<ConsumerRecord<byte[], byte[]>> work) {
    if (work.isEmpty()) {
      return;
    }
    List<KeyedRecord> records = new ArrayList<>(work.size());
    List<Long> notBefore = new ArrayList<>(work.size());
    List<Runnable> aside = new ArrayList<>(0);
    for (ConsumerRecord<byte[], byte[]> record : work) {
      int bytes =
          OVERHEAD_BYTES
              + Math.max(0, record.serializedKeySize())
              + Math.max(0, record.serializedValueSize());
      String reason;
      try {
        RecordCodec.Decoded decoded = RecordCodec.decode(record);
        if (decoded.isForOtherThan(settings.group())) {
          KeyedRecord unseen = new KeyedRecord(partition, record.offset(), bytes, null);
          records.add(unseen);
          notBefore.add(0L);
          aside.add(() -> buffer.resolveAside(unseen));
          continue;
        }
        KeyedRecord decodable =
            new KeyedRecord(partition, record.offset(), bytes, decoded.envelope());
        decodable.copy = decoded.copy();
        records.add(decodable);
        notBefore.add(decoded.notBefore());
        continue;
      } catch (RecordCodec.UndecodableException e) {
        reason = String.valueOf(e.getMessage());
      } catch (RuntimeException e) {
        // Never seen; whatever it is, the record must not be stuck here for ever.
        reason = e.toString();
      }
      KeyedRecord broken = new KeyedRecord(partition, record.offset(), bytes, null);
      records.add(broken);
      notBefore.add(0L);
      aside.add(() -> writeAside(broken, record, reason));
    }
    buffer.add(records, notBefore);
    aside.forEach(Runnable::run);
  }

  private void writeAside(
      KeyedRecord broken, ConsumerRecord<byte[], byte[]> record, String reason) {
    if (DeadLetterMark.isMark(record)) {
      // Of a dead-letter topic that is polled as a queue.
      buffer.resolveAside(broken);
      return;
    }
    undecodable.increment();
    String deadLetters = settings.deadLetters();
    if (deadLetters == null) {
      log.error(
          "The record {} cannot be decoded and there are no dead letters; it is skipped. {}",
          broken,
          reason);
      buffer.resolveAside(broken);
      return;
    }
    log.warn("The record {} cannot be decoded and goes to {}. {}", broken, deadLetters, reason);
    DeadLetter letter =
        new DeadLetter(
            new DeadLetterCause(DeadLetterCause.UNDECODABLE, reason),
            Attempts.NONE,
            settings.time().now(),
            settings.topic());
    writing.incrementAndGet();
    write(broken, RecordCodec.undecodableDeadLetter(deadLetters, record, letter, settings.group()));
  }

  private void write(KeyedRecord broken, ProducerRecord<byte[], byte[]> letter) {
    writer.execute(() -> writeNow(broken, letter));
  }

  private void writeNow(KeyedRecord broken, ProducerRecord<byte[], byte[]> letter) {
    if (broken.state != KeyedRecord.State.ASIDE) {
      // Its partition moved meanwhile; who has it now writes the letter.
      writing.decrementAndGet();
      return;
    }
    CompletableFuture<Void> unused =
        enqueuer.send(letter).whenComplete((stored, error) -> written(broken, letter, error));
  }

  private void written(
      KeyedRecord broken, ProducerRecord<byte[], byte[]> letter, @Nullable Throwable error) {
    if (error == null) {
      trouble.over();
    } else if (KafkaErrors.sendCode(error) == ErrorCode.INVALID_MESSAGE) {
      log.error(
          "The record {} cannot be decoded, and is too large for the dead letters with the"
              + " library's headers; it is skipped. Raise max.message.bytes of that topic and"
              + " max.request.size of the client. {}",
          broken,
          error.getMessage());
    } else if (broken.state == KeyedRecord.State.ASIDE) {
      trouble.seen(error);
      var unused = settings.time().schedule(RETRY, () -> write(broken, letter));
      return;
    }
    writing.decrementAndGet();
    buffer.resolveAside(broken);
  }

  /** Writes nothing more, and ends the thread. */
  @Override
  public void close() {
    writer.shutdownNow();
  }
}
