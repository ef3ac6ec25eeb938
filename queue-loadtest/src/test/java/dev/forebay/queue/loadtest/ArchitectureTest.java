package dev.forebay.queue.loadtest;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Rules about the module's own structure. */
class ArchitectureTest {
  private static final String ROOT = "dev.forebay.queue.loadtest";

  private final JavaClasses classes =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  @Test
  void packages_haveNoCycle() {
    slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(classes);
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".*..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT)
        .check(classes);
  }

  @Test
  void classes_arePublicOnlyForAnotherPackage() {
    ArchRuleDefinition.classes()
        .that()
        .arePublic()
        .and()
        .doNotHaveSimpleName("SideBySide")
        .should(beUsedFromAnotherPackage())
        .check(classes);
  }

  @Test
  void time_comesFromOneSource() {
    noClasses().should().callMethod(System.class, "currentTimeMillis").check(classes);
    noClasses().should().callMethod(System.class, "nanoTime").check(classes);
    noClasses().should().callMethod(Instant.class, "now").check(classes);
    noClasses().should().callMethod(Thread.class, "sleep", long.class).check(classes);
    noClasses()
        .should()
        .callMethod(java.util.concurrent.TimeUnit.class, "sleep", long.class)
        .check(classes);
  }

  @Test
  void exits_onlyInMain() {
    methods().that().doNotHaveName("main").should(notCall(System.class, "exit")).check(classes);
  }

  private static ArchCondition<JavaClass> beUsedFromAnotherPackage() {
    return new ArchCondition<>("be used from another package") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        boolean used =
            type.getDirectDependenciesToSelf().stream()
                .anyMatch(
                    dependency ->
                        !dependency
                            .getOriginClass()
                            .getPackageName()
                            .equals(type.getPackageName()));
        events.add(
            new SimpleConditionEvent(
                type, used, type.getName() + (used ? " is" : " is not") + " used elsewhere"));
      }
    };
  }

  private static ArchCondition<JavaMethod> notCall(Class<?> owner, String name) {
    return new ArchCondition<>("not call " + owner.getSimpleName() + "." + name) {
      @Override
      public void check(JavaMethod method, ConditionEvents events) {
        method.getMethodCallsFromSelf().stream()
            .filter(call -> call.getTargetOwner().isEquivalentTo(owner))
            .filter(call -> call.getName().equals(name))
            .forEach(
                call -> events.add(SimpleConditionEvent.violated(method, call.getDescription())));
      }
    };
  }
}
