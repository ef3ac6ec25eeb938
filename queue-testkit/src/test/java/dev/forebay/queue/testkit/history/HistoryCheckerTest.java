package dev.forebay.queue.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Capabilities;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Histories made by hand: what is allowed, and what is not and by which check and rule. */
class HistoryCheckerTest {

  private static final Attempts FAILED_ONCE = new Attempts(1, 0, 0);
  private static final Attempts LOST_ONCE = new Attempts(0, 1, 0);
  private static final Attempts RETURNED_ONCE = new Attempts(0, 0, 1);

  static void good(Script script) {
    Verdict verdict = script.judge();
    assertThat(verdict.isGood()).as(verdict.toString()).isTrue();
  }

  /** Nothing but this is wrong, and it is shown by so many events. */
  static void bad(Script script, Check check, Rule rule, int events) {
    bad(script.judge(), check, rule, events);
  }

  private static void bad(Verdict verdict, Check check, Rule rule, int events) {
    assertThat(verdict.violations())
        .as(verdict.toString())
        .singleElement()
        .satisfies(
            violation -> {
              assertThat(violation.check()).isEqualTo(check);
              assertThat(violation.rule()).isEqualTo(rule);
              assertThat(violation.excerpt()).hasSize(events);
            });
    assertThat(verdict.toString()).contains(rule + " (" + check + ")");
  }

  /** One message, enqueued and delivered. */
  private static Script one() {
    return new Script().enqueue("a", 0);
  }

  @Test
  void everythingAsItShould_isGood() {
    Script script = one();
    long first = script.deliver("a", 100);
    script.act(Kind.EXTEND, first, 5_000, Result.OK, 10_000);
    script.act(Kind.RELEASE, first, 14_000, Result.OK, 500);
    long second = script.deliver("a", 14_600, FAILED_ONCE);
    script.act(Kind.RETURN, second, 14_700, Result.OK, 0);
    long third = script.deliver("a", 14_800, new Attempts(1, 0, 1));
    script.lost(third, 24_805);
    long fourth = script.deliver("a", 24_900, new Attempts(1, 1, 1));
    script.act(Kind.ACK, third, 24_950, Result.STALE, 0);
    script.ack(fourth, 25_000).act(Kind.ACK, fourth, 25_010, Result.STALE, 0);
    good(script.drained(60_000));
  }

  @Test
  void notDrained_isUndecided() {
    Script script = one();
    script.ack(script.deliver("a", 100), 200);
    Verdict verdict = script.judge();
    assertThat(verdict.violations()).isEmpty();
    assertThat(verdict.isGood()).isFalse();
  }

  @Test
  void eventsMissing_isUndecided() {
    Script script = one();
    script.ack(script.deliver("a", 100), 200).drained(60_000);
    Verdict verdict = Script.checker().check(new History(script.history().events(), 1));
    assertThat(verdict.isGood()).isFalse();
    assertThat(verdict.undecided()).singleElement().asString().contains("1 events are missing");
  }

  @Test
  void mostEndsUnknown_isUndecided() {
    Script script = one();
    script.act(Kind.ACK, script.deliver("a", 100), 200, Result.UNKNOWN, 0);
    Verdict verdict = script.drained(60_000).judge();
    assertThat(verdict.violations()).isEmpty();
    assertThat(verdict.undecided()).singleElement().asString().contains("unknown end");
  }

  @Test
  void E1_neverDelivered() {
    bad(one().drained(60_000), Check.I1, Rule.E1, 1);
  }

  @Test
  void E2_unknownEnqueue_mayBeStoredOrNot() {
    Script script = new Script().enqueue("a", 0, Result.UNKNOWN, null, null, 0);
    script.enqueue("b", 10, Result.UNKNOWN, null, null, 0);
    script.ack(script.deliver("a", 100), 200);
    good(script.drained(60_000));
  }

  @Test
  void E2_refusedEnqueue_isDelivered() {
    Script script = new Script().enqueue("a", 0, Result.FAILED, null, null, 0);
    script.ack(script.deliver("a", 100), 200);
    bad(script.drained(60_000), Check.I2, Rule.E3, 1);
  }

  @Test
  void E2_outcomesMixedUp() {
    Script script = one().enqueue("b", 10);
    script.ack(script.deliver(1, "a", 100, Attempts.NONE, Script.content("b"), 1, 10_000), 200);
    script.ack(script.deliver("b", 100), 200);
    bad(script.drained(60_000), Check.I2, Rule.E2, 2);
  }

  @Test
  void E3_changedOnTheWay() {
    Script script = one();
    script.ack(script.deliver(1, "a", 100, Attempts.NONE, 7, 1, 10_000), 200);
    bad(script.drained(60_000), Check.I2, Rule.E3, 2);
  }

  @Test
  void A2_deliveredAfterAck() {
    Script script = one();
    script.ack(script.deliver("a", 100), 200);
    script.ack(script.deliver("a", 10_500, LOST_ONCE), 10_600);
    bad(script.drained(60_000), Check.I3, Rule.A2, 2);
  }

  @Test
  void A2_afterAnUnknownAck_itMayComeAgain() {
    Script script = one();
    script.act(Kind.ACK, script.deliver("a", 100), 200, Result.UNKNOWN, 0);
    script.ack(script.deliver("a", 10_500, LOST_ONCE), 10_600);
    good(script.drained(60_000));
  }

  @Test
  void A2_ofBestEffort_hasABudget() {
    Capabilities can =
        Capabilities.builder("script")
            .exclusivity(Capabilities.Exclusivity.BEST_EFFORT)
            .lateness(Duration.ofSeconds(1))
            .build();
    Script script = new Script();
    for (int i = 0; i < 100; i++) {
      script.enqueue("m" + i, i);
      script.ack(script.deliver("m" + i, 1_000), 1_200);
    }
    script.ack(script.deliver("m1", 1_500, LOST_ONCE), 1_600).drained(60_000);
    HistoryChecker checker = HistoryChecker.of(can).times(Duration.ZERO, Duration.ofMillis(10));
    assertThat(checker.check(script.history()).isGood()).isTrue();
    assertThat(checker.check(script.history()).excused()).hasSize(1);
    bad(checker.budget(0.001).check(script.history()), Check.I3, Rule.A2, 2);
  }

  @Test
  void A4_ackLostAtClose() {
    Script script = one();
    script.ack(script.deliver("a", 100), 200).mark(Kind.CLOSE, 1, 300, 10);
    script.ack(script.deliver(2, "a", 10_500, LOST_ONCE, Script.content("a"), 2, 10_000), 10_600);
    bad(script.drained(60_000), Check.I3, Rule.A4, 2);
  }

  @Test
  void A3_okAfterTheLease() {
    Script script = one();
    long first = script.deliver("a", 100);
    script.ack(first, 10_200);
    bad(script.drained(60_000), Check.I4, Rule.A3, 2);
  }

  @Test
  void A3_staleAckTakesTheNewOne() {
    Script script = one();
    long first = script.deliver("a", 100);
    script.lost(first, 10_101);
    long second = script.deliver("a", 10_110, LOST_ONCE);
    script.act(Kind.ACK, first, 10_200, Result.STALE, 0);
    script.act(Kind.ACK, second, 10_300, Result.STALE, 0);
    Verdict verdict = script.drained(60_000).judge();
    assertThat(verdict.checks()).contains("I13");
    assertThat(verdict.rules()).contains("A3");
  }

  @Test
  void A1_twoSettlementsOk() {
    Script script = one();
    long first = script.deliver("a", 100);
    bad(script.ack(first, 200).ack(first, 300).drained(60_000), Check.I13, Rule.A1, 2);
  }

  @Test
  void A1_staleWithoutAReason() {
    Script script = one();
    long first = script.deliver("a", 100);
    script.act(Kind.RELEASE, first, 200, Result.STALE, 0);
    bad(script.ack(first, 300).drained(60_000), Check.I13, Rule.A1, 2);
  }

  @Test
  void L1_twoLiveLeases() {
    Script script = one();
    long first = script.deliver("a", 100);
    long second = script.deliver("a", 9_000);
    assertThat(second).isNotEqualTo(first);
    bad(script.ack(second, 9_500).drained(10_000), Check.I5, Rule.L1, 2);
  }

  @Test
  void L1_leaseEndsEarly_whereTheBrokerMay() {
    Capabilities can =
        Capabilities.builder("script").failureDetection(Duration.ofSeconds(30)).build();
    Script script = one();
    long first = script.deliver("a", 100);
    script.lost(first, 1_000);
    script.ack(script.deliver("a", 1_100, LOST_ONCE), 1_200);
    script.drained(60_000);
    Verdict verdict = HistoryChecker.of(can).check(script.history());
    assertThat(verdict.isGood()).as(verdict.toString()).isTrue();
    assertThat(script.judge().rules()).containsExactly("L1", "L2");
  }

  @Test
  void L2_abandonedAndNeverBack() {
    Script script = one();
    script.lost(script.deliver("a", 100), 10_105);
    bad(script.drained(60_000), Check.I1, Rule.L2, 2);
  }

  @Test
  void L2_backTooLate() {
    Script script = one();
    script.lost(script.deliver("a", 100), 10_105);
    for (long at = 0; at < 15_000; at += 500) {
      script.poll(1, at, 10, 0, 0, 1).poll(2, at, 10, 0, 0, 1);
    }
    script.ack(script.deliver("a", 15_000, LOST_ONCE), 15_100);
    bad(script.drained(60_000), Check.I14, Rule.L2, 3);
  }

  @Test
  void L2_backTooLate_butOneObjectWasNotPolled() {
    Script script = one();
    script.lost(script.deliver("a", 100), 10_105);
    for (long at = 0; at < 15_000; at += 500) {
      script.poll(1, at, 10, 0, 0, 1);
    }
    script.ack(script.deliver("a", 15_000, LOST_ONCE), 15_100);
    good(script.drained(60_000));
  }

  @Test
  void L3_handedOutAgainDuringAnExtension() {
    Script script = one();
    long first = script.deliver("a", 100);
    script.act(Kind.EXTEND, first, 5_000, Result.OK, 10_000);
    script.ack(script.deliver("a", 12_000, LOST_ONCE), 12_100);
    bad(script.drained(13_000), Check.I5, Rule.L3, 3);
  }

  @Test
  void L3_unknownExtension_widensBothWays() {
    Script script = one();
    long first = script.deliver("a", 100);
    script.act(Kind.EXTEND, first, 5_000, Result.UNKNOWN, 10_000);
    script.lost(first, 10_102);
    script.ack(script.deliver("a", 10_200, LOST_ONCE), 12_100);
    good(script.drained(60_000));
  }

  @Test
  void L4_lossNotTold() {
    Script script = one();
    script.deliver("a", 100);
    script.ack(script.deliver("a", 10_200, LOST_ONCE), 10_300);
    bad(script.drained(60_000), Check.I8, Rule.L4, 1);
  }

  @Test
  void L4_settledAndCalledLost() {
    Script script = one();
    long first = script.deliver("a", 100);
    bad(script.ack(first, 200).lost(first, 300).drained(60_000), Check.I8, Rule.L4, 3);
  }

  @Test
  void L5_tokenDoesNotGrow() {
    Script script = one();
    long first = script.deliver("a", 100);
    script.act(Kind.RELEASE, first, 200, Result.OK, 0);
    long second = script.deliver(1, "a", 300, FAILED_ONCE, Script.content("a"), 1, 10_000);
    bad(script.ack(second, 400).drained(60_000), Check.I8, Rule.L5, 2);
  }

  @Test
  void P4_littleOfTheLeaseLeft() {
    Script script = one();
    script.ack(script.deliver(1, "a", 100, Attempts.NONE, Script.content("a"), 1, 4_000), 200);
    bad(script.drained(60_000), Check.I5, Rule.P4, 1);
  }

  @Test
  void R2_failureNotCounted() {
    Script script = one();
    script.act(Kind.RELEASE, script.deliver("a", 100), 200, Result.OK, 0);
    script.ack(script.deliver("a", 300), 400);
    bad(script.drained(60_000), Check.I6, Rule.R2, 3);
  }

  @Test
  void R2_returnCountedAsFailure() {
    Script script = one();
    script.act(Kind.RETURN, script.deliver("a", 100), 200, Result.OK, 0);
    script.ack(script.deliver("a", 300, FAILED_ONCE), 400);
    bad(script.drained(60_000), Check.I6, Rule.R2, 3);
  }

  @Test
  void R2_tooHigh_whereCountsAreNotExact() {
    Capabilities can =
        Capabilities.builder("script")
            .attempts(Capabilities.AttemptPrecision.CAUSE_PER_PROCESS, true)
            .build();
    Script script = one();
    script.act(Kind.RETURN, script.deliver("a", 100), 200, Result.OK, 0);
    script.ack(script.deliver("a", 300, new Attempts(0, 2, 0)), 400).drained(60_000);
    assertThat(HistoryChecker.of(can).check(script.history()).isGood()).isTrue();
  }

  @Test
  void R2_tooLow_whereCountsAreNotExact() {
    Capabilities can =
        Capabilities.builder("script")
            .attempts(Capabilities.AttemptPrecision.CAUSE_PER_PROCESS, true)
            .build();
    Script script = one();
    script.act(Kind.RETURN, script.deliver("a", 100), 200, Result.OK, 0);
    script.act(Kind.RELEASE, script.deliver("a", 300, new Attempts(0, 1, 0)), 400, Result.OK, 0);
    // The second was called one too many: this one, at the same number, is right.
    script.act(Kind.RELEASE, script.deliver("a", 500, new Attempts(0, 1, 1)), 600, Result.OK, 0);
    script.ack(script.deliver("a", 700, new Attempts(1, 0, 1)), 800).drained(60_000);
    bad(HistoryChecker.of(can).check(script.history()), Check.I6, Rule.R2, 3);
  }

  @Test
  void R1_backTooEarly() {
    Script script = one();
    script.act(Kind.RELEASE, script.deliver("a", 100), 200, Result.OK, 1_000);
    script.ack(script.deliver("a", 900, FAILED_ONCE), 1_000);
    bad(script.drained(60_000), Check.I10, Rule.R1, 2);
  }

  @Test
  void R1_givenBackAndLost() {
    Script script = one();
    script.act(Kind.RELEASE, script.deliver("a", 100), 200, Result.OK, 1_000);
    bad(script.drained(60_000), Check.I1, Rule.R1, 2);
  }

  @Test
  void R4_waitsWithoutAReason() {
    Script script = one();
    for (long at = 0; at < 3_000; at += 100) {
      script.poll(1, at, 10, 0, 0, 1).poll(2, at, 10, 0, 0, 1);
    }
    script.ack(script.deliver("a", 3_000), 3_100);
    bad(script.drained(60_000), Check.I14, Rule.R4, 3);
  }

  @Test
  void E4_tooEarly() {
    Script script = new Script().enqueue("a", 0, Result.OK, null, null, 1_000);
    script.ack(script.deliver("a", 900), 950);
    bad(script.drained(60_000), Check.I9, Rule.E4, 2);
  }

  @Test
  void E4_inTime() {
    Script script = new Script().enqueue("a", 0, Result.OK, null, null, 1_000);
    script.poll(1, 900, 10, 0, 0, 1).poll(2, 900, 10, 0, 0, 1);
    script.ack(script.deliver("a", 1_050), 1_060);
    good(script.drained(60_000));
  }

  @Test
  void D1_foundOnce_isGood() {
    Script script = one();
    script.act(Kind.DEAD, script.deliver("a", 100), 200, Result.OK, 0).drained(60_000);
    good(script.found(9, "a", 60_010, "Poison").mark(Kind.LOOKED, 9, 60_005, 10));
  }

  @Test
  void D1_notFound() {
    Script script = one();
    script.act(Kind.DEAD, script.deliver("a", 100), 200, Result.OK, 0).drained(60_000);
    bad(script.mark(Kind.LOOKED, 9, 60_005, 10), Check.I7, Rule.D1, 2);
  }

  @Test
  void D1_deliveredAfterwards() {
    Script script = one();
    script.act(Kind.DEAD, script.deliver("a", 100), 200, Result.OK, 0);
    script.ack(script.deliver("a", 300, FAILED_ONCE), 400).drained(60_000);
    Verdict verdict =
        script.found(9, "a", 60_010, "Poison").mark(Kind.LOOKED, 9, 60_005, 10).judge();
    assertThat(verdict.rules()).containsExactly("D1");
    assertThat(verdict.checks()).containsExactly("I7");
  }

  @Test
  void D1_twice() {
    Script script = one();
    script.act(Kind.DEAD, script.deliver("a", 100), 200, Result.OK, 0).drained(60_000);
    script.found(9, "a", 60_010, "Poison").found(9, "a", 60_011, "Poison");
    bad(script.mark(Kind.LOOKED, 9, 60_005, 10), Check.I7, Rule.D1, 2);
  }

  @Test
  void D2_anotherCause() {
    Script script = one();
    script.act(Kind.DEAD, script.deliver("a", 100), 200, Result.OK, 0).drained(60_000);
    script.found(9, "a", 60_010, "").mark(Kind.LOOKED, 9, 60_005, 10);
    bad(script, Check.I7, Rule.D2, 2);
  }

  @Test
  void D3_goneAfterALook() {
    Script script = one();
    script.act(Kind.DEAD, script.deliver("a", 100), 200, Result.OK, 0).drained(60_000);
    script.found(8, "a", 60_010, "Poison").mark(Kind.LOOKED, 8, 60_005, 10);
    bad(script.mark(Kind.LOOKED, 9, 60_105, 10), Check.I7, Rule.D3, 3);
  }

  private static Script twoOfAKey() {
    return new Script()
        .enqueue("a", 0, Result.OK, "k", null, 0)
        .enqueue("b", 10, Result.OK, "k", null, 0);
  }

  @Test
  void K1_inOrder_isGood() {
    Script script = twoOfAKey();
    script.ack(script.deliver("a", 100), 200);
    script.ack(script.deliver("b", 300), 400);
    good(script.drained(60_000));
  }

  @Test
  void K1_outOfOrder() {
    Script script = twoOfAKey();
    script.ack(script.deliver("b", 100), 200);
    script.ack(script.deliver("a", 300), 400);
    bad(script.drained(60_000), Check.I11, Rule.K1, 5);
    Verdict relaxed = Script.checker().keyPolicy(KeyPolicy.RELAXED).check(script.history());
    assertThat(relaxed.isGood()).as(relaxed.toString()).isTrue();
  }

  @Test
  void K1_twoInHand() {
    Script script = twoOfAKey();
    long first = script.deliver("a", 100);
    long second = script.deliver("b", 150);
    script.ack(first, 200).ack(second, 300).drained(60_000);
    bad(
        Script.checker().keyPolicy(KeyPolicy.RELAXED).check(script.history()),
        Check.I11,
        Rule.K1,
        2);
  }

  @Test
  void K3_keyWaitsForAnother() {
    Script script = twoOfAKey().enqueue("c", 20, Result.OK, "other", null, 0);
    script.ack(script.deliver("a", 100), 200);
    script.ack(script.deliver("b", 300), 400);
    for (long at = 100; at < 3_000; at += 100) {
      script.poll(1, at, 10, 0, 0, 1).poll(2, at, 10, 0, 0, 1);
    }
    script.ack(script.deliver("c", 3_000), 3_100);
    bad(script.drained(60_000), Check.I14, Rule.K3, 3);
  }

  @Test
  void U1_duplicateInsideTheWindow_isGood() {
    Script script = new Script().enqueue("a", 0, Result.OK, null, "d", 0);
    script.enqueue("a", 30_000, Result.DUPLICATE, null, "d", 0);
    script.enqueue("b", 60_010, Result.OK, null, "d", 0);
    script.ack(script.deliver("a", 100), 200);
    script.ack(script.deliver("b", 60_100), 60_200);
    good(script.drained(120_000));
  }

  @Test
  void U1_twoAtOnce_eitherMayBeTheStoredOne() {
    Script script = new Script().enqueue("a", 0, Result.OK, null, "d", 0);
    script.duplicate("a", "other", 1, "d");
    script.ack(script.deliver(1, "a", 100, Attempts.NONE, Script.content("other"), 1, 10_000), 200);
    good(script.drained(60_000));
  }

  @Test
  void U1_duplicateOfAnEarlierOne_isStoredInItsPlace() {
    Script script = new Script().enqueue("a", 0, Result.OK, null, "d", 0);
    script.duplicate("a", "other", 20, "d");
    script.ack(script.deliver(1, "a", 100, Attempts.NONE, Script.content("other"), 1, 10_000), 200);
    bad(script.drained(60_000), Check.I2, Rule.E3, 2);
  }

  @Test
  void U1_storedTwice() {
    Script script = new Script().enqueue("a", 0, Result.OK, null, "d", 0);
    script.enqueue("b", 10, Result.OK, null, "d", 0);
    script.ack(script.deliver("a", 100), 200);
    script.ack(script.deliver("b", 100), 200);
    bad(script.drained(60_000), Check.I12, Rule.U1, 2);
  }

  @Test
  void U1_duplicateAfterTheWindow() {
    Script script = new Script().enqueue("a", 0, Result.OK, null, "d", 0);
    script.enqueue("a", 61_000, Result.DUPLICATE, null, "d", 0);
    script.ack(script.deliver("a", 100), 200);
    bad(script.drained(70_000), Check.I12, Rule.U1, 2);
  }

  @Test
  void P1_moreThanAskedFor() {
    Script script = one();
    script.ack(script.deliver("a", 100), 200).poll(1, 100, 1, 2, 0, 1);
    bad(script.drained(60_000), Check.I15, Rule.P1, 1);
  }

  @Test
  void P1_emptyTooSoon() {
    Script script = one();
    script.ack(script.deliver("a", 100), 200).poll(1, 300, 1, 0, 1_000, 10);
    bad(script.drained(60_000), Check.I15, Rule.P1, 1);
  }

  @Test
  void P1_emptyInTime_isGood() {
    Script script = one();
    script.ack(script.deliver("a", 100), 200).poll(1, 300, 1, 0, 1_000, 1_000);
    good(script.drained(60_000));
  }

  @Test
  void S1_handedOutAfterClose() {
    Script script = one().mark(Kind.CLOSE, 1, 50, 10);
    script.ack(script.deliver("a", 100), 110);
    bad(script.drained(60_000), Check.I17, Rule.S1, 2);
  }

  @Test
  void S1_closeTakesTooLong() {
    Script script = one();
    script.ack(script.deliver("a", 100), 110).mark(Kind.CLOSE, 1, 200, 3_000);
    bad(script.drained(60_000), Check.I17, Rule.S1, 1);
  }

  @Test
  void S1_closeDoesNotDrain() {
    Script script = one();
    long first = script.deliver("a", 100);
    script.mark(Kind.CLOSE, 1, 200, 1_000);
    script.act(Kind.ACK, first, 300, Result.STALE, 0);
    script.ack(script.deliver(2, "a", 10_200, LOST_ONCE, Script.content("a"), 2, 10_000), 10_300);
    bad(script.drained(60_000), Check.I13, Rule.S1, 2);
  }

  /** A message given back untouched comes with the same attempt. */
  @Test
  void R2_returned_isGood() {
    Script script = one();
    script.act(Kind.RETURN, script.deliver("a", 100), 200, Result.OK, 0);
    script.ack(script.deliver("a", 300, RETURNED_ONCE), 400);
    good(script.drained(60_000));
  }
}
