package dev.forebay.queue;

/**
 * How the earlier deliveries of a message ended, by cause (R2).
 *
 * @param failed given back as failed
 * @param leaseLost ended by their lease
 * @param returned given back untouched; these do not count as attempts
 */
public record Attempts(int failed, int leaseLost, int returned) {

  /** No earlier delivery. */
  public static final Attempts NONE = new Attempts(0, 0, 0);

  /** Rejects negative counts. */
  public Attempts {
    if (failed < 0 || leaseLost < 0 || returned < 0) {
      throw new IllegalArgumentException(
          "Attempt counts must not be negative: " + failed + ", " + leaseLost + ", " + returned);
    }
  }

  /** Whether these are {@link #NONE}. */
  public boolean isNone() {
    return failed == 0 && leaseLost == 0 && returned == 0;
  }

  /** The 1-based number of the attempt that follows these. */
  public int next() {
    return 1 + failed + leaseLost;
  }

  /** These and one more failure. */
  public Attempts plusFailed() {
    return new Attempts(failed + 1, leaseLost, returned);
  }

  /** These and one more lost lease. */
  public Attempts plusLeaseLost() {
    return new Attempts(failed, leaseLost + 1, returned);
  }

  /** These and one more return. */
  public Attempts plusReturned() {
    return new Attempts(failed, leaseLost, returned + 1);
  }

  /** These and one more release of the given cause. */
  public Attempts plus(ReleaseCause cause) {
    return cause == ReleaseCause.FAILED ? plusFailed() : plusReturned();
  }
}
