package dev.forebay.queue.examples;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import dev.forebay.queue.time.SystemTimeSource;
import java.io.ObjectInputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What every module must keep; it stands here because this module sees them all. */
class ArchitectureTest {

  private static final String ROOT = "dev.forebay.queue..";
  private static final String EXAMPLES = "dev.forebay.queue.examples..";
  private static final String TESTKIT = "dev.forebay.queue.testkit..";

  private static JavaClasses everything;

  @BeforeAll
  static void read() {
    everything =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.forebay.queue");
    Set<String> packages =
        everything.stream().map(JavaClass::getPackageName).collect(Collectors.toSet());
    assertThat(packages)
        .as("the modules on the class path")
        .contains(
            "dev.forebay.queue",
            "dev.forebay.queue.spi",
            "dev.forebay.queue.sqs",
            "dev.forebay.queue.kafka",
            "dev.forebay.queue.testkit.contract");
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("dev.forebay.(**)").should().beFreeOfCycles().check(everything);
  }

  @Test
  void theApiKnowsNoBackend() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.forebay.queue",
            "dev.forebay.queue.spi..",
            "dev.forebay.queue.time..",
            "dev.forebay.queue.policy..",
            "dev.forebay.queue.progress..",
            "dev.forebay.queue.worker..",
            "dev.forebay.queue.memory..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "software.amazon..",
            "org.apache.kafka..",
            "dev.forebay.queue.sqs..",
            "dev.forebay.queue.kafka..",
            "dev.forebay.queue.testkit..")
        .check(everything);
  }

  @Test
  void timeComesFromTheTimeSource() {
    noClasses()
        .that(are(resideInAPackage(ROOT)).and(resideOutsideOfPackages(EXAMPLES)))
        .and()
        .doNotBelongToAnyOf(SystemTimeSource.class)
        .should()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .callMethod(java.util.concurrent.TimeUnit.class, "sleep", long.class)
        .orShould()
        .callConstructor(java.util.Date.class)
        .orShould()
        .callMethod(Thread.class, "sleep", long.class, int.class)
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(Instant.class, "now")
        .orShould()
        .callMethod(LocalDateTime.class, "now")
        .orShould()
        .callMethod(Clock.class, "systemUTC")
        .orShould()
        .callMethod(Clock.class, "systemDefaultZone")
        .check(everything);
  }

  @Test
  void nothingFromTheWireBecomesAClassOrAnObject() {
    noClasses()
        .that(are(resideInAPackage(ROOT)))
        .should()
        .dependOnClassesThat()
        .areAssignableTo(ObjectInputStream.class)
        .orShould()
        .dependOnClassesThat()
        .resideInAnyPackage("javax.naming..", "javax.script..", "javax.el..")
        .check(everything);
  }

  @Test
  void libraryCodeLogsAndDoesNotPrint() {
    noClasses()
        .that(are(resideInAPackage(ROOT)).and(resideOutsideOfPackages(EXAMPLES, TESTKIT)))
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .check(everything);
  }

  /**
   * The examples stand for the users: what neither they nor another package needs is not public.
   * The testkit's users are tests, which are not seen from here.
   */
  @Test
  void nothingIsPublicThatNobodyOutsideItsPackageNeeds() {
    classes()
        .that(are(resideInAPackage(ROOT)).and(resideOutsideOfPackages(EXAMPLES, TESTKIT)))
        .and()
        .areTopLevelClasses()
        .and()
        .arePublic()
        .should(beUsedFromAnotherPackage())
        .check(everything);
  }

  private static ArchCondition<JavaClass> beUsedFromAnotherPackage() {
    return new ArchCondition<>("be used from another package") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        boolean used = usedElsewhere(type, type.getPackageName());
        if (!used) {
          events.add(
              SimpleConditionEvent.violated(
                  type, type.getName() + " is public, but nothing outside its package uses it"));
        }
      }
    };
  }

  private static boolean usedElsewhere(JavaClass type, String home) {
    return type.getDirectDependenciesToSelf().stream()
        .map(Dependency::getOriginClass)
        .anyMatch(origin -> !origin.getPackageName().equals(home) || isPublicApi(origin, type));
  }

  /**
   * A type that a public type of its own package extends, or shows in a public signature, is as
   * public as that one.
   */
  private static boolean isPublicApi(JavaClass origin, JavaClass type) {
    return origin.getModifiers().contains(JavaModifier.PUBLIC)
        && (origin.getRawSuperclass().filter(type::equals).isPresent()
            || origin.getMethods().stream()
                .filter(method -> method.getModifiers().contains(JavaModifier.PUBLIC))
                .anyMatch(method -> method.getAllInvolvedRawTypes().contains(type)));
  }
}
