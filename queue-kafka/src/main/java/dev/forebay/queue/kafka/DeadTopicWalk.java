package dev.forebay.queue.kafka;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.spi.DeadLetterStore;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One walk over a dead-letter topic, from its beginning to the end it had when the walk began. It
 * reads the topic twice: first for the marks, of which it keeps a bit for each record, since a mark
 * comes after what it marks; then for the dead letters, of which it keeps what one poll brought.
 *
 * <p>Used by one thread.
 */
final class DeadTopicWalk implements DeadLetterStore.Walk {

  private static final Logger LOG = LoggerFactory.getLogger(DeadTopicWalk.class);

  private static final Duration POLL = Duration.ofMillis(500);

  private static final Duration CLOSE = Duration.ofSeconds(1);

  private final KafkaDeadLetters letters;
  private final String name;
  private final String topic;
  private final Consumer<byte[], byte[]> consumer;
  private final Duration patience;
  private final TimeSource time;
  private final Map<TopicPartition, BitSet> marked = new HashMap<>();
  private final ArrayDeque<Begun> begunRedrives = new ArrayDeque<>();
  private final ArrayDeque<DeadRecord> read = new ArrayDeque<>();
  private Map<TopicPartition, Long> begin = Map.of();
  private Map<TopicPartition, Long> end = Map.of();
  private boolean isMarksRead;

  /** A redrive between its two steps. */
  private record Begun(
      DeadRecord letter,
      CompletableFuture<Optional<EnqueueOutcome.Failed>> enqueued,
      CompletableFuture<Optional<EnqueueOutcome.Failed>> result) {}

  DeadTopicWalk(
      KafkaDeadLetters letters,
      String name,
      String topic,
      Consumer<byte[], byte[]> consumer,
      Duration patience,
      TimeSource time) {
    this.letters = letters;
    this.name = name;
    this.topic = topic;
    this.consumer = consumer;
    this.patience = patience;
    this.time = time;
  }

  @Override
  public List<DeadLetterStore.Found> next(int max) {
    if (!isMarksRead) {
      ask(
          () -> {
            findBounds();
            rewind();
            return true;
          });
      while (!isAtEnd()) {
        fetch().forEach(this::note);
      }
      ask(
          () -> {
            rewind();
            return true;
          });
      isMarksRead = true;
    }
    while (read.isEmpty() && !isAtEnd()) {
      fetch().forEach(this::keep);
    }
    List<DeadLetterStore.Found> some = new ArrayList<>(Math.min(max, read.size()));
    while (some.size() < max && !read.isEmpty()) {
      some.add(read.poll());
    }
    return some;
  }

  private void findBounds() {
    List<TopicPartition> partitions = new ArrayList<>();
    for (PartitionInfo info : consumer.partitionsFor(topic, patience)) {
      partitions.add(new TopicPartition(topic, info.partition()));
    }
    if (partitions.isEmpty()) {
      throw new UnknownTopicOrPartitionException("It has no partitions.");
    }
    begin = consumer.beginningOffsets(partitions, patience);
    end = consumer.endOffsets(partitions, patience);
    for (TopicPartition partition : partitions) {
      if (end(partition) - begin(partition) > Integer.MAX_VALUE) {
        throw new QueueException(
            ErrorCode.UNSUPPORTED,
            "The dead-letter topic "
                + topic
                + " holds more than two thousand million records in a partition. Give it a"
                + " retention.");
      }
    }
    consumer.assign(partitions);
  }

  private void rewind() {
    consumer.resume(consumer.paused());
    begin.forEach(consumer::seek);
    pauseWhatIsRead();
  }

  private void pauseWhatIsRead() {
    List<TopicPartition> over = new ArrayList<>();
    for (TopicPartition partition : end.keySet()) {
      if (consumer.position(partition, patience) >= end(partition)) {
        over.add(partition);
      }
    }
    consumer.pause(over);
  }

  private boolean isAtEnd() {
    return consumer.paused().size() == end.size();
  }

  /** The next records, at least one or the news that a partition is at its end. */
  private List<ConsumerRecord<byte[], byte[]>> fetch() {
    long began = time.nanoTime();
    int left = end.size() - consumer.paused().size();
    while (true) {
      ConsumerRecords<byte[], byte[]> some = ask(() -> consumer.poll(POLL));
      ask(
          () -> {
            pauseWhatIsRead();
            return true;
          });
      List<ConsumerRecord<byte[], byte[]>> inside = new ArrayList<>(some.count());
      for (ConsumerRecord<byte[], byte[]> record : some) {
        if (record.offset() < end(partition(record))) {
          inside.add(record);
        }
      }
      if (!inside.isEmpty() || end.size() - consumer.paused().size() < left) {
        return inside;
      }
      if (time.nanoTime() - began > patience.toNanos()) {
        throw new QueueException(
            ErrorCode.UNAVAILABLE,
            "The dead-letter topic "
                + topic
                + " could not be read on within "
                + patience
                + ". Check that its partitions have leaders, and run it again.");
      }
    }
  }

  private void note(ConsumerRecord<byte[], byte[]> record) {
    TopicPartition partition = partition(record);
    DeadLetterMark.marked(record)
        .ifPresent(
            offset -> {
              if (offset >= begin(partition)) {
                marked
                    .computeIfAbsent(partition, none -> new BitSet())
                    .set((int) (offset - begin(partition)));
              }
            });
  }

  private void keep(ConsumerRecord<byte[], byte[]> record) {
    TopicPartition partition = partition(record);
    BitSet marks = marked.get(partition);
    boolean isDealtWith = marks != null && marks.get((int) (record.offset() - begin(partition)));
    if (!isDealtWith && !DeadLetterMark.isMark(record)) {
      DeadRecord letter = DeadRecord.read(record, name);
      if (letters.isShown(letter)) {
        read.add(letter);
      }
    }
  }

  private static TopicPartition partition(ConsumerRecord<byte[], byte[]> record) {
    return new TopicPartition(record.topic(), record.partition());
  }

  private long begin(TopicPartition partition) {
    return begin.getOrDefault(partition, 0L);
  }

  private long end(TopicPartition partition) {
    return end.getOrDefault(partition, 0L);
  }

  private <T> T ask(Supplier<T> question) {
    try {
      return question.get();
    } catch (KafkaException e) {
      ErrorCode code = KafkaErrors.code(e);
      String advice =
          switch (code) {
            case ACCESS_DENIED -> "Grant READ and DESCRIBE on it.";
            case NOT_FOUND -> "Create it.";
            default -> "Check that the cluster is up.";
          };
      throw new QueueException(
          code,
          "The dead-letter topic " + topic + " cannot be read. " + advice + " " + e.getMessage(),
          e);
    }
  }

  /** Bounded by the end of the topic alone. */
  @Override
  public boolean cut() {
    return false;
  }

  @Override
  public CompletableFuture<Optional<EnqueueOutcome.Failed>> redrive(DeadLetterStore.Found found) {
    DeadRecord letter = (DeadRecord) found;
    Begun begun = new Begun(letter, letters.enqueueAgain(letter), new CompletableFuture<>());
    begunRedrives.add(begun);
    return begun.result;
  }

  /**
   * Marks what was enqueued. Not in the callback of its send: that runs on the producer's one
   * thread, where a second send could wait for what only this thread can bring, room in the buffer
   * or news of the other topic.
   */
  @Override
  public void finish() {
    for (Begun begun = begunRedrives.poll(); begun != null; begun = begunRedrives.poll()) {
      CompletableFuture<Optional<EnqueueOutcome.Failed>> result = begun.result;
      Optional<EnqueueOutcome.Failed> failure = begun.enqueued.join();
      if (failure.isPresent()) {
        result.complete(failure);
      } else {
        var unused = letters.markRedriven(begun.letter).thenAccept(result::complete);
      }
    }
  }

  @Override
  public CompletableFuture<Optional<EnqueueOutcome.Failed>> discard(DeadLetterStore.Found found) {
    return letters.discard((DeadRecord) found);
  }

  @Override
  public void close() {
    try {
      finish();
    } finally {
      closeConsumer();
    }
  }

  private void closeConsumer() {
    try {
      consumer.close(CloseOptions.timeout(CLOSE));
    } catch (InterruptException e) {
      // It is closed all the same, and the thread's flag stays set.
      LOG.debug("Interrupted while a reader of {} was closed", topic, e);
    }
  }
}
