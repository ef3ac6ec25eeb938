package dev.forebay.queue.memory;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Explanation.State;
import dev.forebay.queue.time.TimeSource;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Puts into words where a message is. Called under the lock of its {@link StoredQueue}. */
final class MemoryExplanations {

  private MemoryExplanations() {}

  /**
   * Why this message is where it is.
   *
   * @param leader the message that leads its key, if it has one
   */
  static Explanation of(
      Entry entry, @Nullable Entry leader, InMemoryWorkQueue asker, TimeSource time) {
    String id = entry.envelope.id();
    String rest = history(entry);
    Instant due = time.now().plusNanos(entry.dueNanos - time.nanoTime());
    return switch (entry.state) {
      case READY -> Explanation.of(id, State.READY, "It is ready for the next poll." + rest);
      case WAITING ->
          Explanation.of(
              id, State.WAITING_FOR_KEY, "It waits for its key: " + before(leader) + "." + rest);
      case DELAYED ->
          Explanation.until(id, State.DELAYED, due, "It is delayed until " + due + "." + rest);
      case LEASED ->
          Explanation.until(
              id,
              State.LEASED,
              due,
              "It is leased" + holder(entry, asker) + " until " + due + "." + rest);
      case MOVING ->
          Explanation.of(id, State.DEAD_LETTERED, "It is on its way to the dead letters." + rest);
      case GONE -> Explanation.of(id, State.ABSENT, "It has just been settled.");
    };
  }

  /** The same of a message that was found among the dead letters. */
  static Explanation asDeadLetter(Explanation found) {
    return Explanation.of(
        found.id(),
        State.DEAD_LETTERED,
        "It is among the dead letters. There: " + found.sentence());
  }

  static Explanation absent(String id, String queue) {
    return Explanation.of(
        id,
        State.ABSENT,
        "It is neither in the queue "
            + queue
            + " nor among its dead letters: done, discarded, or never enqueued here.");
  }

  private static String before(@Nullable Entry leader) {
    if (leader == null) {
      return "an earlier message has to be settled";
    }
    String state =
        switch (leader.state) {
          case LEASED -> "leased";
          case DELAYED -> "delayed";
          case MOVING -> "on its way to the dead letters";
          default -> "not settled";
        };
    return "message " + leader.envelope.id() + " is before it and is " + state;
  }

  private static String holder(Entry entry, InMemoryWorkQueue asker) {
    MemoryDelivery delivery = entry.delivery;
    if (delivery == null) {
      return "";
    }
    return " since "
        + delivery.deliveredAt
        + " by thread "
        + (delivery.takenBy.isEmpty() ? "without a name" : delivery.takenBy)
        + (delivery.queue() == asker ? " of this queue object" : " of another queue object");
  }

  private static String history(Entry entry) {
    DeadLetter letter = entry.envelope.deadLetter();
    Attempts attempts = letter == null ? entry.envelope.attempts() : letter.attempts();
    String died =
        letter == null
            ? ""
            : " It was dead-lettered because of "
                + letter.cause().type()
                + ": "
                + letter.cause().message()
                + ".";
    return died
        + (attempts.isNone()
            ? ""
            : " Earlier deliveries: "
                + attempts.failed()
                + " failed, "
                + attempts.leaseLost()
                + " lost their lease, "
                + attempts.returned()
                + " were returned.");
  }
}
