package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CapabilitiesDocumentTest {

  @TempDir Path root;

  private CapabilitiesDocument made() {
    return CapabilitiesDocument.read(root.resolve("docs.md"), "run it.").with(root);
  }

  private void report(String module, String name, String backend, String lease, String rules)
      throws IOException {
    Path folder = Files.createDirectories(root.resolve(module).resolve("target/contract"));
    Files.writeString(
        folder.resolve(name + ".json"),
        """
        {"backend": "%s", "capabilities": {"backend": "%s", "minLease": "%s", "maxHeaders": 1024,
         "receiveBatch": 2147483647, "ordering": "PER_KEY", "deadLetters": false}, "rules": {%s}}
        """
            .formatted(name, backend, lease, rules));
  }

  private static String result(String test, String result, String why) {
    return "{\"test\": \"%s\", \"result\": \"%s\"%s}".formatted(test, result, why);
  }

  @Test
  void reports_becomeOneColumnEach_withFiguresForPeople() throws IOException {
    report("queue-a", "a", "a", "PT0.001S", "");
    report("queue-b", "b", "b", "PT0S", "");
    report("queue-b", "b-otherwise", "b", "PT9S", "");
    CapabilitiesDocument made = made();
    assertThat(made.backends()).containsExactly("a", "b");
    assertThat(made.text())
        .contains("| | a | b |\n|---|---|---|\n")
        .contains("| shortest lease | 1 ms | – |")
        .contains("| headers | 1,024 | 1,024 |")
        .contains("| deliveries a receive | any | any |")
        .contains("| order | per key | per key |")
        .contains("| dead letters | – | – |");
  }

  @Test
  void rules_sayWhatPassedAndWhatIsAbsent() throws IOException {
    report(
        "queue-a",
        "a",
        "a",
        "PT1S",
        "\"E1\": [%s, %s, %s, %s], \"E2\": []"
            .formatted(
                result("one", "passed", ""),
                result("two", "passed", ""),
                result("three", "skipped", ", \"ability\": \"DEDUP\", \"missing\": true"),
                result("four", "skipped", ", \"ability\": \"CRASH\", \"missing\": false")));
    assertThat(made().text())
        .contains("| E1 | passed 2; skipped without `DEDUP` |")
        .contains("| E2 | no test |")
        .contains("| E3 | not run |");
  }

  @Test
  void backendWithoutAReport_keepsItsColumn_andANewOneComesLast() throws IOException {
    report("queue-a", "z", "z", "PT1S", "");
    report("queue-a", "m", "m", "PT2S", "");
    Files.writeString(root.resolve("docs.md"), made().text());
    Files.delete(root.resolve("queue-a/target/contract/m.json"));
    report("queue-a", "z", "z", "PT3S", "");
    report("queue-c", "a", "a", "PT4S", "");
    assertThat(made().text())
        .contains("| | m | z | a |")
        .contains("| shortest lease | 2 s | 3 s | 4 s |");
  }

  @Test
  void documentThatWasMade_isReadBackAsItIs() throws IOException {
    report("queue-a", "a", "a", "PT1S", "\"E1\": [" + result("one", "passed", "") + "]");
    String text = made().text();
    Files.writeString(root.resolve("docs.md"), text);
    assertThat(CapabilitiesDocument.read(root.resolve("docs.md"), "run it.").text())
        .isEqualTo(text);
    assertThat(CapabilitiesDocument.firstDifference(text, text)).isEmpty();
    assertThat(CapabilitiesDocument.firstDifference(text, text.replace("passed 1", "passed 2")))
        .contains("passed 1")
        .contains("passed 2");
  }

  @Test
  void brokenContract_isNotDocumented() throws IOException {
    report("queue-a", "a", "a", "PT1S", "\"E1\": [" + result("E1_one", "failed", "") + "]");
    assertThatThrownBy(this::made)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("E1_one failed");
  }
}
