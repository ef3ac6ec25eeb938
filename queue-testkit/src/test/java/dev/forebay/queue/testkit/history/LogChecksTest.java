package dev.forebay.queue.testkit.history;

import static dev.forebay.queue.testkit.history.HistoryCheckerTest.bad;
import static dev.forebay.queue.testkit.history.HistoryCheckerTest.good;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Histories of a log made by hand, each with one fault, and those that only look like one. */
class LogChecksTest {

  private static final Attempts FAILED_ONCE = new Attempts(1, 0, 0);
  private static final Attempts LOST_ONCE = new Attempts(0, 1, 0);

  /** Two messages in one partition, acked after 200 ms and 400 ms. */
  private static Script log() {
    Script script = new Script().enqueue("a", 0).enqueue("b", 10);
    script.log(Kind.RECORD, "a", 59_000, 0).log(Kind.RECORD, "b", 59_000, 1);
    script.ack(script.deliver("a", 100), 200);
    script.ack(script.deliver("b", 300), 400);
    return script.drained(60_000);
  }

  private static Script end(Script script) {
    return script.commit(500, 2, 10, 1).log(Kind.LOG_END, null, 60_100, 2);
  }

  @Test
  void goodLog() {
    good(end(log().commit(250, 1, 10, 1).log(Kind.RESOLVED, null, 450, 1)));
  }

  @Test
  void C1_committedBeforeItWasResolved() {
    bad(end(log().commit(250, 2, 10, 1)), Check.C1, Rule.E1, 2);
  }

  /** As wrong as an offset beyond it: whoever has the partition next leaves it out. */
  @Test
  void C1_persistedAsResolvedBeforeItWas() {
    bad(end(log().log(Kind.RESOLVED, null, 350, 1)), Check.C1, Rule.E1, 2);
  }

  /** One message, released with a delay and committed while it waits. */
  private static Script released(@Nullable String key) {
    Script script = new Script().enqueue("a", 0, Result.OK, key, null, 0);
    script.log(Kind.RECORD, "a", 59_000, 0).commit(300, 1, 10, 1);
    script.act(Kind.RELEASE, script.deliver("a", 100), 200, Result.OK, 500);
    script.ack(script.deliver("a", 800, FAILED_ONCE), 900);
    return script.drained(60_000);
  }

  @Test
  void C1_committedWhileItWaitsForItsKey() {
    bad(released("key"), Check.C1, Rule.E1, 2);
  }

  /** Without a key it may wait elsewhere, as a record of its own later. */
  @Test
  void C1_committedSinceItMovedOn_isGood() {
    good(released(null).log(Kind.RECORD, "a", 59_000, 1).commit(1_000, 2, 10, 1));
  }

  @Test
  void C2_commitGoesBack() {
    bad(log().commit(500, 2, 10, 1).commit(600, 1, 10, 1), Check.C2, Rule.A2, 2);
  }

  /** The answer to an ack never came, and it was persisted. */
  private static Script unanswered() {
    Script script = new Script().enqueue("a", 0);
    script.log(Kind.RECORD, "a", 59_000, 0).log(Kind.RESOLVED, null, 250, 0);
    script.act(Kind.ACK, script.deliver("a", 100), 200, Result.UNKNOWN, 0);
    script.ack(script.deliver("a", 11_000, LOST_ONCE), 11_100);
    return script.drained(60_000);
  }

  @Test
  void C3_persistedAsResolved_handedOutAgain() {
    bad(unanswered(), Check.C3, Rule.A2, 2);
  }

  /** Another record of the same message is not resolved with the first. */
  @Test
  void C3_copy_isGood() {
    good(unanswered().log(Kind.RECORD, "a", 59_000, 1).commit(11_200, 2, 10, 1));
  }

  @Test
  void C4_recordThatNobodyHasSeen() {
    Script script = log().log(Kind.RECORD, "c", 59_000, 2).commit(500, 3, 10, 1);
    bad(script.log(Kind.LOG_END, null, 60_100, 3), Check.C4, Rule.E1, 1);
  }

  @Test
  void C5_commitIsNotAtTheEnd() {
    Script script = log().commit(500, 1, 10, 1).log(Kind.LOG_END, null, 60_100, 2);
    bad(script, Check.C5, Rule.A4, 2);
  }

  @Test
  void C5_nothingWasCommitted() {
    bad(log().log(Kind.LOG_END, null, 60_100, 2), Check.C5, Rule.A4, 1);
  }

  @Test
  void C7_commitOfAnOldGeneration() {
    bad(log().commit(250, 1, 10, 2).commit(500, 2, 10, 1), Check.C7, Rule.L5, 2);
  }

  @Test
  void C8_metadataTooLong() {
    bad(log().commit(500, 2, 4_097, 1), Check.C8, Rule.A4, 1);
  }
}
