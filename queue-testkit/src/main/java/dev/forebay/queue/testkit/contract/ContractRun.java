package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.HierarchyTraversalMode;

/** One contract class while its tests run: what its backend offers and how each test ended. */
final class ContractRun {

  /** How a test ended. */
  enum Ending {
    PASSED,
    FAILED,
    SKIPPED
  }

  /**
   * A test's result.
   *
   * @param ability what made it be skipped
   * @param missing whether it was skipped because that is absent, not because it is offered
   */
  record Result(String test, Ending ending, @Nullable Ability ability, boolean missing) {}

  private final Class<?> contract;
  private final String prefix;
  private final AtomicInteger sequence = new AtomicInteger();
  private final Map<String, Result> results = new TreeMap<>();
  private @Nullable Probe probe;

  private record Probe(String reportName, Capabilities capabilities, Set<Ability> abilities) {}

  ContractRun(Class<?> contract) {
    this.contract = contract;
    // Names must be new on a broker that outlives the run, so that old messages never show up.
    this.prefix = UUID.randomUUID().toString().substring(0, 8);
  }

  /** A broker queue name for one test; at most 40 characters. */
  String freshName(String what) {
    String id = what.replaceAll("_.*", "").toLowerCase(Locale.ROOT);
    return "contract-"
        + id.substring(0, Math.min(id.length(), 12))
        + "-"
        + prefix
        + "-"
        + sequence.incrementAndGet();
  }

  /** Asks the backend once what it offers. */
  synchronized Trial trial(WorkQueueHarness harness, String test) {
    Probe known = probe;
    if (known == null) {
      known = probe(harness);
      probe = known;
    }
    return new Trial(freshName(test), harness, known.capabilities, known.abilities);
  }

  private Probe probe(WorkQueueHarness harness) {
    String name = freshName("probe");
    // An ordinary grace time: figures may depend on it, as the lateness on SQS does.
    QueueSettings settings = Trial.settings(harness, true).withGrace(Duration.ofSeconds(10));
    try (WorkQueue queue = harness.open(name, settings)) {
      Capabilities can = queue.capabilities();
      Set<Ability> abilities = EnumSet.noneOf(Ability.class);
      abilities.addAll(Ability.of(name, harness, settings, can));
      abilities.addAll(Ability.of(queue));
      // A figure such as the oldest age may be known only while a message waits.
      queue.enqueue(Message.text("probe")).join().orThrow();
      abilities.addAll(Ability.of(queue.depth()));
      String reportName = harness.reportName();
      return new Probe(reportName.isEmpty() ? can.backend() : reportName, can, abilities);
    } finally {
      harness.delete(name);
    }
  }

  synchronized Set<Ability> abilities() {
    return probe == null ? Set.of() : probe.abilities;
  }

  synchronized @Nullable Capabilities capabilities() {
    return probe == null ? null : probe.capabilities;
  }

  /** What the run is called in reports. */
  synchronized String reportName() {
    return probe == null ? "unknown" : probe.reportName;
  }

  Class<?> contract() {
    return contract;
  }

  /** Why a test does not apply here; empty when it does. */
  static Optional<Result> skip(Method test, Set<Ability> offered) {
    WhenOffered needs = AnnotationSupport.findAnnotation(test, WhenOffered.class).orElse(null);
    if (needs != null) {
      for (Ability needed : needs.value()) {
        if (!offered.contains(needed)) {
          return Optional.of(new Result(test.getName(), Ending.SKIPPED, needed, true));
        }
      }
    }
    WhenAbsent lacks = AnnotationSupport.findAnnotation(test, WhenAbsent.class).orElse(null);
    if (lacks != null && offered.contains(lacks.value())) {
      return Optional.of(new Result(test.getName(), Ending.SKIPPED, lacks.value(), false));
    }
    return Optional.empty();
  }

  synchronized void record(Result result) {
    results.put(result.test(), result);
  }

  synchronized List<Result> results() {
    return List.copyOf(results.values());
  }

  /** Results by rule, in the order of the contract; rules without a test have an empty list. */
  synchronized Map<Rule, List<Result>> byRule() {
    Map<Rule, List<Result>> byRule = new EnumMap<>(Rule.class);
    for (Rule rule : Rule.values()) {
      List<Result> ofRule = new ArrayList<>();
      for (Method test : tests(contract)) {
        Result result = results.get(test.getName());
        if (result != null && Rule.of(test).filter(rule::equals).isPresent()) {
          ofRule.add(result);
        }
      }
      byRule.put(rule, ofRule);
    }
    return byRule;
  }

  /** Whether every test of the class was run or skipped, not just some that somebody selected. */
  synchronized boolean isComplete() {
    return tests(contract).stream().allMatch(test -> results.containsKey(test.getName()));
  }

  /** Ids of the rules of which a test is skipped because something is absent. */
  Set<String> skippedRules() {
    Set<String> skipped = new TreeSet<>();
    for (Method test : tests(contract)) {
      if (skip(test, abilities()).filter(Result::missing).isPresent()) {
        Rule.of(test).ifPresent(rule -> skipped.add(rule.name()));
      }
    }
    return skipped;
  }

  /** Every test method of a contract class, by name. */
  static List<Method> tests(Class<?> contract) {
    List<Method> tests =
        new ArrayList<>(
            AnnotationSupport.findAnnotatedMethods(
                contract, Test.class, HierarchyTraversalMode.TOP_DOWN));
    tests.sort(Comparator.comparing(Method::getName));
    return tests;
  }

  /** What to write into the class to pin what there is. */
  String pin() {
    return "@Expected(\n    offers = {"
        + String.join(", ", abilities().stream().map(Ability::name).toList())
        + "},\n    skips = {"
        + String.join(", ", skippedRules().stream().map(id -> '"' + id + '"').toList())
        + "})";
  }

  /** What differs from what the class pins; empty when nothing does or nothing is pinned. */
  List<String> unpinned() {
    Expected expected = AnnotationSupport.findAnnotation(contract, Expected.class).orElse(null);
    if (expected == null) {
      return List.of();
    }
    List<String> differences = new ArrayList<>();
    differ(differences, "offers", Set.of(expected.offers()), abilities());
    differ(differences, "skips", Set.of(expected.skips()), skippedRules());
    return differences;
  }

  private static <T> void differ(List<String> to, String what, Set<T> pinned, Set<T> found) {
    List<T> gone = pinned.stream().filter(each -> !found.contains(each)).toList();
    List<T> added = found.stream().filter(each -> !pinned.contains(each)).toList();
    if (!gone.isEmpty()) {
      to.add(what + " no longer: " + gone);
    }
    if (!added.isEmpty()) {
      to.add(what + " now also: " + added);
    }
  }
}
