package dev.forebay.queue.dedup;

import dev.forebay.queue.Delivery;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How a worker uses its dedup store.
 *
 * <p>Immutable and thread-safe; each setter-like method returns a changed copy.
 */
public final class DedupOptions {

  /** What a worker does with a message while its store fails; it never acks it (U3). */
  public enum StoreFailure {
    /** Runs it as if there were no store: a duplicate may run twice. */
    PROCESS,
    /** Gives it back for a while without burning an attempt: nothing runs until the store works. */
    RELEASE
  }

  /** As long as a crash may hold up equal work, and long enough to be extended without hurry. */
  private static final Duration DEFAULT_CLAIM_TERM = Duration.ofMinutes(1);

  private static final Duration DEFAULT_RETENTION = Duration.ofHours(24);

  /** Longer than a store's own bound: only for one that does not keep its promise. */
  private static final Duration DEFAULT_STORE_TIMEOUT = Duration.ofSeconds(5);

  private static final DedupOptions DEFAULTS =
      new DedupOptions(
          null,
          null,
          DEFAULT_CLAIM_TERM,
          DEFAULT_RETENTION,
          DEFAULT_STORE_TIMEOUT,
          StoreFailure.PROCESS,
          null);

  private final @Nullable String namespace;
  private final @Nullable Function<Delivery, DedupKey> key;
  private final Duration claimTerm;
  private final Duration retention;
  private final Duration storeTimeout;
  private final StoreFailure storeFailure;
  private final @Nullable DuplicateHandler duplicates;

  private DedupOptions(
      @Nullable String namespace,
      @Nullable Function<Delivery, DedupKey> key,
      Duration claimTerm,
      Duration retention,
      Duration storeTimeout,
      StoreFailure storeFailure,
      @Nullable DuplicateHandler duplicates) {
    this.namespace = namespace;
    this.key = key;
    this.claimTerm = claimTerm;
    this.retention = retention;
    this.storeTimeout = storeTimeout;
    this.storeFailure = storeFailure;
    this.duplicates = duplicates;
  }

  /**
   * By dedup id, or by message id where a message has none, within the queue; claims of a minute,
   * completions remembered for a day; work goes on while the store fails.
   */
  public static DedupOptions defaults() {
    return DEFAULTS;
  }

  /**
   * These options, with keys that meet only within {@code name}, such as a tenant, and across all
   * queues that use it; the queue's name unless set.
   */
  public DedupOptions namespace(String name) {
    return new DedupOptions(
        Objects.requireNonNull(name),
        key,
        claimTerm,
        retention,
        storeTimeout,
        storeFailure,
        duplicates);
  }

  /**
   * These options, with what makes deliveries the same work chosen by a function, which must be
   * thread-safe. A delivery on which it throws is run without dedup.
   */
  public DedupOptions key(Function<Delivery, DedupKey> function) {
    return new DedupOptions(
        namespace,
        Objects.requireNonNull(function),
        claimTerm,
        retention,
        storeTimeout,
        storeFailure,
        duplicates);
  }

  /**
   * These options, with claims of this length, 1 min unless set; never longer than what is left of
   * the lease, and extended while the handler runs. After a crash it is how long equal work waits.
   */
  public DedupOptions claimTerm(Duration term) {
    return new DedupOptions(
        namespace,
        key,
        positive("A claim term", term),
        retention,
        storeTimeout,
        storeFailure,
        duplicates);
  }

  /**
   * These options, with completions remembered so long, 24 h unless set: at least as long as a
   * message may come again after it was finished.
   */
  public DedupOptions retention(Duration atMost) {
    return new DedupOptions(
        namespace,
        key,
        claimTerm,
        positive("A retention", atMost),
        storeTimeout,
        storeFailure,
        duplicates);
  }

  /** These options, with calls to the store given up after this time, 5 s unless set. */
  public DedupOptions storeTimeout(Duration atMost) {
    return new DedupOptions(
        namespace,
        key,
        claimTerm,
        retention,
        positive("A time-out", atMost),
        storeFailure,
        duplicates);
  }

  /**
   * These options, with this done while the store fails; {@link StoreFailure#PROCESS} unless set.
   */
  public DedupOptions onStoreFailure(StoreFailure what) {
    return new DedupOptions(
        namespace,
        key,
        claimTerm,
        retention,
        storeTimeout,
        Objects.requireNonNull(what),
        duplicates);
  }

  /** These options, with duplicates of finished work shown to {@code handler} before their ack. */
  public DedupOptions duplicates(DuplicateHandler handler) {
    return new DedupOptions(
        namespace,
        key,
        claimTerm,
        retention,
        storeTimeout,
        storeFailure,
        Objects.requireNonNull(handler));
  }

  /** What makes this delivery the same work as another one. */
  public DedupKey keyOf(Delivery delivery) {
    if (key != null) {
      return key.apply(delivery);
    }
    String within = namespace == null ? delivery.queue().name() : namespace;
    return delivery
        .message()
        .dedupId()
        .map(id -> DedupKey.of(within, "dedup id", id))
        // With its time: a topic that was made anew counts its records from 0 again.
        .orElseGet(
            () ->
                DedupKey.of(
                    within,
                    "message",
                    delivery.queue().name(),
                    delivery.id(),
                    Long.toString(delivery.enqueuedAt().toEpochMilli())));
  }

  /** How long a claim lasts unless extended. */
  public Duration claimTerm() {
    return claimTerm;
  }

  /** How long completions are remembered. */
  public Duration retention() {
    return retention;
  }

  /** After which time a call to the store is given up. */
  public Duration storeTimeout() {
    return storeTimeout;
  }

  /** What is done while the store fails. */
  public StoreFailure onStoreFailure() {
    return storeFailure;
  }

  /** What duplicates are shown to. */
  public Optional<DuplicateHandler> duplicates() {
    return Optional.ofNullable(duplicates);
  }

  private static Duration positive(String what, Duration duration) {
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException(what + " must be positive, not " + duration);
    }
    return duration;
  }
}
