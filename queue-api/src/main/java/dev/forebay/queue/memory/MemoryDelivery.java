package dev.forebay.queue.memory;

import dev.forebay.queue.spi.LeasedDelivery;
import dev.forebay.queue.time.TimeSource;
import java.time.Instant;

/** A lease on an entry. */
final class MemoryDelivery extends LeasedDelivery {

  final Entry entry;
  final Instant deliveredAt;

  /** Whose poll it was, for explanations. */
  final String takenBy = Thread.currentThread().getName();

  private final InMemoryWorkQueue owner;

  MemoryDelivery(
      InMemoryWorkQueue owner,
      Entry entry,
      long token,
      TimeSource time,
      Instant now,
      long deadlineNanos) {
    super(owner, entry.envelope, token, time, deadlineNanos);
    this.owner = owner;
    this.entry = entry;
    this.deliveredAt = now;
  }

  @Override
  protected void decided() {
    owner.decided();
  }
}
