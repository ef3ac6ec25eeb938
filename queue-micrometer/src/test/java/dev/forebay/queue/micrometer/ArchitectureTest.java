package dev.forebay.queue.micrometer;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.ObjectInputStream;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** What the examples' architecture test holds the other modules to; they do not see this one. */
class ArchitectureTest {

  private static final JavaClasses MODULE =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.forebay.queue.micrometer");

  @Test
  void onlyTheEntryClassesArePublic() {
    assertThat(MODULE)
        .filteredOn(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
        .extracting(JavaClass::getFullName)
        .containsExactlyInAnyOrder(
            BatchLinks.class.getName(),
            MessageObservations.class.getName(),
            WorkerMeters.class.getName(),
            WorkerMeters.Builder.class.getName(),
            WorkerMeters.Binding.class.getName());
  }

  /** So that the others do without it on the class path. */
  @Test
  void onlyTheLinksNeedTheTracing() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName(BatchLinks.class.getName())
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.micrometer.tracing..")
        .check(MODULE);
  }

  @Test
  void timeComesFromTheTimeSourceAndNothingIsPrintedOrDeserialised() {
    noClasses()
        .should()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .callMethod(java.util.concurrent.TimeUnit.class, "sleep", long.class)
        .orShould()
        .callConstructor(java.util.Date.class)
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(Instant.class, "now")
        .orShould()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(ObjectInputStream.class)
        .check(MODULE);
  }
}
