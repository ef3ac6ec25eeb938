package dev.forebay.queue.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.testkit.contract.CapabilitiesDocument;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Holds {@code docs/capabilities.md} against the reports of the contracts that ran before, or
 * writes it. It stands in this module because all backends are tested by then.
 */
class CapabilitiesInDocsTest {

  private static final String WRITE = "forebay.capabilities.write";

  private static final String HOW =
      "run `mvn verify -Dforebay.capabilities.write`, which runs all contracts and writes it.";

  @Test
  void capabilitiesDocument_saysWhatTheContractsFound() throws IOException {
    Path root = Path.of("..").toAbsolutePath().normalize();
    Path file = root.resolve("docs/capabilities.md");
    String made = CapabilitiesDocument.read(file, HOW).with(root).text();
    if (System.getProperty(WRITE) != null) {
      Files.writeString(file, made);
    }
    assertThat(CapabilitiesDocument.firstDifference(Files.readString(file), made))
        .as("docs/capabilities.md is out of date: %s", HOW)
        .isEmpty();
  }
}
