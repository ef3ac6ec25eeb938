package dev.forebay.queue.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Message;
import dev.forebay.queue.spi.Envelope;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AgeOrderTest {

  private final AgeOrder order = new AgeOrder();
  private int created;

  @Test
  void knowsTheOldestUnderRandomUse() {
    Random random = new Random(11);
    List<Entry> inside = new ArrayList<>();
    for (int step = 0; step < 20_000; step++) {
      if (inside.isEmpty() || random.nextInt(5) < (step < 10_000 ? 3 : 2)) {
        // Mostly later than all before, sometimes far behind them, often equal to another.
        int second = random.nextInt(8) == 0 ? random.nextInt(step + 1) : step / 3 * 3;
        Entry entry = entry(second);
        order.add(entry);
        inside.add(entry);
      } else {
        Entry leaving = inside.remove(random.nextInt(inside.size()));
        order.remove(leaving);
        order.remove(leaving);
      }
      Entry first = order.first();
      if (inside.isEmpty()) {
        assertThat(first).isNull();
      } else {
        assertThat(first).isIn(inside);
        assertThat(first.envelope.enqueuedAt())
            .isEqualTo(
                inside.stream()
                    .map(entry -> entry.envelope.enqueuedAt())
                    .min(Comparator.naturalOrder())
                    .orElseThrow());
      }
    }
  }

  @Test
  void anEntryThatLeftHoldsNoOther() {
    Entry first = entry(1);
    Entry second = entry(2);
    Entry third = entry(3);
    order.add(first);
    order.add(second);
    order.add(third);

    order.remove(second);

    assertThat(second.older).isNull();
    assertThat(second.newer).isNull();
    assertThat(first.newer).isSameAs(third);
    assertThat(third.older).isSameAs(first);
  }

  private Entry entry(int second) {
    created++;
    return new Entry(
        created,
        Envelope.fresh("m" + created, Message.text(""), Instant.ofEpochSecond(second)),
        0,
        0);
  }
}
