package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.WorkQueue;
import java.util.List;
import java.util.function.BiFunction;

/** A queue that breaks a rule on purpose, in front of one that keeps them all. */
public enum BrokenQueue {
  /** No fault at all, so that whoever finds one has found it in the front itself. */
  NOT_BROKEN(WrongEnqueues.Right::new),
  CHOKES_ON_AN_EMPTY_LIST(WrongEnqueues.ChokesOnEmptyLists::new, "E2"),
  BELIEVES_FORGED_IDS(WrongEnqueues.BelievesForgedIds::new, "E3"),
  WAITS_FOR_A_FULL_POLL(WrongPolls.WaitsForAFullPoll::new, "P1"),
  LOSES_SOME_ENQUEUES(WrongEnqueues.LosesSome::new, "E1", "W4"),
  SWALLOWS_ENQUEUE_ERRORS(WrongEnqueues.SwallowsErrors::new, "E2", "E3"),
  MIXES_OUTCOMES_UP(WrongEnqueues.MixesOutcomesUp::new, "E2"),
  TAKES_BODIES_FOR_TEXT(WrongEnqueues.TakesBodiesForText::new, "E3"),
  LOSES_HEADERS_ON_RETRY(WrongEnqueues.LosesHeadersOnRetry::new, "E3"),
  FORGETS_DEADLINES(WrongEnqueues.ForgetsDeadlines::new, "E3", "W5"),
  IGNORES_ENQUEUE_DELAY(WrongEnqueues.IgnoresDelay::new, "E4"),
  DELAYS_TOO_LONG(WrongEnqueues.DelaysTooLong::new, "E4"),
  HOLDS_LONE_ENQUEUES_BACK(WrongEnqueues.HoldsBack::new, "E5"),
  GIVES_NULL_WHEN_EMPTY(WrongPolls.GivesNull::new, "P1"),
  GIVES_MORE_THAN_ASKED_FOR(WrongPolls.GivesMore::new, "P1"),
  NEVER_WAITS(WrongPolls.NeverWaits::new, "P1"),
  SLEEPS_ON(WrongPolls.SleepsOn::new, "P1", "S1"),
  ONE_THREAD_ONLY(WrongPolls.OneThreadOnly::new, "P2"),
  FORGETS_THE_AGE(WrongPolls.ForgetsAge::new, "P3"),
  HOARDS_LEASES(WrongPolls.HoardsLeases::new, "P4"),
  HANDS_OUT_TWICE(WrongLeases.HandsOutTwice::new, "L1"),
  ENDS_LEASES_EARLY(WrongLeases.EndsLeasesEarly::new, "L2"),
  NEVER_ENDS_LEASES(WrongLeases.NeverEndsLeases::new, "L2"),
  EXTENDS_NOTHING(WrongLeases.ExtendsNothing::new, "L3", "W1", "W3"),
  EXTENDS_FROM_THE_OLD_END(WrongLeases.ExtendsFromTheOldEnd::new, "L3"),
  NOTICES_NO_LOSS(WrongLeases.NoticesNoLoss::new, "L4", "W2"),
  TAKES_SETTLED_FOR_LOST(WrongLeases.TakesSettledForLost::new, "L4"),
  FENCES_WITH_A_CONSTANT(WrongLeases.FencesWithAConstant::new, "L5"),
  SAYS_OK_TWICE(WrongSettlements.SaysOkTwice::new, "A1"),
  SAYS_OK_TO_STALE_ACKS(WrongSettlements.SaysOkToStaleAcks::new, "A1", "A3"),
  ACKS_FOR_OTHERS(WrongSettlements.AcksForOthers::new, "A3"),
  FORGETS_ACKS(WrongSettlements.ForgetsAcks::new, "A2"),
  DROPS_ACKS_AT_CLOSE(WrongSettlements.DropsAcksAtClose::new, "A4"),
  SPOILS_BATCHES(WrongSettlements.SpoilsBatches::new, "A4"),
  IGNORES_RELEASE_DELAY(WrongRetries.IgnoresReleaseDelay::new, "R1"),
  RELEASES_LATE(WrongRetries.ReleasesLate::new, "R1"),
  LOSES_ON_RELEASE(WrongRetries.LosesOnRelease::new, "R1", "W1", "W3", "W4"),
  FORGETS_ATTEMPTS(WrongRetries.ForgetsAttempts::new, "R2", "R5"),
  COUNTS_RETURNS(WrongRetries.CountsReturns::new, "R2", "W6"),
  PAUSES_FOR_DELAYS(WrongRetries.PausesForDelays::new, "R4"),
  WAITS_FOR_ITS_BATCH(WrongRetries.WaitsForItsBatch::new, "R4"),
  LOSES_DEAD_LETTERS(WrongEndings.LosesDeadLetters::new, "D1", "W5"),
  KEEPS_THE_SOURCE_OF_DEAD_LETTERS(WrongEndings.KeepsTheSource::new, "D1"),
  STRIPS_DEAD_LETTERS(WrongEndings.StripsDeadLetters::new, "D2"),
  FORGETS_THE_CAUSE(WrongEndings.ForgetsTheCause::new, "D2"),
  IGNORES_DEAD_LETTER_FILTERS(WrongWorkbench.with(WrongWorkbench.IgnoresFilters::new), "D3"),
  REDRIVES_WITHOUT_BOUNDS(WrongWorkbench.with(WrongWorkbench.KnowsNoBounds::new), "D3"),
  CONSUMES_DEAD_LETTERS_ON_LIST(WrongWorkbench.with(WrongWorkbench.ConsumesOnList::new), "D3"),
  LISTS_HALF_OF_A_DEAD_LETTER(WrongWorkbench.with(WrongWorkbench.ListsHalfOfIt::new), "D3"),
  LOSES_ON_REDRIVE(WrongWorkbench.with(WrongWorkbench.LosesOnRedrive::new), "D3"),
  SEES_NO_DEAD_LETTERS(WrongWorkbench.SeesNone::new, "D3"),
  FORGETS_DEDUP_IDS(WrongEnqueues.ForgetsDedup::new, "U1"),
  DEDUPS_BY_BODY(WrongEnqueues.DedupsByBody::new, "U1"),
  DEDUPS_FOR_EVER(WrongEnqueues.DedupsForEver::new, "U1"),
  KEEPS_NO_ORDER(WrongKeys.KeepsNoOrder::new, "K1", "K2", "K3"),
  HAS_ONE_LANE(WrongKeys.HasOneLane::new, "K1", "K3"),
  IGNORES_CLOSE(WrongEndings.IgnoresClose::new, "S1"),
  HURRIES_WHEN_INTERRUPTED(WrongEndings.HurriesWhenInterrupted::new, "S1"),
  HANGS_AT_CLOSE(WrongEndings.HangsAtClose::new, "S1"),
  LEAVES_A_THREAD(WrongEndings.LeavesAThread::new, "S1"),
  DROPS_ITS_BUFFER_AT_CLOSE(WrongPolls.DropsBufferAtClose::new, "S1"),
  EXPLAINS_BY_GUESSING(WrongPolls.ExplainsByGuessing::new, "S4"),
  SEES_NO_BACKLOG(WrongPolls.SeesNoBacklog::new, "W7"),
  /** Its harness asks for the other key policy than the test wanted. */
  ALWAYS_RELAXED((target, broker) -> target, "K1", "K2"),
  ALWAYS_STRICT((target, broker) -> target, "K2"),
  DOES_NOT_DRAIN(WrongEndings.DoesNotDrain::new, "S1"),
  /** Its harness builds it with settings that should be refused. */
  ACCEPTS_ANY_SETTINGS((target, broker) -> target, "S2"),
  /** No fault either, on a queue that offers nothing it need not. */
  BARE_NOT_BROKEN(Kind.BARE, Bare::new),
  BARE_DROPS_THE_UNDECODABLE(Kind.BARE, WrongBare.DropsUndecodable::new, "P5"),
  BARE_HANDS_OUT_THE_UNDECODABLE(Kind.BARE, WrongBare.HandsOutUndecodable::new, "P5"),
  BARE_REFUSES_FOREIGN_RECORDS(Kind.BARE, WrongBare.RefusesForeign::new, "P5"),
  BARE_SENDS_EACH_ALONE(Kind.BARE, WrongBare.SendsEachAlone::new, "E5"),
  BARE_LOSES_IN_OUTAGES(Kind.BARE, WrongBare.LosesInOutages::new, "S3"),
  BARE_GIVES_UP_IN_OUTAGES(Kind.BARE, WrongBare.GivesUpInOutages::new, "S3"),
  BARE_SPINS_IN_OUTAGES(Kind.BARE, WrongBare.SpinsInOutages::new, "S3"),
  BARE_TAKES_DELAYS(Kind.BARE, WrongBare.TakesDelays::new, "E4"),
  BARE_DEDUPS_UNASKED(Kind.BARE, WrongBare.DedupsUnasked::new, "U1"),
  BARE_HOLDS_KEYS_UP(Kind.BARE, WrongBare.HoldsKeysUp::new, "K1"),
  BARE_LOSES_RETURNS(Kind.BARE, WrongBare.LosesReturns::new, "R2"),
  BARE_COUNTS_ITS_OWN(Kind.BARE, WrongBare.CountsItsOwn::new, "R2"),
  BARE_LOSES_ONE_WHEN_ASKED(Kind.BARE, WrongBare.LosesOneWhenAsked::new, "D3");

  /** What a wrong queue would be if it were right. */
  private enum Kind {
    /** The in-memory queue, which offers all that the queue itself can. */
    WHOLE,
    /** One without, on a broker that can be disturbed. */
    BARE
  }

  private final Kind kind;
  private final BiFunction<WorkQueue, Broker, WorkQueue> front;
  private final List<String> rules;

  BrokenQueue(BiFunction<WorkQueue, Broker, WorkQueue> front, String... rules) {
    this(Kind.WHOLE, front, rules);
  }

  BrokenQueue(Kind kind, BiFunction<WorkQueue, Broker, WorkQueue> front, String... rules) {
    this.kind = kind;
    this.front = front;
    this.rules = List.of(rules);
  }

  /** Whether it has no fault at all. */
  public boolean isRight() {
    return rules.isEmpty();
  }

  /** Whether it lacks all that a queue may lack, on a broker that can be disturbed. */
  public boolean isBare() {
    return kind == Kind.BARE;
  }

  /** Ids of the rules that it breaks first of all; others may suffer with them. */
  public List<String> rules() {
    return rules;
  }

  /** A queue object that is wrong in this way. */
  public WorkQueue inFrontOf(WorkQueue target, Broker broker) {
    return front.apply(target, broker);
  }
}
