package dev.forebay.queue.testkit.contract;

import java.lang.reflect.Method;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The rules of the contract by id; {@code docs/contract.md} states them in full. */
public enum Rule {
  /** A completed enqueue is stored. */
  E1("a completed enqueue is stored"),
  /** One outcome per message, in request order. */
  E2("one outcome per message, in order"),
  /** Body, key and headers come back unchanged. */
  E3("body, key and headers come back unchanged"),
  /** A delayed message is not delivered early. */
  E4("a delayed message is not early"),
  /** The library batches. */
  E5("enqueues are batched by the library"),
  /** Bounds of a poll. */
  P1("poll keeps its bounds and wakes at close"),
  /** One object, many threads. */
  P2("one queue object serves many threads"),
  /** What a delivery says. */
  P3("a delivery says what it is"),
  /** Half of the lease is left at hand-out. */
  P4("half of the lease is left at hand-out"),
  /** An undecodable record does not block. */
  P5("an undecodable record does not block"),
  /** A live lease is exclusive. */
  L1("a live lease is exclusive"),
  /** A lease that ends makes the message deliverable. */
  L2("an ended lease brings the message back"),
  /** Extended work is not handed out twice. */
  L3("extended work is not handed out twice"),
  /** A lost lease is an event. */
  L4("a lost lease is noticed"),
  /** Fencing tokens grow. */
  L5("fencing tokens grow"),
  /** One settlement decides. */
  A1("one settlement decides"),
  /** Acked is gone. */
  A2("acked is gone"),
  /** A stale ack changes nothing. */
  A3("a stale ack changes nothing"),
  /** Acks in batches, nothing lost at close. */
  A4("no ack is lost in a batch or at close"),
  /** A release keeps its delay. */
  R1("a release keeps its delay"),
  /** A return burns no attempt. */
  R2("attempts are kept by cause"),
  /** Backoff is a pure function. */
  R3("backoff is a function of the attempt"),
  /** A failing message blocks no other. */
  R4("a failing message blocks no other"),
  /** After the last attempt: dead-lettered. */
  R5("after the last attempt: dead-lettered"),
  /** The dead letter is written first. */
  D1("a dead letter is written before its source goes"),
  /** What a dead letter carries. */
  D2("a dead letter carries message and cause"),
  /** Inspect, redrive, discard. */
  D3("inspect, redrive, discard"),
  /** One delivery per dedup id. */
  U1("one dedup id, one delivery"),
  /** Claim, handle, complete. */
  U2("finished work is not run again"),
  /** Never a false positive. */
  U3("unfinished work is never dropped"),
  /** Finished but not acked. */
  U4("finished but not acked is recognised"),
  /** Order within a key. */
  K1("one key, one at a time, in order"),
  /** What a failing key does. */
  K2("a failing key waits or steps aside, as chosen"),
  /** A hot key starves nobody. */
  K3("a hot key starves nobody"),
  /** Close drains. */
  S1("close drains, in bounded time"),
  /** Misconfiguration fails at build. */
  S2("misconfiguration fails at build"),
  /** A broker that is down. */
  S3("a broker outage is survived"),
  /** Where a message is. */
  S4("what is said about a message is true"),
  /** The worker runs a handler. */
  W1("the worker runs handlers and settles"),
  /** Lease lost, handler cancelled. */
  W2("a lost lease cancels the handler"),
  /** Micro-batches. */
  W3("micro-batches"),
  /** Circuit breaker. */
  W4("a failing type goes to the slow lane"),
  /** Deadlines. */
  W5("late work is expired, not run"),
  /** Gates. */
  W6("a gate stops intake"),
  /** Signals. */
  W7("signals");

  private static final Pattern TEST_NAME = Pattern.compile("([A-Z]\\d+)_\\w+");

  private final String summary;

  Rule(String summary) {
    this.summary = summary;
  }

  /** The rule in a few words. */
  public String summary() {
    return summary;
  }

  /** The rule that a test of this name is about; empty when its name does not begin with an id. */
  static Optional<Rule> of(Method test) {
    Matcher name = TEST_NAME.matcher(test.getName());
    if (!name.matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(valueOf(name.group(1)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
