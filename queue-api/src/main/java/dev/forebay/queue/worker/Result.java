package dev.forebay.queue.worker;

/** What came of a run, as its {@link Step}s are told before it is settled. */
sealed interface Result {

  /** The handler returned and the message is done. */
  Result ACKED = new Decided(Outcome.ack());

  /** The handler did not run. */
  Result NOT_RUN = new NotRun();

  /** The lease was lost while the handler ran: whatever it did is not settled (W2). */
  Result LOST = new Lost();

  /** The handler was interrupted because the worker closes; the delivery is given back (S1). */
  Result CUT_SHORT = new CutShort();

  /** The handler returned this outcome. */
  record Decided(Outcome outcome) implements Result {}

  /** The handler threw. */
  record Failed(Throwable failure) implements Result {}

  /** See {@link #NOT_RUN}. */
  record NotRun() implements Result {}

  /** See {@link #LOST}. */
  record Lost() implements Result {}

  /** See {@link #CUT_SHORT}. */
  record CutShort() implements Result {}

  /** What a handler's outcome is as a result. */
  static Result decided(Outcome outcome) {
    return outcome instanceof Outcome.Ack ? ACKED : new Decided(outcome);
  }

  /** Whether the work is done and the message is to be acked. */
  static boolean isDone(Result result) {
    return result instanceof Decided decided && decided.outcome() instanceof Outcome.Ack;
  }

  /** What listeners are told of a handler that ran. */
  static HandlerEnd end(Result result) {
    if (result instanceof Decided decided) {
      return decided.outcome() instanceof Outcome.Ack
          ? HandlerEnd.DONE
          : decided.outcome() instanceof Outcome.GiveBack
              ? HandlerEnd.GIVEN_BACK
              : HandlerEnd.FAILED;
    }
    return result instanceof Lost
        ? HandlerEnd.LEASE_LOST
        : result instanceof CutShort ? HandlerEnd.CUT_SHORT : HandlerEnd.FAILED;
  }
}
