package dev.forebay.queue.testkit.history;

/**
 * What {@link HistoryChecker} looks for. I: of any queue; C: of a queue on a log, by its committed
 * offsets. Where a check stands for several rules of the contract, each {@link Violation} names its
 * own.
 */
public enum Check {
  /** Nothing stored is lost. */
  I1("nothing is lost"),
  /** Nothing is delivered that was not enqueued, nor changed on the way. */
  I2("nothing is invented or changed"),
  /** Nothing returns after a sure ack. */
  I3("nothing returns after an ack"),
  /** A delivery whose lease is over settles nothing. */
  I4("a lost delivery settles nothing"),
  /** One live lease a message. */
  I5("a lease is exclusive"),
  /** Attempts grow as their causes say. */
  I6("attempts are counted"),
  /** A dead letter is in one place, whole. */
  I7("dead letters are kept"),
  /** Fencing tokens grow, a lost lease is told. */
  I8("tokens grow, losses are told"),
  /** A delay is neither cut short nor ignored. */
  I9("a delayed message is not early"),
  /** A release's delay is kept. */
  I10("a released message is not early"),
  /** The messages of a key come one at a time, in order. */
  I11("keys keep their order"),
  /** One dedup id, one message; a duplicate has its twin. */
  I12("dedup ids are kept"),
  /** One settlement decides. */
  I13("one settlement decides"),
  /** What can be delivered is delivered. */
  I14("nothing waits without a reason"),
  /** A poll keeps its bounds. */
  I15("polls keep their bounds"),
  /** Nothing is handed out after close, which ends in time and drains before. */
  I17("close is an end"),
  /** Everything before a committed offset is resolved. */
  C1("before a committed offset all is resolved"),
  /** Commits never go back. */
  C2("commits never go back"),
  /** What was persisted as resolved is not handed out again, as after a rebalance. */
  C3("nothing persisted as resolved comes again"),
  /** At the end every record is resolved; found as I1 where it is known that it was stored. */
  C4("at the end every record is resolved"),
  /** When all is resolved the commit reaches the end. */
  C5("the commit reaches the end"),
  /** Who had a partition before does not commit after who has it now. */
  C7("an old generation commits nothing"),
  /** The metadata of an offset fits. */
  C8("metadata fits"),
  /** An acked record is never acquired again; found as I3. */
  C9("an acked record is not acquired again");

  private final String summary;

  Check(String summary) {
    this.summary = summary;
  }

  /** The check in a few words. */
  public String summary() {
    return summary;
  }
}
