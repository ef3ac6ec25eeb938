package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class ReturnedRecordsTest {

  private static final TopicPartition P = new TopicPartition("jobs", 0);
  private static final Attempts BASE = new Attempts(4, 0, 0);

  private final ReturnedRecords returned = new ReturnedRecords();

  @Test
  void firstDelivery_hasWhatTheRecordCarries() {
    assertThat(returned.take(P, 1, 1, BASE)).isEqualTo(BASE);
  }

  @Test
  void whatThisProcessGaveBack_keepsItsCause() {
    returned.put(P, 1, 1, BASE.plusFailed());
    assertThat(returned.take(P, 1, 2, BASE)).isEqualTo(new Attempts(5, 0, 0));
  }

  @Test
  void deliveriesToOthers_countAsLostLeases() {
    assertThat(returned.take(P, 1, 4, BASE)).isEqualTo(new Attempts(4, 3, 0));
    returned.put(P, 2, 1, BASE.plusReturned());
    assertThat(returned.take(P, 2, 5, BASE)).isEqualTo(new Attempts(4, 3, 1));
  }

  @Test
  void eachEntry_countsOnce_andForItsOwnRecord() {
    returned.put(P, 1, 1, BASE.plusFailed());
    assertThat(returned.take(P, 2, 2, BASE)).isEqualTo(new Attempts(4, 1, 0));
    assertThat(returned.take(new TopicPartition("jobs", 1), 1, 2, BASE))
        .isEqualTo(new Attempts(4, 1, 0));
    assertThat(returned.take(P, 1, 2, BASE)).isEqualTo(new Attempts(5, 0, 0));
    assertThat(returned.take(P, 1, 3, BASE)).isEqualTo(new Attempts(4, 2, 0));
  }

  @Test
  void memory_isBounded_theOldestGoes() {
    for (int offset = 0; offset <= 10_000; offset++) {
      returned.put(P, offset, 1, BASE.plusFailed());
    }
    assertThat(returned.take(P, 0, 2, BASE)).isEqualTo(new Attempts(4, 1, 0));
    assertThat(returned.take(P, 1, 2, BASE)).isEqualTo(new Attempts(5, 0, 0));
  }
}
