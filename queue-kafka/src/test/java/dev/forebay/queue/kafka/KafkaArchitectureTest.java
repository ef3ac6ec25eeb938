package dev.forebay.queue.kafka;

import static com.tngtech.archunit.core.domain.JavaModifier.PUBLIC;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** What the module promises about itself. */
class KafkaArchitectureTest {

  private static final JavaClasses MAIN =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.forebay.queue.kafka");

  @Test
  void onlyTheQueueItsBuildersAndStats_arePublic() {
    classes()
        .that()
        .doNotHaveFullyQualifiedName(KafkaWorkQueue.class.getName())
        .and()
        .haveSimpleNameNotEndingWith("Builder")
        .and()
        // What unwrap() offers.
        .haveSimpleNameNotEndingWith("Stats")
        .and()
        .areTopLevelClasses()
        .should()
        .notHaveModifier(PUBLIC)
        .check(MAIN);
  }

  @Test
  void timeComesFromTheTimeSource() {
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

  @Test
  void theBrokersCode_isForTestsOnly() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("kafka..", "org.apache.kafka.server..", "org.apache.kafka.metadata..")
        .check(MAIN);
  }
}
