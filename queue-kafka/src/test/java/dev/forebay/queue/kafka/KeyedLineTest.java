package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class KeyedLineTest {

  private final KeyedPartition partition =
      new KeyedPartition(new TopicPartition("t", 0), KeyedLedger.at(0), 1);
  private final KeyedLine line = new KeyedLine();

  private KeyedRecord add(long offset, int behind) {
    KeyedRecord record = new KeyedRecord(partition, offset, 1, null);
    line.add(record, behind);
    return record;
  }

  private List<Long> polled(int count) {
    List<Long> offsets = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      KeyedRecord record = line.poll();
      offsets.add(record == null ? -1 : record.offset);
    }
    return offsets;
  }

  @Test
  void withoutKeysThatWait_itIsFirstComeFirstServed() {
    for (int i = 0; i < 5; i++) {
      add(i, 0);
    }
    assertThat(polled(6)).containsExactly(0L, 1L, 2L, 3L, 4L, -1L);
    assertThat(line.isEmpty()).isTrue();
  }

  @Test
  void keyWithTheMostBehind_goesFirst() {
    for (int i = 0; i < 100; i++) {
      add(i, 0);
    }
    add(1_000, 700);
    add(1_001, 3);
    assertThat(line.size()).isEqualTo(102);
    assertThat(polled(1)).containsExactly(1_000L);
    add(1_002, 699);
    assertThat(polled(3)).contains(1_002L, 1_001L);
  }

  /** On one slot, with a key that is always there again, and others of four ranks. */
  @Test
  void K3_hotKey_leavesTwoOfFiveTurnsToTheOthers() {
    for (int i = 0; i < 100; i++) {
      add(i, i % 5);
    }
    int others = 0;
    add(1_000, 5_000);
    for (int turn = 0; turn < 100; turn++) {
      KeyedRecord record = line.poll();
      assertThat(record).isNotNull();
      if (record != null && record.offset == 1_000) {
        add(1_000, 5_000);
      } else {
        others++;
      }
    }
    // Half of the turns go round five ranks, of which one is its own.
    assertThat(others).isEqualTo(40);
  }

  @Test
  void clear_leavesNothing() {
    add(1, 0);
    add(2, 9);
    line.clear();
    assertThat(line.size()).isZero();
    assertThat(line.poll()).isNull();
  }
}
