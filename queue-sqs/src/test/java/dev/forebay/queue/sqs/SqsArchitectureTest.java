package dev.forebay.queue.sqs;

import static com.tngtech.archunit.core.domain.JavaModifier.PUBLIC;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** What the module promises about itself. */
class SqsArchitectureTest {

  private static final JavaClasses MAIN =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.forebay.queue.sqs");

  @Test
  void onlyTheQueueAndItsBuilder_arePublic() {
    classes()
        .that()
        .doNotHaveFullyQualifiedName(SqsWorkQueue.class.getName())
        .and()
        .doNotHaveFullyQualifiedName(SqsWorkQueue.Builder.class.getName())
        .and()
        .areTopLevelClasses()
        .should()
        .notHaveModifier(PUBLIC)
        .check(MAIN);
  }

  @Test
  void timeComesFromTheTimeSource_andNoThreadIsMade() {
    noClasses()
        .should()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(java.time.Instant.class, "now")
        .orShould()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .callMethod(java.util.concurrent.TimeUnit.class, "sleep", long.class)
        .orShould()
        .callConstructor(java.util.Date.class)
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.util.concurrent.Executors")
        .check(MAIN);
  }

  /** It drops the wait, and prefetches what then expires unseen. */
  @Test
  void theSdksOwnBatchManager_isNotUsed() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAPackage("software.amazon.awssdk.services.sqs.batchmanager..")
        .check(MAIN);
  }

  @Test
  void theHttpClient_isTheUsersChoice() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("software.amazon.awssdk.http..", "io.netty..")
        .check(MAIN);
  }
}
