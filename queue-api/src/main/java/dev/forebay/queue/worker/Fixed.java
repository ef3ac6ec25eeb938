package dev.forebay.queue.worker;

/** The outcomes that say nothing but what they are, made once. */
final class Fixed {

  static final Outcome ACK = new Outcome.Ack();
  static final Outcome RETRY = new Outcome.Retry();
  static final Outcome GIVE_BACK = new Outcome.GiveBack();

  private Fixed() {}
}
