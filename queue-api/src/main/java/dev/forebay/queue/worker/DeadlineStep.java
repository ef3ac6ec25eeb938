package dev.forebay.queue.worker;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.time.TimeSource;
import java.time.Instant;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps work whose deadline has passed from the handler (W5). Thread-safe. */
final class DeadlineStep implements Step {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final Expiry expiry;
  private final Backoff backoff;
  private final TimeSource time;

  DeadlineStep(Expiry expiry, Backoff backoff, TimeSource time) {
    this.expiry = expiry;
    this.backoff = backoff;
    this.time = time;
  }

  @Override
  public Decision before(Run run) {
    Instant deadline = run.deadlineOrNull();
    if (deadline == null || deadline.isAfter(time.now())) {
      return Decision.GO;
    }
    return Decision.settle(expired(run, deadline), SkipReason.EXPIRED);
  }

  private Outcome expired(Run run, Instant deadline) {
    if (expiry.destination() == Expiry.Destination.DEAD_LETTERS) {
      return run.lane().can.deadLetters()
          ? Outcome.deadLetter(
              new DeadLetterCause(
                  DeadLetterCause.EXPIRED, "Its deadline was " + deadline + "; it had not run."))
          : Outcome.ack();
    }
    @Nullable Consumer<Delivery> callback = expiry.callback().orElse(null);
    if (callback == null) {
      return Outcome.ack();
    }
    try {
      callback.accept(run.delivery());
      return Outcome.ack();
    } catch (RuntimeException | Error e) {
      Delivery delivery = run.delivery();
      LOG.warn(
          "The callback for the expired message {} failed; it is called again", delivery.id(), e);
      return Outcome.retryAfter(backoff.delay(1 + delivery.attempts().returned(), delivery.id()));
    }
  }
}
