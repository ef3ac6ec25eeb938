package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeyedLedgerTest {

  @Test
  void C1_base_isTheFirstUnresolved_whateverTheOrder() {
    Random random = new Random(1);
    for (int round = 0; round < 200; round++) {
      KeyedLedger ledger = KeyedLedger.at(1000);
      List<Long> offsets = new ArrayList<>();
      for (long offset = 1000; offset < 1300; offset++) {
        assertThat(ledger.arrived(offset)).isTrue();
        offsets.add(offset);
      }
      Collections.shuffle(offsets, random);
      Set<Long> open = new HashSet<>(offsets);
      for (long offset : offsets) {
        long before = ledger.base();
        ledger.resolve(offset);
        open.remove(offset);
        assertThat(ledger.base())
            .isEqualTo(open.isEmpty() ? 1300L : (long) Collections.min(open))
            .isGreaterThanOrEqualTo(before);
        assertThat(ledger.isResolved(offset)).isTrue();
      }
    }
  }

  @Test
  void C5_gapsOfCompaction_areResolved() {
    KeyedLedger ledger = KeyedLedger.at(10);
    assertThat(ledger.arrived(15)).isTrue();
    assertThat(ledger.base()).isEqualTo(15);
    assertThat(ledger.arrived(40)).isTrue();
    ledger.resolve(40);
    assertThat(ledger.base()).isEqualTo(15);
    ledger.resolve(15);
    assertThat(ledger.base()).isEqualTo(41);
  }

  @Test
  void C5_markersAtTheEnd_areResolvedByThePosition() {
    KeyedLedger ledger = KeyedLedger.at(0);
    ledger.arrived(0);
    ledger.skippedTo(3);
    ledger.resolve(0);
    assertThat(ledger.base()).isEqualTo(3);
    ledger.skippedTo(7);
    assertThat(ledger.base()).isEqualTo(7);
    ledger.skippedTo(5);
    assertThat(ledger.base()).as("never goes back").isEqualTo(7);
  }

  @Test
  void freshPartition_beginsWithTheFirstRecord() {
    KeyedLedger ledger = KeyedLedger.fresh();
    assertThat(ledger.isKnown()).isFalse();
    assertThat(ledger.arrived(5_000_000_000L)).isTrue();
    assertThat(ledger.base()).isEqualTo(5_000_000_000L);
    ledger.resolve(5_000_000_000L);
    assertThat(ledger.base()).isEqualTo(5_000_000_001L);
  }

  @Test
  void C3_restoredAsResolved_isNoWork() {
    KeyedBits resolved = new KeyedBits(100);
    resolved.setRange(101, 105);
    resolved.set(107);
    KeyedLedger ledger = KeyedLedger.restored(100, resolved, Map.of());
    List<Long> work = new ArrayList<>();
    for (long offset = 100; offset < 110; offset++) {
      if (ledger.arrived(offset)) {
        work.add(offset);
      }
    }
    assertThat(work).containsExactly(100L, 105L, 106L, 108L, 109L);
    work.forEach(ledger::resolve);
    assertThat(ledger.base()).isEqualTo(110);
  }

  @Test
  void retries_endWithTheirRecord() {
    KeyedLedger ledger = KeyedLedger.at(0);
    ledger.arrived(0);
    ledger.arrived(1);
    Attempts failed = new Attempts(1, 0, 0);
    ledger.started(1);
    ledger.comesBack(1, failed, 77);
    assertThat(ledger.retryOf(1)).isEqualTo(new KeyedLedger.Retry(failed, 77));
    assertThat(ledger.retryOf(0).attempts()).isEqualTo(Attempts.NONE);
    ledger.resolve(1);
    assertThat(ledger.retries()).isEmpty();
  }

  @Test
  void span_isBounded_unlessNothingIsOpen() {
    KeyedLedger ledger = KeyedLedger.at(0);
    ledger.arrived(0);
    assertThat(ledger.isBeyond(KeyedLedger.MAX_SPAN - 1)).isFalse();
    assertThat(ledger.isBeyond(KeyedLedger.MAX_SPAN)).isTrue();
    ledger.resolve(0);
    assertThat(ledger.isBeyond(KeyedLedger.MAX_SPAN)).isFalse();
    assertThat(ledger.arrived(1L << 50)).isTrue();
    assertThat(ledger.base()).isEqualTo(1L << 50);
  }
}
