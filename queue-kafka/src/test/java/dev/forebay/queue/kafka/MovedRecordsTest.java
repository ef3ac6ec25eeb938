package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class MovedRecordsTest {

  private static final TopicPartition P = new TopicPartition("jobs", 0);

  private final MovedRecords moved = new MovedRecords();
  private final CompletableFuture<Void> write = new CompletableFuture<>();

  @Test
  void record_isKnownFromTheStartOfItsWriteUntilItIsOver() {
    moved.put(P, 1, "a", write);
    assertThat(moved.get(P, 1, "a")).isSameAs(write);
    write.complete(null);
    assertThat(moved.get(P, 1, "a")).isSameAs(write);
    moved.remove(P, 1, "a");
    assertThat(moved.get(P, 1, "a")).isNull();
  }

  @Test
  void failedWrite_isForgotten_butNotTheOneAfterIt() {
    CompletableFuture<Void> second = new CompletableFuture<>();
    moved.put(P, 1, "a", write);
    moved.put(P, 1, "a", second);
    write.completeExceptionally(new IllegalStateException("no broker"));
    assertThat(moved.get(P, 1, "a")).isSameAs(second);
    second.completeExceptionally(new IllegalStateException("no broker"));
    assertThat(moved.get(P, 1, "a")).isNull();
  }

  @Test
  void otherRecords_areNotMixedUp() {
    moved.put(P, 1, "a", write);
    assertThat(moved.get(P, 2, "a")).isNull();
    assertThat(moved.get(new TopicPartition("jobs", 1), 1, "a")).isNull();
    assertThat(moved.get(P, 1, "of a topic created anew")).isNull();
  }

  @Test
  void memory_isBounded_theOldestGoes() {
    for (int offset = 0; offset <= MovedRecords.CAPACITY; offset++) {
      moved.put(P, offset, "a", write);
    }
    assertThat(moved.get(P, 0, "a")).isNull();
    assertThat(moved.get(P, 1, "a")).isSameAs(write);
  }

  @Test
  void L5_tokens_growWithEachDeliveryAndCopy_andTwoCopiesOfOneRecordShareNone() {
    long original = token(0, 5, 0, 9);
    assertThat(token(0, 5, 0, 1)).isEqualTo(1);
    assertThat(original).isEqualTo(9);
    long copy = token(0, 8, 1, 1);
    long otherCopy = token(0, 9, 1, 1);
    long elsewhere = token(1, 8, 1, 1);
    assertThat(copy).isGreaterThan(original);
    assertThat(token(0, 8, 1, 10)).isGreaterThan(copy);
    assertThat(otherCopy).isGreaterThan(token(0, 8, 1, 10));
    assertThat(elsewhere).isNotEqualTo(copy).isNotEqualTo(otherCopy);
    assertThat(token(63, (1 << 20) - 1, 1, 10)).isLessThan(token(0, 1 << 20, 2, 1));
  }

  private static long token(int partition, long offset, int copies, int deliveryCount) {
    ConsumerRecord<byte[], byte[]> record =
        new ConsumerRecord<>("jobs", partition, offset, null, null);
    return new Held(null, record, null, copies, deliveryCount, 0, "").fencingToken();
  }
}
