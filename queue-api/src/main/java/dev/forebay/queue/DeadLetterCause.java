package dev.forebay.queue;

/**
 * Why a message died: a class of causes to filter by, and a text for people.
 *
 * @param type a short, stable name such as an exception's simple class name or {@code EXPIRED}; at
 *     most 128 characters
 * @param message what happened; never a stack trace, at most 1,024 characters
 */
public record DeadLetterCause(String type, String message) {

  private static final int MAX_TYPE = 128;
  private static final int MAX_MESSAGE = 1024;

  /** The maximum of attempts was reached. */
  public static final String MAX_ATTEMPTS = "MAX_ATTEMPTS";

  /** Its leases were lost too often, as when it kills whatever process runs it. */
  public static final String LEASES_LOST = "LEASES_LOST";

  /** Its deadline passed before it was handled (W5). */
  public static final String EXPIRED = "EXPIRED";

  /** The record could not be decoded (P5). */
  public static final String UNDECODABLE = "UNDECODABLE";

  /** The broker itself set the message aside, after its own maximum of deliveries. */
  public static final String MAX_RECEIVES = "MAX_RECEIVES";

  /**
   * Replaces control characters and lone surrogates, which no broker carries alike, and cuts to the
   * limits.
   */
  public DeadLetterCause {
    type = type.isBlank() ? "UNSPECIFIED" : clean(type, MAX_TYPE);
    message = clean(message, MAX_MESSAGE);
  }

  /**
   * The simple class name and message of an exception, without its stack and without its own
   * causes.
   */
  public static DeadLetterCause of(Throwable failure) {
    String simple = failure.getClass().getSimpleName();
    String message = failure.getMessage();
    return new DeadLetterCause(
        simple.isEmpty() ? failure.getClass().getName() : simple, message == null ? "" : message);
  }

  private static String clean(String text, int limit) {
    StringBuilder out = new StringBuilder(Math.min(text.length(), limit));
    for (int i = 0; i < text.length() && out.length() < limit; i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        if (out.length() + 2 > limit) {
          break;
        }
        out.append(c).append(text.charAt(++i));
      } else if (Character.isSurrogate(c) || c == '\uFFFE' || c == '\uFFFF') {
        out.append('\uFFFD');
      } else {
        out.append(Character.isISOControl(c) ? ' ' : c);
      }
    }
    return out.toString();
  }
}
