package dev.forebay.queue.kafka;

import dev.forebay.queue.Explanation;
import dev.forebay.queue.Explanation.State;
import dev.forebay.queue.time.TimeSource;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Puts into words where a record is. Called under the lock of the {@link KeyedBuffer}. */
final class KeyedExplanations {

  private KeyedExplanations() {}

  static @Nullable Explanation of(String id, KeyedRecord record, TimeSource time) {
    String where = " Record " + record + ", fetched by this process.";
    Instant due = time.now().plusNanos(record.dueNanos - time.nanoTime());
    return switch (record.state) {
      case READY -> Explanation.of(id, State.READY, "It is ready for the next poll." + where);
      case BEHIND ->
          Explanation.of(
              id,
              State.WAITING_FOR_KEY,
              "It waits for its key: an earlier message has to be settled." + where);
      case DELAYED ->
          Explanation.until(id, State.DELAYED, due, "It is delayed until " + due + "." + where);
      case LEASED -> leased(id, record, where, due, time);
      case NEW, ASIDE, RESOLVED, GONE -> null;
    };
  }

  private static Explanation leased(
      String id, KeyedRecord record, String where, Instant until, TimeSource time) {
    KeyedDelivery delivery = record.delivery;
    if (delivery != null && delivery.writing) {
      return delivery.delaying
          ? Explanation.of(id, State.DELAYED, "It is on its way to the delays." + where)
          : Explanation.of(
              id, State.DEAD_LETTERED, "It is on its way to the dead letters." + where);
    }
    String since = delivery == null ? "" : " since " + time.now().minusNanos(delivery.heldNanos());
    return Explanation.until(
        id,
        State.LEASED,
        until,
        "It is leased" + since + " by a caller in this process, until " + until + "." + where);
  }
}
