package dev.forebay.queue.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ArchitectureTest {

  private final JavaClasses classes =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.forebay.queue.cli");

  @Test
  void onlyTheProgram_isPublic() {
    classes().that().arePublic().should().haveSimpleName("DeadLettersCommand").check(classes);
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
}
