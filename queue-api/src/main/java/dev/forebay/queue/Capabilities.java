package dev.forebay.queue;

import java.time.Duration;

/**
 * What a queue can do, in numbers (the contract's answer to "it depends on the broker"). Immutable.
 *
 * <p>A duration of zero means "not offered" where the text says so. Sizes are what the broker
 * accepts on the wire: a body that has to be re-encoded for it may use more than its own size.
 *
 * @param backend short name of the backend and mode, such as {@code memory} or {@code kafka-share}
 * @param minLease shortest lease that poll and extend accept
 * @param maxLease longest lease that one extend accepts
 * @param maxLeaseTotal longest time one delivery can be held however often it is extended, from its
 *     hand-out
 * @param lateness how late after its lease or delay a message may become deliverable while the
 *     broker is up (L2, R1, E4)
 * @param failureDetection how long after the death of a process its leases may last beyond their
 *     own end (L2)
 * @param maxEnqueueDelay longest delay of an enqueue; zero: not offered
 * @param maxReleaseDelay longest delay of a release; zero: release is always immediate
 * @param maxMessageBytes largest message on the wire, body, key and headers together
 * @param maxHeaders most headers of the user's on one message
 * @param maxKeyBytes longest key in UTF-8
 * @param maxDedupIdBytes longest dedup id in UTF-8
 * @param enqueueBatch messages that one enqueue request to the broker carries at most
 * @param receiveBatch messages that one receive request brings at most
 * @param settleBatch settlements that one request carries at most
 * @param dedupWindow how long an enqueue's dedup id is remembered by the queue (U1); zero: not
 *     offered
 * @param ordering whether messages of one key keep their order (K1)
 * @param exclusivity how surely a live lease is the only one (L1)
 * @param attemptPrecision how far attempt counts and their causes are known (R2)
 * @param fencing how far fencing tokens grow (L5)
 * @param returnsWithoutAttempt whether a delivery can be given back without burning an attempt (R2)
 * @param deadLetters whether this queue has a dead-letter destination (R5, D1)
 */
public record Capabilities(
    String backend,
    Duration minLease,
    Duration maxLease,
    Duration maxLeaseTotal,
    Duration lateness,
    Duration failureDetection,
    Duration maxEnqueueDelay,
    Duration maxReleaseDelay,
    long maxMessageBytes,
    int maxHeaders,
    int maxKeyBytes,
    int maxDedupIdBytes,
    int enqueueBatch,
    int receiveBatch,
    int settleBatch,
    Duration dedupWindow,
    Ordering ordering,
    Exclusivity exclusivity,
    AttemptPrecision attemptPrecision,
    Fencing fencing,
    boolean returnsWithoutAttempt,
    boolean deadLetters) {

  /** Whether messages of one key keep their order. */
  public enum Ordering {
    /** No order is promised. */
    NONE,
    /** Messages of one key are delivered one at a time, in enqueue order (K1). */
    PER_KEY
  }

  /** How surely a live lease is the only one on its message. */
  public enum Exclusivity {
    /** Never two live leases on one message. */
    STRICT,
    /** The broker may rarely hand a message out twice; the library suppresses what it can see. */
    BEST_EFFORT
  }

  /** How far attempts and their causes are known. */
  public enum AttemptPrecision {
    /** Every delivery is counted under its cause, across processes and restarts. */
    EXACT,
    /**
     * Deliveries of other processes count, too. Where the broker counts them their causes are
     * unknown, so that each is a lost lease, also where the other process received the message and
     * never handed it out. Where processes tell each other, as in the commits of Kafka's keyed
     * mode, causes are known but for those of a process that died, which count as lost leases; what
     * it had not told yet is not counted. How far returns are exempt says the backend's queue
     * class.
     */
    CAUSE_PER_PROCESS
  }

  /** How far fencing tokens of one message grow. */
  public enum Fencing {
    /** Always: each delivery's token is larger than all earlier ones. */
    STRICT,
    /** As far as the broker's delivery count is right, which it is approximately. */
    APPROXIMATE
  }

  /**
   * A builder that starts from the least a backend can offer: no delays, no order, no dedup, no
   * dead letters.
   */
  public static Builder builder(String backend) {
    return new Builder(backend);
  }

  /** Collects the numbers of a backend. Not thread-safe. */
  public static final class Builder {
    private final String backend;
    private Duration minLease = Duration.ofSeconds(1);
    private Duration maxLease = Duration.ofHours(12);
    private Duration maxLeaseTotal = Duration.ofDays(36_500);
    private Duration lateness = Duration.ofSeconds(1);
    private Duration failureDetection = Duration.ZERO;
    private Duration maxEnqueueDelay = Duration.ZERO;
    private Duration maxReleaseDelay = Duration.ZERO;
    private long maxMessageBytes = 1 << 20;
    private int maxHeaders = 9;
    private int maxKeyBytes = 128;
    private int maxDedupIdBytes = 128;
    private int enqueueBatch = 1;
    private int receiveBatch = 1;
    private int settleBatch = 1;
    private Duration dedupWindow = Duration.ZERO;
    private Ordering ordering = Ordering.NONE;
    private Exclusivity exclusivity = Exclusivity.STRICT;
    private AttemptPrecision attemptPrecision = AttemptPrecision.EXACT;
    private Fencing fencing = Fencing.STRICT;
    private boolean returnsWithoutAttempt;
    private boolean deadLetters;

    private Builder(String backend) {
      this.backend = backend;
    }

    /** Bounds of one lease. */
    public Builder lease(Duration min, Duration max) {
      minLease = min;
      maxLease = max;
      return this;
    }

    /** Longest time one delivery can be held. */
    public Builder maxLeaseTotal(Duration total) {
      maxLeaseTotal = total;
      return this;
    }

    /** Declared lateness of leases and delays. */
    public Builder lateness(Duration value) {
      lateness = value;
      return this;
    }

    /** Time to notice a dead process, beyond the lease. */
    public Builder failureDetection(Duration value) {
      failureDetection = value;
      return this;
    }

    /** Longest delays of an enqueue and of a release; zero: not offered. */
    public Builder delays(Duration enqueue, Duration release) {
      maxEnqueueDelay = enqueue;
      maxReleaseDelay = release;
      return this;
    }

    /** Largest message on the wire and most headers. */
    public Builder sizes(long messageBytes, int headers) {
      maxMessageBytes = messageBytes;
      maxHeaders = headers;
      return this;
    }

    /** Longest key and dedup id in UTF-8 bytes. */
    public Builder ids(int keyBytes, int dedupIdBytes) {
      maxKeyBytes = keyBytes;
      maxDedupIdBytes = dedupIdBytes;
      return this;
    }

    /** Entries one request carries at most. */
    public Builder batches(int enqueue, int receive, int settle) {
      enqueueBatch = enqueue;
      receiveBatch = receive;
      settleBatch = settle;
      return this;
    }

    /** How long dedup ids are remembered; zero: not offered. */
    public Builder dedupWindow(Duration value) {
      dedupWindow = value;
      return this;
    }

    /** Order within a key. */
    public Builder ordering(Ordering value) {
      ordering = value;
      return this;
    }

    /** How surely a live lease is the only one. */
    public Builder exclusivity(Exclusivity value) {
      exclusivity = value;
      return this;
    }

    /** How far attempts are known, and whether a return is free. */
    public Builder attempts(AttemptPrecision precision, boolean freeReturns) {
      attemptPrecision = precision;
      returnsWithoutAttempt = freeReturns;
      return this;
    }

    /** How far fencing tokens grow. */
    public Builder fencing(Fencing value) {
      fencing = value;
      return this;
    }

    /** Whether there is a dead-letter destination. */
    public Builder deadLetters(boolean value) {
      deadLetters = value;
      return this;
    }

    /** The capabilities as set so far. */
    public Capabilities build() {
      return new Capabilities(
          backend,
          minLease,
          maxLease,
          maxLeaseTotal,
          lateness,
          failureDetection,
          maxEnqueueDelay,
          maxReleaseDelay,
          maxMessageBytes,
          maxHeaders,
          maxKeyBytes,
          maxDedupIdBytes,
          enqueueBatch,
          receiveBatch,
          settleBatch,
          dedupWindow,
          ordering,
          exclusivity,
          attemptPrecision,
          fencing,
          returnsWithoutAttempt,
          deadLetters);
    }
  }
}
