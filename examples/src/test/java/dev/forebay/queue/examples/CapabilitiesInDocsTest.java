package dev.forebay.queue.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.testkit.contract.CapabilitiesDocument;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Holds {@code docs/capabilities.md} against the reports of the contracts that ran before, and the
 * README's table against that document, or writes both. It stands in this module because all
 * backends are tested by then.
 */
class CapabilitiesInDocsTest {

  private static final String WRITE = "forebay.capabilities.write";

  private static final String HOW =
      "run `mvn verify -Dforebay.capabilities.write`, which runs all contracts and writes it.";

  /** Between these the README says in numbers what the document does. */
  private static final String BEGIN = "<!-- capabilities: copied from docs/capabilities.md -->\n";

  private static final String END = "<!-- capabilities end -->\n";

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path DOCUMENT = ROOT.resolve("docs/capabilities.md");
  private static final Path README = ROOT.resolve("README.md");

  private static String made() {
    return CapabilitiesDocument.read(DOCUMENT, HOW).with(ROOT).text();
  }

  private static boolean writes() {
    return System.getProperty(WRITE) != null;
  }

  @Test
  void capabilitiesDocument_saysWhatTheContractsFound() throws IOException {
    String made = made();
    if (writes()) {
      Files.writeString(DOCUMENT, made);
    }
    assertThat(CapabilitiesDocument.firstDifference(Files.readString(DOCUMENT), made))
        .as("docs/capabilities.md is out of date: %s", HOW)
        .isEmpty();
  }

  @Test
  void readme_saysInNumbersWhatTheDocumentSays() throws IOException {
    String table = numbers(writes() ? made() : Files.readString(DOCUMENT));
    assertThat(table.lines()).hasSizeGreaterThan(10);
    String readme = Files.readString(README);
    assertThat(readme).containsOnlyOnce(BEGIN).containsOnlyOnce(END);
    int from = readme.indexOf(BEGIN) + BEGIN.length();
    int to = readme.indexOf(END);
    if (writes()) {
      Files.writeString(README, readme.substring(0, from) + table + readme.substring(to));
      return;
    }
    assertThat(CapabilitiesDocument.firstDifference(readme.substring(from, to), table))
        .as("README.md contradicts docs/capabilities.md: copy the table \"In numbers\", or %s", HOW)
        .isEmpty();
  }

  /** The first table of the document. */
  private static String numbers(String document) {
    return document
        .lines()
        .dropWhile(line -> !line.startsWith("|"))
        .takeWhile(line -> line.startsWith("|"))
        .map(line -> line + "\n")
        .collect(Collectors.joining());
  }
}
