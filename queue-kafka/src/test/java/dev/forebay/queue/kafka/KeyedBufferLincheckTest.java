package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.TopicPartition;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Ledger, key lanes, leases and inbox together: every interleaving of hand-outs, settlements and
 * looks at the committable offset must look as if they had come one after the other.
 */
@Param(name = "offset", gen = IntGen.class, conf = "0:3")
@Isolated("it rewrites the classes that others would be running")
public class KeyedBufferLincheckTest {

  /** Stands still; nothing here waits. */
  private static final class Clock implements TimeSource {
    @Override
    public Instant now() {
      return Instant.EPOCH;
    }

    @Override
    public long nanoTime() {
      return 0;
    }

    @Override
    public Timer schedule(Duration delay, Runnable task) {
      throw new IllegalStateException("nothing waits here");
    }
  }

  private final KeyedPartition partition =
      new KeyedPartition(new TopicPartition("t", 0), KeyedLedger.at(0), 1);
  private final List<KeyedRecord> records = new ArrayList<>();
  private final KeyedBuffer buffer =
      new KeyedBuffer(
          new KeyedSettings(
              "t",
              "g",
              Duration.ofSeconds(1),
              null,
              KeyPolicy.STRICT,
              100,
              1_000_000,
              10,
              Duration.ofMillis(200),
              Duration.ZERO,
              Duration.ofSeconds(1),
              Duration.ZERO,
              new Clock()),
          null);

  public KeyedBufferLincheckTest() {
    List<Long> notBefore = new ArrayList<>();
    String[] keys = {"a", "a", null, "b"};
    for (int offset = 0; offset < keys.length; offset++) {
      partition.ledger.arrived(offset);
      Message message = Message.text("m").key(keys[offset]);
      records.add(
          new KeyedRecord(
              partition, offset, 10, Envelope.fresh("" + offset, message, Instant.EPOCH)));
      notBefore.add(0L);
    }
    buffer.add(records, notBefore);
  }

  @Operation
  public long take() {
    List<Delivery> taken = buffer.poll(1, Duration.ZERO);
    return taken.isEmpty() ? -1 : ((KeyedDelivery) taken.get(0)).record.offset;
  }

  @Operation
  public boolean ack(@Param(name = "offset") int offset) {
    KeyedDelivery delivery = inHand(offset);
    if (delivery == null || isSettledByAnother(offset, delivery)) {
      return false;
    }
    buffer.resolve(delivery);
    return true;
  }

  @Operation
  public boolean release(@Param(name = "offset") int offset) {
    KeyedDelivery delivery = inHand(offset);
    if (delivery == null || isSettledByAnother(offset, delivery)) {
      return false;
    }
    buffer.release(delivery, new Attempts(1, 0, 0), Duration.ZERO);
    return true;
  }

  @Operation
  public long base() {
    long[] base = new long[1];
    buffer.locked(() -> base[0] = partition.ledger.base());
    return base[0];
  }

  /**
   * Whether another settlement came first; then that one is done, too. In a queue the loser may be
   * told so a moment before, when the winner's is decided and not yet entered: no order of whole
   * calls is like that.
   */
  private boolean isSettledByAnother(int offset, KeyedDelivery delivery) {
    if (delivery.beginSettlement()) {
      return false;
    }
    while (inHand(offset) == delivery) {
      Thread.onSpinWait();
    }
    return true;
  }

  private KeyedDelivery inHand(int offset) {
    KeyedDelivery[] found = new KeyedDelivery[1];
    buffer.locked(() -> found[0] = records.get(offset).delivery);
    return found[0];
  }

  @Test
  void K1_everyInterleavingIsOneOrder() {
    new ModelCheckingOptions()
        .iterations(Integer.getInteger("forebay.lincheck.iterations", 5))
        .invocationsPerIteration(Integer.getInteger("forebay.lincheck.invocations", 100))
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(2)
        .actorsAfter(2)
        .check(KeyedBufferLincheckTest.class);
  }
}
