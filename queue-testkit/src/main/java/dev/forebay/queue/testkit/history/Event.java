package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.ReleaseCause;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One thing that happened in a run. The broker acted somewhere between {@code invoked} and {@code
 * completed}. Immutable.
 *
 * @param kind what happened
 * @param process which queue object it happened on, from 1; 0 when on none
 * @param delivery number of the delivery it is about, from 1; 0 when it is about none
 * @param id id of the message, where it is known
 * @param invoked when the call began, in monotonic nanoseconds
 * @param completed when its answer came; {@link #NEVER} when none did
 * @param result what the answer was
 * @param amount nanoseconds: an enqueue's or a release's delay, an extension's lease, a poll's wait
 * @param asked how many deliveries a poll asked for, how many dead letters were to be found
 * @param came how many came
 * @param text a dead letter's cause, an error's code, a topic's partition
 * @param told what was seen of the message
 */
public record Event(
    Kind kind,
    int process,
    long delivery,
    @Nullable String id,
    long invoked,
    long completed,
    Result result,
    long amount,
    int asked,
    int came,
    @Nullable String text,
    Told told) {

  /** The time of an answer that never came. */
  public static final long NEVER = Long.MAX_VALUE;

  /** What can happen. */
  public enum Kind {
    /** A queue object was opened: another process, as far as the queue is concerned. */
    OPEN,
    /** A message was enqueued. */
    ENQUEUE,
    /** A poll ended with fewer deliveries than it had asked for, with more, or failed. */
    POLL,
    /** A message was handed out, by a poll that began and ended when this did. */
    DELIVER,
    /** A delivery was acked. */
    ACK,
    /** A delivery was released as failed. */
    RELEASE,
    /** A delivery was given back as untouched. */
    RETURN,
    /** A lease was extended. */
    EXTEND,
    /** A delivery was dead-lettered. */
    DEAD,
    /** A delivery told that its lease is lost. */
    LOST,
    /** A dead letter was seen; {@code text} is its cause. */
    FOUND,
    /** All dead letters were looked through; {@code process} tells the looks apart. */
    LOOKED,
    /** Dead letters were brought back or thrown away. */
    REDRIVE,
    /** A queue object was closed. */
    CLOSE,
    /** A queue object was killed. */
    CRASH,
    /** Everything was polled and settled until nothing came any more. */
    DRAINED,
    /** A log's record holds this message: partition in {@code text}, offset in the token. */
    RECORD,
    /**
     * A log's committed offset, read at this time; length of its metadata in {@code came}, term of
     * who committed it in {@code asked}.
     */
    COMMIT,
    /** A log's end, read at this time. */
    LOG_END,
    /** An offset that a commit's metadata, read at this time, tells as resolved. */
    RESOLVED
  }

  /** How it ended. */
  public enum Result {
    /** As it should. */
    OK,
    /** It was refused and nothing was done. */
    FAILED,
    /** The lease was lost, or another settlement came first. */
    STALE,
    /** The message is one that was enqueued before. */
    DUPLICATE,
    /** It was done or it was not; also when no answer came. */
    UNKNOWN
  }

  /**
   * What was seen of a message.
   *
   * @param key its key
   * @param dedupId its dedup id
   * @param content a hash of its body, key, type and headers; 0 when they were not seen
   * @param token the delivery's fencing token, or a log's offset
   * @param attempts what became of the earlier deliveries
   * @param enqueuedAt when it was first enqueued, in milliseconds since 1970
   * @param lease how much of the lease was left at {@code completed}, in nanoseconds; after an
   *     extension too
   */
  public record Told(
      @Nullable String key,
      @Nullable String dedupId,
      long content,
      long token,
      Attempts attempts,
      long enqueuedAt,
      long lease) {

    /** Nothing was. */
    public static final Told NOTHING = new Told(null, null, 0, 0, Attempts.NONE, 0, 0);
  }

  private static final Set<Kind> SETTLEMENTS =
      Set.of(Kind.ACK, Kind.RELEASE, Kind.RETURN, Kind.DEAD);

  /** Whether it may have been done: it is not known that it was not. */
  boolean mayHaveHappened() {
    return result == Result.OK || result == Result.UNKNOWN;
  }

  /** Whether it was done, for sure. */
  boolean happened() {
    return result == Result.OK;
  }

  boolean isSettlement() {
    return SETTLEMENTS.contains(kind);
  }

  /** Whether it takes the message out of the queue. */
  boolean isEnd() {
    return kind == Kind.ACK || kind == Kind.DEAD;
  }

  static Kind release(ReleaseCause cause) {
    return cause == ReleaseCause.FAILED ? Kind.RELEASE : Kind.RETURN;
  }

  /** One line for people; times are from {@code origin}. */
  String line(long origin) {
    StringBuilder out = new StringBuilder();
    out.append(at(invoked - origin)).append(" .. ");
    out.append(completed == NEVER ? "(no answer)" : at(completed - origin));
    out.append("  ").append(kind);
    if (process > 0) {
      out.append(" by ").append(process);
    }
    if (id != null) {
      out.append(" of ").append(id);
    }
    if (delivery > 0) {
      out.append(" delivery ").append(delivery);
    }
    switch (kind) {
      case DELIVER ->
          out.append(" attempts ")
              .append(told.attempts)
              .append(" token ")
              .append(told.token)
              .append(" lease ")
              .append(Duration.ofNanos(told.lease));
      case POLL ->
          out.append(" for ")
              .append(asked)
              .append(" within ")
              .append(Duration.ofNanos(amount))
              .append(" got ")
              .append(came);
      case EXTEND, RELEASE, RETURN -> out.append(" for ").append(Duration.ofNanos(amount));
      case ENQUEUE -> {
        if (amount > 0) {
          out.append(" delayed ").append(Duration.ofNanos(amount));
        }
      }
      case COMMIT ->
          out.append(" offset ")
              .append(told.token)
              .append(" in term ")
              .append(asked)
              .append(" metadata ")
              .append(came);
      case RECORD, RESOLVED, LOG_END -> out.append(" offset ").append(told.token);
      default -> {}
    }
    if (told.key != null) {
      out.append(" key ").append(told.key);
    }
    if (told.dedupId != null) {
      out.append(" dedup ").append(told.dedupId);
    }
    if (told.content != 0) {
      out.append(" content ").append(Long.toHexString(told.content));
    }
    if (text != null) {
      out.append(" \"").append(text).append('"');
    }
    return out.append(" -> ").append(result).toString();
  }

  private static String at(long nanos) {
    return String.format("%.3f s", nanos / 1e9);
  }

  /** Collects the parts of an event while it happens. Not thread-safe. */
  static final class Draft {
    private final Kind kind;
    private final int process;
    private final long invoked;
    private long delivery;
    private @Nullable String id;
    private long amount;
    private int asked;
    private int came;
    private @Nullable String text;
    private Told told = Told.NOTHING;

    Draft(Kind kind, int process, long invoked) {
      this.kind = kind;
      this.process = process;
      this.invoked = invoked;
    }

    long invoked() {
      return invoked;
    }

    Draft about(long deliveryNumber, @Nullable String messageId) {
      delivery = deliveryNumber;
      id = messageId;
      return this;
    }

    Draft id(@Nullable String value) {
      id = value;
      return this;
    }

    Draft amount(Duration value) {
      amount = value.toNanos();
      return this;
    }

    Draft counts(int askedFor, int cameIn) {
      asked = askedFor;
      came = cameIn;
      return this;
    }

    Draft text(@Nullable String value) {
      text = value;
      return this;
    }

    Draft told(Told value) {
      told = value;
      return this;
    }

    Event end(long completed, Result result) {
      return new Event(
          kind, process, delivery, id, invoked, completed, result, amount, asked, came, text, told);
    }
  }
}
